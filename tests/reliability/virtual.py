"""An event loop in which waiting costs nothing: time jumps to whatever is due next.

The other tests use the looptime plug-in; here a search starts tens of thousands of loops, and half
of each run would be spent in the plug-in's bookkeeping.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Nothing(selectors.SelectSelector):
    """No file is ever ready; to wait is to move the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("nothing is due, and nothing ever will be")
        self.now += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose clock is the sum of its waits."""

    def __init__(self) -> None:
        self._waits = _Nothing()
        super().__init__(self._waits)
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._waits.now


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end, and leave no task behind.

    By the runner's loop and not by the runner, which takes the interrupt signal over for every run.
    """
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.get_loop().run_until_complete(main)
