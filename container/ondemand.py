"""A reading that is taken when somebody asks: in the background and not too often, or waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class OnDemand(Generic[T]):
    """The newest result of ``read``, never older than asked for by more than one reading.

    ``read`` must not raise: what cannot be read is a value of its own.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[T]],
        initial: T,
        *,
        every: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._value = initial
        self._every = every
        self._clock = clock
        self._due = float("-inf")
        self._reading: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None
        """The reading that all wait for who ask for a fresh one now."""
        self._ended, self._took = float("-inf"), 0.0

    def ask(self) -> T:
        """The newest result, at once; one older than ``every`` seconds is read anew meanwhile."""
        if self._reading is None and self._clock() >= self._due:
            self._reading = asyncio.get_running_loop().create_task(self._refresh())
        return self._value

    async def fresh(self) -> T:
        """The result of a reading that begins after this call.

        All who ask before it begins share it. Somebody who asks without end keeps the machine busy
        for half of the time at the most: before a reading, as long is waited as the last one took.
        """
        if self._next is None:
            self._next = asyncio.get_running_loop().create_task(self._read_next())
        return await asyncio.shield(self._next)

    def expire(self) -> None:
        """What was read no longer holds: the next who asks starts a reading."""
        self._due = float("-inf")

    async def aclose(self) -> None:
        """End the readings that are under way."""
        under_way = [task for task in (self._next, self._reading) if task is not None]
        for task in under_way:
            task.cancel()
        if under_way:
            await asyncio.wait(under_way)

    async def _read_next(self) -> T:
        try:
            while self._reading is not None or self._pause() > 0:
                if self._reading is None:
                    await asyncio.sleep(self._pause())
                else:
                    # It began before somebody asked: what it sees may be older than the question.
                    await asyncio.wait([self._reading])
        finally:
            # Whoever asks from here on comes too late for the reading that begins now.
            self._next = None
        self._reading = asyncio.get_running_loop().create_task(self._refresh())
        return await asyncio.shield(self._reading)

    def _pause(self) -> float:
        return self._ended + self._took - self._clock()

    async def _refresh(self) -> T:
        # Counted from the start, so that expire() during a reading is not lost.
        began = self._clock()
        self._due = began + self._every
        try:
            self._value = await self._read()
            return self._value
        finally:
            self._reading = None
            self._ended = self._clock()
            self._took = self._ended - began
