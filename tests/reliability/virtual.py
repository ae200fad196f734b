"""An event loop in which waiting costs nothing: time jumps to whatever is due next.

The other tests use the looptime plug-in; here a search starts tens of thousands of loops, and half
of each run would be spent in the plug-in's bookkeeping.
"""

from __future__ import annotations

import asyncio
import gc
import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")

_RESOLUTION = 1e-6
"""Seconds: what is due within them is due at once."""
_MANY_TIMERS = 100
"""Of so many, the cancelled ones are dropped when they are more than half; of fewer, each in its turn."""


class VirtualLoop(asyncio.BaseEventLoop):
    """A loop whose clock is the sum of its waits; it has no files, no threads and no debug mode.

    What is due at the same time runs in the same order as in asyncio's own loops.
    """

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]
    _timer_cancelled_count: int

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def _write_to_self(self) -> None:
        """Nobody sleeps: what calls as if from another thread is the collection of garbage, in this one."""

    def _run_once(self) -> None:
        """Run what is due; where nothing is, first let the time come at which something will be."""
        ready = self._ready
        self._drop_cancelled()
        if not ready and not self._stopping:
            self._wait()
        self._take_due()
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def _drop_cancelled(self) -> None:
        timers = self._scheduled
        if len(timers) > _MANY_TIMERS and self._timer_cancelled_count * 2 > len(timers):
            self._scheduled = timers = [timer for timer in timers if not timer._cancelled]
            heapq.heapify(timers)
            self._timer_cancelled_count = 0
        while timers and timers[0]._cancelled:
            heapq.heappop(timers)
            self._timer_cancelled_count -= 1

    def _wait(self) -> None:
        if not self._scheduled:
            raise RuntimeError("nothing is due, and nothing ever will be")
        self._now += max(self._scheduled[0]._when - self._now, 0.0)

    def _take_due(self) -> None:
        timers, end = self._scheduled, self._now + _RESOLUTION
        while timers and timers[0]._when < end:
            timer = heapq.heappop(timers)
            timer._scheduled = False
            self._ready.append(timer)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end, and leave no task behind.

    By the runner's loop and not by the runner, which takes the interrupt signal over for every run.
    """
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.get_loop().run_until_complete(main)


@contextmanager
def collected_at_the_end() -> Iterator[None]:
    """Look for garbage once, when a run is over and nearly all that it made is garbage.

    What was there before is not looked through: it stays.
    """
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.collect(generation=0)  # all that was made since is in it
        gc.enable()
        gc.unfreeze()
