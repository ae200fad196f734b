"""One controller works on the records at a time; a standby takes over.

The lease only spares work: the laws hold even while two are active (law L5).
"""

from __future__ import annotations

import asyncio

import structlog

from records.errors import RecordsError
from records.port import Records

LEASE = "controller"

log = structlog.get_logger(__name__)


class LeadershipLost(Exception):
    """Another controller has taken the lease."""


class Leadership:
    """Holds the lease, or waits for it."""

    def __init__(self, records: Records, *, holder: str, seconds: float) -> None:
        self._records = records
        self._holder = holder
        self._seconds = seconds
        self.leading = asyncio.Event()

    async def hold(self) -> None:
        """Take the lease and renew it for ever; raises LeadershipLost."""
        renewed = asyncio.get_running_loop().time()
        while True:
            now = asyncio.get_running_loop().time()
            try:
                held = await self._records.acquire_lease(LEASE, holder=self._holder, seconds=self._seconds)
            except RecordsError as error:
                log.warning("lease not renewed", error=str(error))
                # A store that does not answer gives the lease to nobody else either, but its
                # clock runs on: past the end of what was granted, someone else may have it.
                held = self.leading.is_set() and now - renewed < self._seconds
            else:
                renewed = now if held else renewed
            if held and not self.leading.is_set():
                log.info("leading", holder=self._holder)
                self.leading.set()
            elif not held and self.leading.is_set():
                self.leading.clear()
                raise LeadershipLost("another controller has taken the lease")
            await asyncio.sleep(self._seconds / 3)

    async def release(self) -> None:
        """Give the lease back, so that a standby need not wait for its end."""
        try:
            await self._records.release_lease(LEASE, holder=self._holder)
        except RecordsError as error:
            log.warning("lease not released", error=str(error))
