"""How much the containers use, and the end of those that use more memory than they may.

Without cgroups a limit cannot be enforced by the kernel: RLIMIT_AS counts address space, of which
many programs reserve far more than they use. So the resident memory of each container's process
tree is read once a second, and the container that is over its limit is killed, as the kernel would
have done. Pages that processes share count once for each.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psutil

_FRESH = 0.2
"""Seconds for which one reading of the process table serves all containers."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One process tree: seconds of CPU ever used, bytes resident now."""

    cpu_seconds: float
    memory_bytes: int


class ProcessTable:
    """The machine's processes, read at most every 0.2 s whoever asks."""

    def __init__(self) -> None:
        self._read_at = float("-inf")
        self._children: dict[int, list[psutil.Process]] = {}

    def read(self, root: int) -> Reading:
        """Sum up all descendants of ``root``, without it, and what they leave when they end."""
        self._refresh()
        cpu, memory, waiting = 0.0, 0, [root]
        while waiting:
            for process in self._children.get(waiting.pop(), ()):
                waiting.append(process.pid)
                try:
                    with process.oneshot():
                        times = process.cpu_times()
                        memory += process.memory_info().rss
                except psutil.Error:
                    continue
                cpu += times.user + times.system + times.children_user + times.children_system
        return Reading(cpu, memory)

    def _refresh(self) -> None:
        if time.monotonic() - self._read_at < _FRESH:
            return
        children: defaultdict[int, list[psutil.Process]] = defaultdict(list)
        for process in psutil.process_iter(["ppid"]):
            children[process.info["ppid"]].append(process)
        self._children = dict(children)
        self._read_at = time.monotonic()


class UsageMeter:
    """CPU between two calls, for one container."""

    def __init__(self, table: ProcessTable, root: int) -> None:
        self._table, self._root = table, root
        self._before = (time.monotonic(), 0.0)

    def read(self) -> tuple[float, int]:
        """CPUs since the last call (since the start at the first), and bytes resident."""
        reading, now = self._table.read(self._root), time.monotonic()
        then, used = self._before
        self._before = (now, reading.cpu_seconds)
        elapsed = now - then
        return (max(0.0, reading.cpu_seconds - used) / elapsed if elapsed > 0 else 0.0), reading.memory_bytes


@dataclass(frozen=True, slots=True)
class Watched:
    """A container with a memory limit in bytes, and what to do with the bytes when it is over."""

    root: int
    limit: int
    exceed: Callable[[int], None]


async def watch_memory(
    table: ProcessTable, watched: Callable[[], Iterable[Watched]], *, interval: float
) -> None:
    """Look every ``interval`` seconds until cancelled."""
    while True:
        await asyncio.sleep(interval)
        for one in list(watched()):
            used = table.read(one.root).memory_bytes
            if used > one.limit:
                one.exceed(used)
