"""Takes in what the agent says: into the transcript, and what it announces of itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from container.agent.announced import Announced, announce
from container.agent.content import end_of
from container.agent.items import Option, TerminalRef, Tool
from container.agent.permissions import Permissions
from container.agent.terminals import MAX_TERMINALS
from container.agent.transcript import Transcript

if TYPE_CHECKING:
    from acp import schema

    from container.agent.fold import Update

_EVERY = 10.0
"""Seconds between two notes of the agent's activity."""


class Hearing:
    """Implements :class:`container.agent.talk.Listener`. ``active`` notes that the agent does something."""

    def __init__(self, transcript: Transcript, permissions: Permissions, active: Callable[[], None]) -> None:
        self._transcript = transcript
        self._permissions = permissions
        self._active = active
        self._noted = float("-inf")
        self._printed: dict[str, tuple[str, int | None]] = {}
        self.announced = Announced()

    def tell(self, announced: Announced) -> None:
        """What the agent announces has changed."""
        self.announced = announced
        self._transcript.touch()

    def said(self, update: Update) -> None:
        """An update."""
        self._transcript.take(update)
        match update.session_update:
            case "tool_call" | "tool_call_update":
                for content in update.content or ():
                    if content.type == "terminal" and content.terminal_id in self._printed:
                        self._show(content.terminal_id)
        announced = announce(self.announced, update)
        if announced != self.announced:
            self.tell(announced)
        if (now := time.monotonic()) - self._noted >= _EVERY:
            self._noted = now
            self._active()

    def printed(self, terminal: str, output: str, code: int | None) -> None:
        """A command that we run for it printed, perhaps before its tool call is told."""
        self._printed[terminal] = (end_of(output)[0], code)
        if len(self._printed) > MAX_TERMINALS:
            del self._printed[next(iter(self._printed))]
        self._show(terminal)

    def _show(self, terminal: str) -> None:
        here = TerminalRef(terminal)
        output, code = self._printed[terminal]

        def shown(tool: Tool) -> Tool:
            return replace(tool, output=output, exit_code=code) if here in tool.pieces else tool

        self._transcript.change_tools(shown)

    async def asked(self, tool_call: schema.ToolCallUpdate, options: Sequence[Option]) -> str | None:
        """It asks leave."""
        tool = self._transcript.take_tool(tool_call).body
        title = tool.title if isinstance(tool, Tool) else ""
        return await self._permissions.ask(tool_call.tool_call_id, title, options)
