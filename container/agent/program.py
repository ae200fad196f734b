"""An agent's program: started in a process group of its own, and ended with all that it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

_KEPT = 16 * 1024
"""Bytes of the end of standard error that are kept."""
_SHOWN_LINES, _SHOWN = 8, 400
_CHUNK = 64 * 1024
_DRAIN = 0.5
"""Seconds that the last words get to arrive after the end."""


class Program:
    """A running program. Its output is for :class:`container.agent.pipe.Pipe`; its last words are kept."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        # All three were asked for, so all are there.
        self.stdin = cast("asyncio.StreamWriter", process.stdin)
        self.stdout = cast("asyncio.StreamReader", process.stdout)
        self._stderr = cast("asyncio.StreamReader", process.stderr)
        self._tail = bytearray()
        loop = asyncio.get_running_loop()
        self._listening = loop.create_task(self._listen())
        self.ended: asyncio.Task[int] = loop.create_task(process.wait())
        """Done when the program has ended; its exit code, negative for a signal."""

    @classmethod
    async def start(cls, words: Sequence[str], *, cwd: Path, environ: Mapping[str, str]) -> Program:
        """Start it; raises OSError."""
        return cls(
            await asyncio.create_subprocess_exec(
                *words,
                cwd=cwd,
                env=dict(environ),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                limit=_CHUNK,
            )
        )

    @property
    def pid(self) -> int:
        """Its process id, which is that of its group, too."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.returncode

    async def last_words(self) -> str:
        """The end of what it wrote on standard error, secrets and all: mask it, then shorten it."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._listening), _DRAIN)
        text = bytes(self._tail).decode(errors="replace")
        if len(self._tail) == _KEPT:
            text = text.partition("\n")[2] or text  # the first line lacks its beginning
        return text

    async def end(self, grace: float) -> None:
        """End it and its group: its input closes, then TERM, then KILL. ``grace`` is in seconds."""
        with contextlib.suppress(OSError, RuntimeError):
            self.stdin.close()
        for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, grace)):
            if self.ended.done():
                break
            self._signal(number)
            await asyncio.wait([self.ended], timeout=seconds)
        # What it started may live on in its group, and holds its output open.
        self._signal(signal.SIGKILL)
        await asyncio.wait([self._listening], timeout=_DRAIN)
        self._listening.cancel()
        self.ended.cancel()
        await asyncio.wait([self._listening, self.ended])
        self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    async def _listen(self) -> None:
        while chunk := await self._stderr.read(_CHUNK):
            self._tail += chunk
            del self._tail[:-_KEPT]


def shown(text: str) -> str:
    """The last lines of what was masked, short enough for a message."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    words = " / ".join(lines[-_SHOWN_LINES:])
    return words if len(words) <= _SHOWN else f"…{words[-_SHOWN:]}"
