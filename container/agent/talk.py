"""What the rest of the agent needs of a conversation.

It is the port that :mod:`container.agent.conversation` implements, without loading ``acp``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from container.agent.announced import Announced, ConfigurableOption
from container.agent.attachments import File
from container.agent.failures import AgentFailure
from container.agent.items import Option
from container.agent.providers import Provider

if TYPE_CHECKING:
    from acp import schema

    from container.agent.fold import Update


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what is waited for, in seconds."""

    opening: float = 60.0
    """Without a sign of work, for the answer to initializing, and to opening a session."""
    silence: float = 300.0
    """Without a word during a turn, until that is told."""
    cancel: float = 10.0
    """For the end of a cancelled turn, until the program is ended."""
    stop: float = 2.0
    """The same when the container is stopped."""
    grace: float = 1.0
    """For a program to end, before it is killed."""
    settled: float = 60.0
    """After which an agent counts as well, and its failures before as past."""


class Talk(Protocol):
    """A conversation that is open. Every method raises AgentFailure."""

    @property
    def session(self) -> str:
        """The agent's id of it."""

    @property
    def name(self) -> str:
        """What the agent calls itself."""

    @property
    def remembers(self) -> bool:
        """Whether an earlier conversation was taken up."""

    @property
    def announced(self) -> Announced:
        """What it announced when it was opened."""

    @property
    def heard(self) -> float:
        """When the last message came, in the loop's time."""

    @property
    def busy(self) -> bool:
        """Whether it waits for a command that we run for it."""

    async def prompt(self, text: str, files: Sequence[File]) -> str:
        """Give a prompt; the stop reason of the turn."""

    async def cancel(self) -> None:
        """Ask for the end of the turn."""

    async def choose_mode(self, mode: str) -> None:
        """Change the mode."""

    async def choose_option(self, option: str, value: str | bool) -> tuple[ConfigurableOption, ...]:  # noqa: FBT001 - ACP
        """Set an option; all options after it."""

    async def ended(self) -> AgentFailure:
        """Wait until the program has ended, and say how."""

    def aclose(self) -> Coroutine[Any, Any, None]:
        """End it. Never raises."""


class Listener(Protocol):
    """Who takes in what an agent says."""

    def said(self, update: Update) -> None:
        """An update of the conversation. Called in order; must not raise."""

    def printed(self, terminal: str, output: str, code: int | None) -> None:
        """A command that we run for the agent printed, or ended: the end of its output, its exit code."""

    async def asked(self, tool_call: schema.ToolCallUpdate, options: Sequence[Option]) -> str | None:
        """The agent asks leave: the id of the option chosen; None for none."""


Launch = Callable[[Provider, str | None], Awaitable[Talk]]
"""Starts a provider's program and opens a conversation, the earlier one of this id if it can be."""
