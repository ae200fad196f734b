"""A child program in a process group of its own.

It is apart from :class:`asyncio.subprocess.Process`, whose ``wait`` (up to Python 3.12) returns only when
nobody holds the program's pipes any more: what an agent left running in the background would keep it
from ever having ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import PIPE, SubprocessStreamProtocol
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from container.priority import lower

CHUNK = 64 * 1024


class Child:
    """A running program, with the pipes that were asked for."""

    def __init__(self, transport: asyncio.SubprocessTransport, protocol: _Protocol) -> None:
        self._transport = transport
        self._protocol = protocol
        self.pid = transport.get_pid()
        """Its process id, which is that of its group, too."""
        self.exited = protocol.exited
        """Done when it has ended itself: its exit code, negative for a signal."""

    @classmethod
    async def start(
        cls,
        words: Sequence[str],
        *,
        cwd: Path | str,
        environ: Mapping[str, str],
        stdin: int = PIPE,
        stderr: int = PIPE,
    ) -> Child:
        """Start it; raises OSError, and ValueError for words that no program can be given."""
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.subprocess_exec(
            lambda: _Protocol(loop),
            *words,
            cwd=cwd,
            env=dict(environ),
            stdin=stdin,
            stdout=PIPE,
            stderr=stderr,
            start_new_session=True,
        )
        lower(transport.get_pid())
        return cls(transport, protocol)

    # What was asked for is there.

    @property
    def stdin(self) -> asyncio.StreamWriter:
        """What it reads."""
        return cast("asyncio.StreamWriter", self._protocol.stdin)

    @property
    def stdout(self) -> asyncio.StreamReader:
        """What it writes."""
        return cast("asyncio.StreamReader", self._protocol.stdout)

    @property
    def stderr(self) -> asyncio.StreamReader:
        """What it writes on standard error."""
        return cast("asyncio.StreamReader", self._protocol.stderr)

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._transport.get_returncode()

    async def end(self, grace: float) -> None:
        """End it and what it started: TERM, then KILL. ``grace`` is in seconds."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.exited.done():
                break
            self._signal(number)
            await asyncio.wait([self.exited], timeout=grace)
        self._signal(signal.SIGKILL)  # what lives on in its group

    def close(self) -> None:
        """Close our ends of the pipes."""
        self._transport.close()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


async def surely(ending: Coroutine[Any, Any, None]) -> None:
    """Bring an ending to its end, also where whoever waits for it is cancelled meanwhile."""
    task = asyncio.get_running_loop().create_task(ending)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


class _Protocol(SubprocessStreamProtocol):
    """asyncio's own, which also tells of the end."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=CHUNK, loop=loop)
        self.exited: asyncio.Future[int] = loop.create_future()
        self._child: asyncio.SubprocessTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._child = cast("asyncio.SubprocessTransport", transport)
        super().connection_made(transport)

    def process_exited(self) -> None:
        super().process_exited()
        code = self._child.get_returncode() if self._child is not None else None
        if not self.exited.done():
            self.exited.set_result(code or 0)
