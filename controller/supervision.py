"""Keeps the controller's tasks running: one that ends is logged, counted and started again.

Only two things end the controller: somebody tells it to end, and the loss of its lease. A task that
ended quietly for any other reason would leave a controller that holds the lease and does a part of
its work, which nobody notices.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from controller.metrics import Metrics
from records.errors import RecordsError

FIRST_DELAY = 1.0
LAST_DELAY = 30.0
"""Seconds between the end of a task and its next start: the first time, and at the most."""

log = structlog.get_logger(__name__)


class Backoff:
    """A delay that doubles with every failure, in seconds."""

    def __init__(self, *, first: float = FIRST_DELAY, last: float = LAST_DELAY) -> None:
        self._first, self._last = first, last
        self._next = first

    def next(self) -> float:
        """The delay before the next try."""
        delay = self._next
        self._next = min(delay * 2, self._last)
        return delay

    def reset(self) -> None:
        """It went well: the next failure is a new one."""
        self._next = self._first


class Supervisor:
    """Starts tasks again when they end."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run ``work`` until cancelled, again whenever it ends, after a growing delay.

        ``work`` keeps what it has to remember from one run to the next outside of itself.
        """
        clock, backoff = asyncio.get_running_loop().time, Backoff()
        while True:
            begun = clock()
            try:
                await work()
                log.error("task ended, it is started again", task=name)
            except RecordsError as error:
                log.warning("task ended, it is started again", task=name, error=str(error))
            except asyncio.CancelledError:
                if _is_told_to_end():
                    raise
                # Cancelled from within, by a library say: nobody asked the controller to end.
                log.error("task was cancelled, it is started again", task=name)  # noqa: TRY400 - no fault
            except Exception:
                log.exception("task failed, it is started again", task=name)
            self._metrics.task_restarts.labels(name).inc()
            if clock() - begun > LAST_DELAY:
                backoff.reset()
            await asyncio.sleep(backoff.next())


def _is_told_to_end() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
