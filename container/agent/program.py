"""An agent's program, and its last words."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from container.agent.child import CHUNK, Child
from container.agent.work import ErrorLog, work_of

_KEPT = 16 * 1024
"""Bytes of the end of standard error that are kept."""
_DRAIN = 0.5
"""Seconds that the last words get to arrive after the end."""


class Program:
    """A running program. Its output is for :class:`container.agent.pipe.Pipe`."""

    def __init__(self, child: Child, log: ErrorLog) -> None:
        self._child = child
        self._log = log
        self.stdin, self.stdout = child.stdin, child.stdout
        self.ended = child.exited
        """Done when it has ended; its exit code, negative for a signal."""
        self._tail = bytearray()
        self._said = 0
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    @classmethod
    async def start(
        cls, words: Sequence[str], *, cwd: Path, environ: Mapping[str, str], log: ErrorLog
    ) -> Program:
        """Start it; ``log`` gets what it writes on standard error. Raises OSError and ValueError."""
        return cls(await Child.start(words, cwd=cwd, environ=environ), log)

    @property
    def log(self) -> Path:
        """The file that has all that it writes on standard error."""
        return self._log.path

    async def work(self) -> int:
        """A number that grows while it works, or writes on standard error."""
        return self._said + await asyncio.to_thread(work_of, self._child.pid)

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._child.code

    async def last_words(self) -> str:
        """The end of what it wrote on standard error, secrets and all: mask it, then shorten it."""
        await asyncio.wait([self._listening], timeout=_DRAIN)
        text = bytes(self._tail).decode(errors="replace")
        if len(self._tail) == _KEPT:
            text = text.partition("\n")[2] or text  # the first line lacks its beginning
        return text

    async def end(self, grace: float) -> None:
        """End it with all that it started. ``grace`` is in seconds, and is given twice at most."""
        with contextlib.suppress(OSError, RuntimeError):
            self.stdin.close()
        await self._child.end(grace)
        self._listening.cancel()
        await asyncio.wait([self._listening])
        await self._log.settle(_DRAIN)
        self._child.close()

    async def _listen(self) -> None:
        while chunk := await self._child.stderr.read(CHUNK):
            self._tail += chunk
            del self._tail[:-_KEPT]
            self._said += len(chunk)
            self._log.add(chunk)
