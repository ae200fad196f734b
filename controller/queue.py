"""The work queue: keys, not events.

A key is worked on by one worker at a time, and additions collapse: whatever happened meanwhile,
one further pass sees all of it. A person's change goes before a resync. A lost wake-up costs
latency, never correctness: the tick looks at everything again.

All times are seconds of the running loop's clock, so that tests run in virtual time.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Hashable
from enum import IntEnum
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_BASE_DELAY = 1.0
_MAX_DELAY = 60.0
_RESOLUTION = 0.001
"""Seconds; a clock that is coarser than the rest of a delay would never reach its end."""


class Priority(IntEnum):
    """Who asks: a person before a resync."""

    PERSON = 0
    RESYNC = 1


class WorkQueue(Generic[K]):
    """Keys to be worked on, each at most once at a time."""

    def __init__(self, *, base_delay: float = _BASE_DELAY, max_delay: float = _MAX_DELAY) -> None:
        self._ready: tuple[deque[K], ...] = tuple(deque() for _ in Priority)
        self._waiting: dict[K, Priority] = {}
        self._active: dict[K, Priority | None] = {}
        self._delayed: list[tuple[float, int, K]] = []
        self._due: dict[K, float] = {}
        self._attempts: dict[K, int] = {}
        self._order = itertools.count()
        self._wake = asyncio.Event()
        self._base, self._max = base_delay, max_delay

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def active(self) -> int:
        """How many keys are being worked on."""
        return len(self._active)

    def add(self, key: K, priority: Priority = Priority.RESYNC) -> None:
        """Ask for a pass over a key; one that is asked for already is not asked for twice."""
        if key in self._active:
            asked = self._active[key]
            self._active[key] = priority if asked is None else min(asked, priority)
            return
        asked = self._waiting.get(key)
        if asked is not None and asked <= priority:
            return
        # A key raised to a higher priority stays in the lower deque too; get() skips it there.
        self._waiting[key] = priority
        self._ready[priority].append(key)
        self._wake.set()

    def add_after(self, key: K, seconds: float) -> None:
        """Ask for a pass later; the earliest of several asked for is kept."""
        if seconds <= 0:
            self.add(key)
            return
        due = self._now() + seconds
        if self._due.get(key, due + 1) <= due:
            return
        self._due[key] = due
        heapq.heappush(self._delayed, (due, next(self._order), key))
        self._wake.set()

    def retry(self, key: K) -> float:
        """Ask again after this key's backoff, which doubles; returns the seconds."""
        attempt = self._attempts.get(key, 0)
        self._attempts[key] = attempt + 1
        delay = min(self._base * 2.0 ** min(attempt, 30), self._max)
        self.add_after(key, delay)
        return delay

    def settle(self, key: K) -> None:
        """Forget a key's failures."""
        self._attempts.pop(key, None)

    def forget(self, key: K) -> None:
        """Forget all about a key that is gone."""
        self.settle(key)
        self._due.pop(key, None)

    async def get(self) -> K:
        """The next key; the caller must call :meth:`done` with it."""
        while True:
            delay = self._promote()
            for priority, ready in enumerate(self._ready):
                while ready:
                    key = ready.popleft()
                    if self._waiting.get(key) == priority:
                        del self._waiting[key]
                        self._active[key] = None
                        return key
            self._wake.clear()
            try:
                async with asyncio.timeout(delay):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def done(self, key: K) -> None:
        """The pass is over; one that was asked for meanwhile comes next."""
        asked = self._active.pop(key)
        if asked is not None:
            self.add(key, asked)

    def _promote(self) -> float | None:
        """Move what is due; returns the seconds until the next is."""
        now = self._now()
        while self._delayed:
            due, _, key = self._delayed[0]
            if self._due.get(key) != due:
                heapq.heappop(self._delayed)  # asked for earlier, or forgotten
            elif due <= now + _RESOLUTION:
                heapq.heappop(self._delayed)
                del self._due[key]
                self.add(key)
            else:
                return due - now
        return None

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
