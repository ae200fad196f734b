"""Commands that an agent lets us run for it (ACP's terminals), each in a process group of its own.

Bounds: :data:`MAX_TERMINALS` at a time, and of each the last megabyte of output at most.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
from asyncio.subprocess import DEVNULL, STDOUT
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from container.agent.child import CHUNK, Child

MAX_TERMINALS = 32
MAX_OUTPUT = 1024 * 1024
"""Bytes of output that are kept of each."""
_GRACE = 1.0
"""Seconds between TERM and KILL."""
_TOLD = 64_000
"""Bytes of the end of the output that are told as it grows, at most ten times a second."""
_PAUSE = 0.1
_CONTINUES, _CONTINUATION = 0xC0, 0x80


class NoTerminal(Exception):
    """There is no such terminal, or none more can be had; the text says so."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a command ended: its exit code, or the name of the signal that ended it."""

    code: int | None
    signal: str | None


class Terminal:
    """One command."""

    def __init__(self, child: Child, limit: int, changed: Callable[[str, int | None], None]) -> None:
        self._child = child
        self._limit = limit
        self._changed = changed
        self._output = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self.truncated = False
        self.ended: asyncio.Task[Exit] = asyncio.get_running_loop().create_task(self._follow())

    @property
    def output(self) -> str:
        """The end of what it printed."""
        return _decoded(self._output)

    async def kill(self) -> None:
        """End it with all that it started."""
        await self._child.end(_GRACE)
        await asyncio.wait([self.ended])

    async def _follow(self) -> Exit:
        reading = asyncio.get_running_loop().create_task(self._read())
        try:
            code = await asyncio.shield(self._child.exited)
            # What it left running may hold the output open for ever.
            await asyncio.wait([reading], timeout=_GRACE)
        finally:
            reading.cancel()
            self._child.close()
            self._tell()
        return Exit(code, None) if code >= 0 else Exit(None, signal.Signals(-code).name)

    async def _read(self) -> None:
        while chunk := await self._child.stdout.read(CHUNK):
            self._output += chunk
            if len(self._output) > self._limit:
                self.truncated = True
                del self._output[: len(self._output) - self._limit]
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(_PAUSE, self._tell)

    def _tell(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._changed(_decoded(self._output[-_TOLD:]), self._child.code)


def _decoded(output: bytearray) -> str:
    """Output whose beginning may be cut off, so that its first bytes only continue a character."""
    start = next((i for i, b in enumerate(output[:4]) if b & _CONTINUES != _CONTINUATION), 0)
    return bytes(output[start:]).decode(errors="replace")


class Terminals:
    """All of them. ``changed`` gets the id, the output and the exit code of one that printed or ended."""

    def __init__(
        self, workspace: Path, environ: Mapping[str, str], changed: Callable[[str, str, int | None], None]
    ) -> None:
        self._workspace = workspace
        self._environ = environ
        self._changed = changed
        self._terminals: dict[str, Terminal] = {}

    @property
    def working(self) -> bool:
        """Whether a command runs."""
        return any(not terminal.ended.done() for terminal in self._terminals.values())

    async def create(
        self,
        command: str,
        words: Sequence[str],
        environ: Mapping[str, str],
        cwd: str | None,
        limit: int | None,
    ) -> str:
        """Start a command and return its id; raises NoTerminal, and OSError.

        A command without words that holds spaces is one for the shell.
        """
        if len(self._terminals) >= MAX_TERMINALS:
            raise NoTerminal(f"{MAX_TERMINALS} terminals are open; release one")
        shell = not words and any(character.isspace() for character in command)
        child = await Child.start(
            ["/bin/sh", "-c", command] if shell else [command, *words],
            cwd=cwd or self._workspace,
            environ={**self._environ, **environ},
            stdin=DEVNULL,
            stderr=STDOUT,
        )
        id_ = f"terminal-{secrets.token_hex(6)}"
        kept = min(MAX_OUTPUT, MAX_OUTPUT if limit is None else max(0, limit))
        self._terminals[id_] = Terminal(child, kept, lambda output, code: self._changed(id_, output, code))
        return id_

    def get(self, id_: str) -> Terminal:
        """One of them; raises NoTerminal."""
        try:
            return self._terminals[id_]
        except KeyError:
            raise NoTerminal("there is no such terminal; it may have been released") from None

    async def release(self, id_: str) -> None:
        """End it, and forget it; raises NoTerminal."""
        await self.get(id_).kill()
        self._terminals.pop(id_, None)

    async def aclose(self) -> None:
        """End all of them."""
        terminals = list(self._terminals.values())
        self._terminals.clear()
        await asyncio.gather(*(terminal.kill() for terminal in terminals))
