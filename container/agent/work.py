"""Whether a program works on, and what it writes on standard error, kept in a file."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

from container.files import PRIVATE_FILE, make_private_directory

MAX_LOG = 1024 * 1024
"""Bytes of the log; what was before is kept in a second file of that size."""
_MAX_WAITING = 256 * 1024
"""Bytes that wait for a slow disk; beyond that the oldest are left out."""
_PROC = Path("/proc")
_GROUP, _FAULTS, _USER, _SYSTEM = 2, 9, 11, 12
"""Fields of ``/proc/PID/stat`` after the name: group, major faults, ticks in user mode and in the kernel."""


def work_of(group: int) -> int:
    """A number that grows while a process group works: its time on processors, and what it read and wrote.

    A machine that is busy gives a program little of both, and one that is stuck uses none. 0 where the
    system does not tell.
    """
    total = 0
    with contextlib.suppress(OSError), os.scandir(_PROC) as entries:
        for entry in entries:
            if entry.name.isdigit():
                total += _work(_PROC / entry.name, group)
    return total


def _work(process: Path, group: int) -> int:
    try:
        fields = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()
        if int(fields[_GROUP]) != group:
            return 0
        done = sum(int(fields[field]) for field in (_FAULTS, _USER, _SYSTEM))
        counters = (process / "io").read_text().split()
    except (OSError, ValueError, IndexError):
        return 0  # it has ended, or belongs to somebody else
    return done + sum(int(counter) for counter in counters if counter.isdigit())


class ErrorLog:
    """A file to which what programs write on standard error is added; losing some is better than waiting."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting = bytearray()
        self._writing: asyncio.Task[None] | None = None

    def add(self, chunk: bytes) -> None:
        """Have it written, off the event loop."""
        self._waiting += chunk
        del self._waiting[:-_MAX_WAITING]
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write_on())

    async def settle(self, seconds: float) -> None:
        """Wait until all of it was written, but no longer than so many seconds."""
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=seconds)

    async def _write_on(self) -> None:
        while self._waiting:
            chunk = bytes(self._waiting)
            self._waiting.clear()
            with contextlib.suppress(OSError):  # a full disk is told by what people are promised
                await asyncio.to_thread(self._append, chunk)

    def _append(self, chunk: bytes) -> None:
        make_private_directory(self.path.parent)
        with contextlib.suppress(FileNotFoundError):
            if self.path.stat().st_size + len(chunk) > MAX_LOG:
                self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(self.path, flags, PRIVATE_FILE), "ab", buffering=0) as file:
            file.write(chunk)
