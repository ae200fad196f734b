"""How many calls may be under way, and how many may start in a second (law S6)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]

_RESOLUTION = 0.001
"""Seconds; a clock that is coarser than the rest of a wait would never reach its end."""


@dataclass(frozen=True, slots=True)
class CallLimits:
    """At most ``in_flight`` calls at once; at most ``per_second`` starts in any second.

    A fraction above one is rounded down; below one it is a call every ``1 / per_second`` seconds.
    """

    in_flight: int = 8
    per_second: float = 20.0

    def __post_init__(self) -> None:
        if self.in_flight < 1:
            raise ValueError("in_flight: at least one call must be allowed")
        if not self.per_second > 0:
            raise ValueError("per_second: must be more than 0")


class Limiter:
    """Lets calls pass within the limits, first come first served.

    A call is made within ``async with limiter``.

    It looks back over the last second instead of filling a bucket: a bucket of R that was full
    lets nearly 2R calls start within one second, and the law says R.
    """

    def __init__(self, limits: CallLimits, *, clock: Clock, sleep: Sleep) -> None:
        self._burst = max(1, int(limits.per_second))
        self._window = 1.0 if limits.per_second >= 1 else 1 / limits.per_second
        self._starts: deque[float] = deque(maxlen=self._burst)
        self._in_flight = asyncio.Semaphore(limits.in_flight)
        self._turn = asyncio.Lock()
        self._clock = clock
        self._sleep = sleep

    async def __aenter__(self) -> None:
        """Wait for one's turn, and take a place among the calls in flight."""
        await self._in_flight.acquire()
        try:
            # The lock makes those who wait for the second to pass leave in the order they came.
            async with self._turn:
                await self._second_has_room()
                self._starts.append(self._clock())
        except BaseException:
            self._in_flight.release()
            raise

    async def __aexit__(self, *_error: object) -> None:
        """Give the place to the next."""
        self._in_flight.release()

    async def _second_has_room(self) -> None:
        if len(self._starts) < self._burst:
            return
        due = self._starts[0] + self._window
        while (wait := due - self._clock()) > 0:
            await self._sleep(max(wait, _RESOLUTION))
