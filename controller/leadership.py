"""One controller works on the records at a time; a standby takes over.

The lease only spares work: the laws hold even while two are active (law L5).
"""

from __future__ import annotations

import asyncio

import structlog

from records.errors import RecordsError
from records.port import Records

LEASE = "controller"

_SETTLES = 1.0
"""Seconds from the grant to the first pass of a controller that took over from another."""

_SHARE = 0.9
"""Of the lease: what a controller that cannot renew it leads on for."""

_AGAIN = 1.0
"""Seconds after which a store that did not answer is asked again."""

_RESOLUTION = 0.001
"""Seconds; less than that of a lease is none."""

log = structlog.get_logger(__name__)


class LeadershipLost(Exception):
    """Another controller has taken the lease."""


class Leadership:
    """Holds the lease, or waits for it."""

    def __init__(self, records: Records, *, holder: str, seconds: float) -> None:
        self._records = records
        self._holder = holder
        self._seconds = seconds
        self._renewed = float("-inf")
        """When the newest request that was granted was sent: the lease lasts from then on."""
        self._asking: asyncio.Future[bool] | None = None
        self.leading = asyncio.Event()

    async def hold(self) -> None:
        """Take the lease and renew it for ever; raises LeadershipLost, and nothing else."""
        period = self._seconds / 3
        stood_by = False
        while True:
            sent = _now()
            granted = await self._ask()
            if granted:
                self._renewed = sent
            if granted and not self.leading.is_set():
                if stood_by:
                    # The calls per second are bounded in all: those of the one before count, too.
                    await asyncio.sleep(_SETTLES)
                log.info("leading", holder=self._holder)
                self.leading.set()
            elif self.leading.is_set() and (granted is False or self._left() <= _RESOLUTION):
                self.leading.clear()
                raise LeadershipLost("another controller has taken the lease")
            stood_by = stood_by or granted is False
            pause = period if granted is not None else min(period, _AGAIN)
            await asyncio.sleep(min(pause, self._left()) if self.leading.is_set() else pause)

    async def _ask(self) -> bool | None:
        """Ask for the lease; None where the store does not say.

        A store that does not answer gives the lease to nobody else either, but its clock runs on: at
        the end of what was granted, another may have it. So no answer is awaited until then.
        """
        left = self._left() if self.leading.is_set() else None
        # A task of its own: what waits for a locked database does not let itself be cut off.
        asking = self._asking = asyncio.ensure_future(
            self._records.acquire_lease(LEASE, holder=self._holder, seconds=self._seconds)
        )
        await asyncio.wait({asking}, timeout=left)
        if not asking.done():
            log.warning("lease not renewed", error="the records do not answer")
            return None
        try:
            return asking.result()
        except RecordsError as error:
            log.warning("lease not renewed", error=str(error))
        except Exception:
            log.exception("lease not renewed")
        return None

    def _left(self) -> float:
        """Seconds for which we lead on: less than the lease lasts, so that all is ended before its end."""
        return self._renewed + self._seconds * _SHARE - _now()

    async def release(self) -> None:
        """Give the lease back, so that a standby need not wait for its end."""
        if self._asking is not None:
            # Granted after it was given back, it would be held by nobody.
            self._asking.cancel()
            await asyncio.wait({self._asking})
        try:
            await self._records.release_lease(LEASE, holder=self._holder)
        except RecordsError as error:
            log.warning("lease not released", error=str(error))


def _now() -> float:
    return asyncio.get_running_loop().time()
