"""Garbage collection: what bears our marker and belongs to no record.

An application is deleted only if its session was once claimed by this Berth, its record is gone,
no build of it is queued or running, and two sweeps in a row saw it so (laws S1, S8). Everything
else that looks like ours is reported and left alone: an unclaimed look-alike, a service that
Dokploy has forgotten and no call can remove, a volume that a policy retained.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import structlog

from controller.events import EventWriter
from controller.fleet import Fleet
from controller.targets import LiveTarget
from crds.session import Session
from crds.vocabulary import Reason
from dokploy.errors import DokployError
from dokploy.port import ApplicationRef, ApplicationRow
from records.errors import NotFound, RecordsError
from records.port import Claim, Records

log = structlog.get_logger(__name__)


class Finding(StrEnum):
    """What a sweep found."""

    ORPHAN_APPLICATION = "OrphanApplication"
    ORPHAN_SERVICE = "OrphanService"
    LOOK_ALIKE = "LookAlike"


@dataclass(frozen=True, slots=True)
class Found:
    """One thing of no record's."""

    finding: Finding
    app_name: str
    application_id: str | None = None

    def __str__(self) -> str:
        return f"{self.finding}: {self.app_name}"


@dataclass(slots=True)
class Sweeper:
    """Sweeps every target from time to time."""

    records: Records
    fleet: Fleet
    events: EventWriter
    _seen: dict[str, frozenset[Found]] = field(default_factory=dict)

    async def run(self, period: float) -> None:
        """Sweep for ever."""
        while True:
            await asyncio.sleep(period)
            for live in self.fleet.all():
                try:
                    await self.sweep(live)
                except (DokployError, RecordsError) as error:
                    log.warning("sweep not finished", target=live.record.metadata.name, error=str(error))

    async def sweep(self, live: LiveTarget) -> tuple[Found, ...]:
        """One sweep of one target: report all, delete what the last sweep saw too."""
        name = live.record.metadata.name
        found = await self.look(live)
        before = self._seen.get(name, frozenset())
        self._seen[name] = frozenset(found)
        for item in found:
            if item not in before:
                await self._report(live, item)
            elif item.finding is Finding.ORPHAN_APPLICATION:
                await self._delete(live, item)
        return found

    async def look(self, live: LiveTarget) -> tuple[Found, ...]:
        """What is there without a record; changes nothing."""
        snapshot = live.snapshot
        if snapshot is None or live.trouble is not None or snapshot.doubt is not None:
            return ()  # nothing is concluded from an unknown view (S7)
        claims = await self.records.claims()
        found: list[Found] = []
        for session_id, rows in snapshot.applications.items():
            if not await self._has_record(session_id, claims):
                found += [_judged(row, session_id, claims) for row in rows]
        names = {row.ref.app_name for rows in snapshot.applications.values() for row in rows}
        for services in snapshot.services.values():
            found += [
                Found(Finding.ORPHAN_SERVICE, row.app_name) for row in services if row.app_name not in names
            ]
        return tuple(found)

    async def _has_record(self, session_id: str, claims: Mapping[str, Claim]) -> bool:
        claim = claims.get(session_id)
        if claim is None:
            return False
        try:
            session = await self.records.get(Session, claim.key)
        except NotFound:
            return False
        return session.metadata.uid == claim.uid

    async def _report(self, live: LiveTarget, item: Found) -> None:
        log.warning("found without a record", target=live.record.metadata.name, found=str(item))
        remedy = {
            Finding.ORPHAN_APPLICATION: "it is deleted if the next sweep still sees it",
            Finding.ORPHAN_SERVICE: (
                f"no call of Dokploy's removes it; on the Dokploy host: docker service rm {item.app_name}"
            ),
            Finding.LOOK_ALIKE: "this Berth never claimed it; it is left alone",
        }[item.finding]
        reason = Reason.ORPHAN_SERVICE if item.finding is Finding.ORPHAN_SERVICE else item.finding
        await self.events.write(live.record, "Warning", reason, f"{item.app_name}: {remedy}")

    async def _delete(self, live: LiveTarget, item: Found) -> None:
        if item.application_id is None:
            return
        jobs = await live.dokploy.list_jobs()
        if any(job.application_id == item.application_id for job in jobs):
            return  # at its end the build would leave a service behind (FACTS 13)
        await live.dokploy.delete_application(item.application_id)
        log.info("orphan deleted", target=live.record.metadata.name, app_name=item.app_name)
        await self.events.write(
            live.record, "Normal", "OrphanDeleted", f"{item.app_name} belonged to a session that is gone"
        )


def _judged(row: ApplicationRow, session_id: str, claims: Mapping[str, Claim]) -> Found:
    ref: ApplicationRef = row.ref
    finding = Finding.ORPHAN_APPLICATION if session_id in claims else Finding.LOOK_ALIKE
    return Found(finding, ref.app_name, ref.application_id)
