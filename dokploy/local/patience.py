"""Waiting in time that this program was at work, and starting again without a stampede.

A checker that was itself starved, stopped or suspended must not count its own delay as the silence of a
container: on a busy machine it would kill what has nothing wrong, and each start anew feeds the load.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Any

_SLICE = 0.5
"""Seconds: the longest wait of which the whole may count; what a wait took beyond it was our delay."""


async def ends_within(work: asyncio.Future[Any], seconds: float) -> bool:
    """Whether ``work`` ends within so many seconds in which this loop ran; it goes on where it does not.

    The clock of the loop may leap (a machine that was suspended), or the loop be late (a busy one).
    Either counts as one slice.
    """
    clock = asyncio.get_running_loop().time
    left = seconds
    while left > 0 and not work.done():
        before, part = clock(), min(_SLICE, left)
        await asyncio.wait([work], timeout=part)
        left -= min(clock() - before, part)
    if not work.done():
        # What ended while we were late is known once the loop has looked.
        await asyncio.wait([work], timeout=0)
    return work.done()


class Gate:
    """How many may be under way at once, in the order in which they came; None is any number."""

    def __init__(self, most: int | None = None) -> None:
        self._free = asyncio.Semaphore(most) if most is not None else None

    @property
    def is_open(self) -> bool:
        """Whether nobody ever waits."""
        return self._free is None

    async def enter(self) -> None:
        """Return when there is a place, and take it."""
        if self._free is not None:
            await self._free.acquire()

    def leave(self) -> None:
        """Give a place back."""
        if self._free is not None:
            self._free.release()


@dataclass(frozen=True, slots=True)
class Restraint:
    """How starts are held back. A real Swarm holds back none, and waits as long each time."""

    starts: int | None = None
    """How many containers may be between their start and their first good answer."""
    settled: float = 10.0
    """Seconds after which a start counts as over, whether it has answered or not."""
    longest: float = 0.0
    """Seconds: the longest delay before a container that keeps ending is started again; 0 for no growth."""
    steady: float = 60.0
    """Seconds that a container must have run for its end to count as the first."""

    def delay(self, declared: float, endings: int) -> float:
        """Seconds to wait after the n-th end in a row: the declared delay, then twice as long each time.

        Some chance is in it, so that what ended together does not start together.
        """
        if endings <= 1 or self.longest <= declared:
            return declared
        grown = min(self.longest, max(declared, 1.0) * 2.0 ** min(endings - 1, 16))
        return grown * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
