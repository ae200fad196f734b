"""Tries a whole transaction again where the database was locked or too busy for it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import structlog
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    wait_random_exponential,
)

from records.errors import Busy

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
"""Seconds between two tries, at the most; drawn, so that two programs do not meet again and again."""

log = structlog.get_logger(__name__)


class Patient(Protocol):
    """What knows how long it may wait."""

    @property
    def patience(self) -> float:
        """Seconds after the first try in which others are begun."""
        ...


P = ParamSpec("P")
S = TypeVar("S", bound=Patient)
T = TypeVar("T")


def patient(
    work: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Do the work again while it raises Busy, until the patience is used up.

    The work is one transaction and nothing beside it: one that raised Busy has left nothing behind.
    """

    @functools.wraps(work)
    async def tried(store: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await work(store, *args, **kwargs)
        except Busy:
            # Nearly every transaction ends with its first try, and need not pay for what follows.
            clock = asyncio.get_running_loop().time
            end = clock() + store.patience
            retrying = AsyncRetrying(
                retry=retry_if_exception_type(Busy),
                stop=lambda _state: clock() >= end,
                wait=wait_random_exponential(multiplier=_FIRST_PAUSE, max=_LONGEST_PAUSE),
                before_sleep=functools.partial(_say, work.__name__),
                reraise=True,
            )
        return await retrying(work, store, *args, **kwargs)

    return tried


def _say(name: str, state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.info("transaction repeated", work=name, tries=state.attempt_number + 1, error=str(error))
