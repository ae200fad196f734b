"""Repeats a call where its class allows it; the table is in :mod:`dokploy.procedures`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from dokploy.errors import Ambiguous, DokployError, Failed, Unreachable
from dokploy.limiter import Sleep
from dokploy.procedures import Procedure, Repeat

_T = TypeVar("_T")

_TRIES = {Repeat.READING: 3, Repeat.IDEMPOTENT: 2, Repeat.NEVER: 1}
_FIRST_PAUSE = 0.2
"""Seconds before the second try, on the average; doubled before the third."""
_SERVER_FAILURE = 500

log = structlog.get_logger(__name__)


class Repeater:
    """Runs a call as often as its class allows. ``jitter`` draws from [0, 1)."""

    def __init__(self, *, sleep: Sleep, jitter: Callable[[], float]) -> None:
        self._sleep = sleep
        self._jitter = jitter

    async def run(self, procedure: Procedure, attempt: Callable[[], Awaitable[_T]]) -> _T:
        """Return what the first successful try returns; raise what the last one raised."""
        try:
            return await attempt()
        except DokployError as error:
            if not may_repeat(procedure.repeat, error):
                raise
            failed = [error]
        return await self._repeat(procedure, attempt, failed)

    async def _repeat(
        self, procedure: Procedure, attempt: Callable[[], Awaitable[_T]], failed: list[DokployError]
    ) -> _T:
        """Go on after a first try that ``failed``.

        Nearly every call ends with its first try, and need not pay for the bookkeeping of several.
        """

        async def try_() -> _T:
            if failed:
                raise failed.pop()
            return await attempt()

        retrying = AsyncRetrying(
            stop=stop_after_attempt(_TRIES[procedure.repeat]),
            retry=retry_if_exception(lambda error: may_repeat(procedure.repeat, error)),
            wait=self._pause,
            sleep=self._sleep,
            before_sleep=lambda state: _tell(procedure, state),
            reraise=True,
        )
        return await retrying(try_)

    def _pause(self, state: RetryCallState) -> float:
        return float(_FIRST_PAUSE * 2 ** (state.attempt_number - 1) * (0.5 + self._jitter()))


def may_repeat(repeat: Repeat, error: BaseException) -> bool:
    """Whether a call of this class may be sent again after this error."""
    match repeat:
        case Repeat.READING:
            return isinstance(error, (Unreachable, Ambiguous)) or (
                isinstance(error, Failed) and error.status >= _SERVER_FAILURE
            )
        case Repeat.IDEMPOTENT:
            return isinstance(error, Unreachable)
        case Repeat.NEVER:
            return False


def _tell(procedure: Procedure, state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.info("call repeated", procedure=procedure.name, tries=state.attempt_number, error=str(error))
