"""A reading that is taken when somebody asks, in the background, and not too often."""

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
        self._reading: asyncio.Task[None] | None = None

    def ask(self) -> T:
        """The newest result, at once; one older than ``every`` seconds is read anew meanwhile."""
        if self._reading is None and self._clock() >= self._due:
            self._reading = asyncio.get_running_loop().create_task(self._refresh())
        return self._value

    def expire(self) -> None:
        """What was read no longer holds: the next who asks starts a reading."""
        self._due = float("-inf")

    async def aclose(self) -> None:
        """End a reading that is under way."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    async def _refresh(self) -> None:
        # Counted from the start, so that expire() during a reading is not lost.
        self._due = self._clock() + self._every
        try:
            self._value = await self._read()
        finally:
            self._reading = None
