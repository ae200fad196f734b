"""Turns as the transcript tells them: each prompt's item, from its beginning to how it ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from container.agent.attachments import File
from container.agent.items import Body, Item, Outcome, Prompt, Tool
from container.agent.memory import Memory
from container.agent.permissions import Permissions
from container.agent.queue import PromptQueue, Waiting
from container.agent.records import NotKept
from container.agent.talk import Patience, Talk
from container.agent.transcript import Transcript
from container.agent.turn import Ending, Watch, take_turn

_HELD = {
    Outcome.CANCELLED: "the prompt before was cancelled",
    Outcome.INTERRUPTED: "the prompt before was interrupted",
    Outcome.CUT_SHORT: "the prompt before was cut short",
    Outcome.REFUSED: "the prompt before was refused",
    Outcome.LIMIT_REACHED: "the usage limit is reached",
    Outcome.LOGIN_NEEDED: "nobody is logged in",
    Outcome.FAILED: "the prompt before failed",
}
"""Why the others wait for a person: they may build on what was not done."""
_STOPPED = "the container was stopped"
_NOT_GIVEN = "it waits again, and was not given to the agent, since that cannot be recorded"


@dataclass(frozen=True, slots=True)
class Table:
    """What turns are made with.

    ``files`` tells where attachments lie; ``at`` the time, RFC 3339; ``warn`` tells a person something;
    ``worked`` is called when a turn has ended.
    """

    queue: PromptQueue
    transcript: Transcript
    permissions: Permissions
    memory: Memory
    files: Callable[[Waiting], Sequence[File]]
    warn: Callable[[str], None]
    worked: Callable[[], None]
    at: Callable[[], str]
    patience: Patience = field(default_factory=Patience)


class Turns:
    """One turn at a time."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._stop = asyncio.Event()
        self._ended = asyncio.Event()
        self._closing = False
        self.current: Item | None = None
        """The prompt that is under way."""
        self.last: int | None = None
        """The item of the newest prompt that was given."""

    @property
    def cancelling(self) -> bool:
        """Whether its end was asked for."""
        return self.current is not None and self._stop.is_set()

    def cancel(self) -> None:
        """End the turn that is under way."""
        self._stop.set()

    async def aclose(self) -> None:
        """Ask for the end of the turn, and give it a moment."""
        self._closing = True
        self._stop.set()
        if self.current is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._table.patience.stop):
                    await self._ended.wait()

    async def take(self, talk: Talk, prompt: Waiting) -> Ending:
        """Give a prompt that was taken from the queue; returns when its turn has ended."""
        table = self._table
        table.transcript.begin_turn()
        self.current = table.transcript.add(Prompt(prompt.id, prompt.text, prompt.attachments))
        self.last = self.current.id
        table.transcript.flush()
        self._stop.clear()
        self._ended.clear()
        ending = Ending(Outcome.INTERRUPTED, _STOPPED)
        try:
            # On the disk before the agent knows of it: so no start gives it a second time.
            try:
                await table.memory.settle()
            except NotKept as error:
                table.queue.put_back(prompt)
                ending = Ending(Outcome.FAILED, f"{_NOT_GIVEN}: {error}")
                return ending
            ending = await take_turn(talk, prompt.text, table.files(prompt), self._watch())
            if self._closing and ending.outcome is Outcome.CANCELLED:
                ending = replace(ending, outcome=Outcome.INTERRUPTED, message=_STOPPED)
        finally:
            self._end(self.current, ending)
        return ending

    def _watch(self) -> Watch:
        permissions = self._table.permissions
        return Watch(
            stop=self._stop,
            cancelled=permissions.cancel_all,
            pending=lambda: bool(permissions.pending),
            silent=self._silent,
            patience=self._table.patience,
        )

    def _end(self, item: Item, ending: Ending) -> None:
        table = self._table
        self.current = None
        table.permissions.cancel_all()
        if ending.outcome is not Outcome.COMPLETED:
            table.transcript.change_tools(cut_off)
            table.queue.hold(_HELD[ending.outcome])

        def ended(body: Body) -> Body:
            if not isinstance(body, Prompt):
                return body
            return replace(body, outcome=ending.outcome, message=ending.message, ended=table.at())

        table.transcript.change(item.id, ended)
        table.transcript.flush()
        if ending.outcome is Outcome.CANCELLED:
            table.memory.see(table.transcript.revision)  # whoever cancelled knows
        table.worked()
        self._ended.set()

    def _silent(self) -> None:
        minutes = self._table.patience.silence / 60
        self._table.warn(
            f"no news from the agent for {minutes:.0f} minutes; cancel if it should not take so long"
        )


def cut_off(tool: Tool) -> Tool:
    """A tool call whose turn ended before it did."""
    return replace(tool, status="interrupted") if tool.status in {"pending", "in_progress"} else tool
