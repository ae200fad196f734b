"""Start one program under the shim, and see it to its end.

The end is an event on a socket (no polling, no thread, no child watcher): however the program or
the shim dies, the kernel closes the socket.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_SHIM = Path(__file__).with_name("process_shim.py")
_KILLED = 137
_REAP_PAUSE = 0.002
_DRAIN_PATIENCE = 1.0
"""Seconds to wait for the end of the output where a descendant may have escaped with it."""


class _Output(asyncio.Protocol):
    """Passes on what the program writes."""

    def __init__(self, sink: Callable[[bytes], None]) -> None:
        self._sink = sink
        self.ended = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self._sink(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        if not self.ended.done():
            self.ended.set_result(None)


class Program:
    """One running program with all its descendants."""

    def __init__(
        self, shim: subprocess.Popen[bytes], pid: int, control: asyncio.StreamWriter, done: asyncio.Task[int]
    ) -> None:
        self.shim_pid = shim.pid
        self.pid = pid
        self._shim = shim
        self._done = done
        self._control = control

    async def wait(self) -> int:
        """Return the exit code (128 + n for a signal) once nothing of it is left."""
        return await asyncio.shield(self._done)

    @property
    def shim_failed(self) -> bool:
        """Whether the shim ended without seeing its program out: someone killed it."""
        return self._shim.returncode not in (None, 0)

    @property
    def ended(self) -> bool:
        """Whether nothing of it is left."""
        return self._done.done()

    def terminate(self) -> None:
        """Pass SIGTERM to its group."""
        self._tell(b"T")

    def kill(self) -> None:
        """Kill it and all its descendants."""
        self._tell(b"K")

    def kill_hard(self) -> None:
        """For a shim that does not answer (stopped by a person, say): the kernel kills the rest."""
        if not self.ended:
            self._shim.kill()

    def _tell(self, word: bytes) -> None:
        if not self.ended:
            self._control.write(word)


async def launch(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path, output: Callable[[bytes], None]
) -> Program:
    """Start ``command`` with exactly this environment; ``output`` gets stdout and stderr merged.

    A program that cannot be run ends with 127 or 126 and a line of output. Raises OSError when not
    even the shim can be started: no such directory, no memory, too many open files.
    """
    ours, theirs = socket.socketpair()
    read, write = os.pipe()
    try:
        shim = subprocess.Popen(  # noqa: ASYNC220, S603 - it returns at the exec, some 2 ms
            [sys.executable, "-I", "-S", str(_SHIM), *command],
            stdin=theirs.fileno(),
            stdout=write,
            stderr=write,
            cwd=cwd,
            env=dict(env),
            start_new_session=True,
        )
    except BaseException:
        ours.close()
        os.close(read)
        raise
    finally:
        theirs.close()
        os.close(write)
    ours.setblocking(False)  # noqa: FBT003 - the library's signature
    loop = asyncio.get_running_loop()
    words, control = await asyncio.open_connection(sock=ours)
    transport, protocol = await loop.connect_read_pipe(lambda: _Output(output), os.fdopen(read, "rb", 0))
    try:
        first = await words.readline()
    except BaseException:
        control.close()  # the shim kills what it may have started
        transport.close()
        await asyncio.shield(loop.create_task(_reap(shim)))
        raise
    pid = int(first.split()[1]) if first.startswith(b"pid ") else shim.pid
    done = loop.create_task(_see_out(shim, words, control, transport, protocol.ended))
    return Program(shim, pid, control, done)


async def _see_out(
    shim: subprocess.Popen[bytes],
    words: asyncio.StreamReader,
    control: asyncio.StreamWriter,
    transport: asyncio.ReadTransport,
    drained: asyncio.Future[None],
) -> int:
    code = _KILLED
    try:
        while line := await words.readline():
            if line.startswith(b"exit "):
                code = int(line.split()[1])
    except ConnectionError:
        pass  # the shim was killed with a word of ours unread: 137 it is
    control.close()
    await _reap(shim)
    await asyncio.wait([drained], timeout=_DRAIN_PATIENCE)
    transport.close()
    return code


async def _reap(shim: subprocess.Popen[bytes]) -> None:
    # Its socket is closed, so it is in the act of ending.
    while shim.poll() is None:  # noqa: ASYNC110 - an end of a process is no event
        await asyncio.sleep(_REAP_PAUSE)
