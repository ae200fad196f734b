"""Garbage collection: looks twice, deletes orphan applications, reports the rest.

An application is deleted only if its session was once claimed by this Berth, its record is gone,
two looks some time apart saw it so, and no build of it is queued or running (laws S1, S7, S8).
Everything else of :mod:`controller.judgement` is reported with what a person can do, and left
alone; a volume above all, for there may be work in it (law S9).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from controller.errors import failure_of
from controller.events import EventWriter
from controller.fleet import Fleet
from controller.judgement import NEEDS_A_PERSON, Found, counts_of
from controller.metrics import Metrics
from controller.survey import Survey, item_of, survey, survey_of
from controller.targets import LiveTarget
from crds.target_status import FINDINGS_SHOWN, SweepReport
from crds.vocabulary import Finding
from dokploy.errors import DokployError
from records.errors import RecordsError
from records.port import Records

SECOND_LOOK = 15.0
"""Seconds between the two looks: more than a call whose answer was lost may take to show."""

_RENEWED = timedelta(hours=1)
"""How old a report may get while nothing changes: a status is not written at every sweep (L2)."""

_TOLD = 10
"""So many new findings of one sweep have an event of their own."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Sweeper:
    """Sweeps every target from time to time, and when somebody asks."""

    records: Records
    fleet: Fleet
    events: EventWriter
    metrics: Metrics
    now: Callable[[], datetime]
    _confirmed: dict[str, frozenset[Found]] = field(default_factory=dict)
    """What each target's last sweep has seen twice."""

    async def run(self, period: float) -> None:
        """Sweep for ever."""
        loop = asyncio.get_running_loop()
        due = loop.time() + period
        while True:
            try:
                async with asyncio.timeout_at(due):
                    await self.fleet.sweep_wanted.wait()
            except TimeoutError:
                targets, due = self.fleet.all(), loop.time() + period
            else:
                self.fleet.sweep_wanted.clear()
                targets = tuple(live for live in self.fleet.all() if _is_asked(live))
            await asyncio.gather(*(self._sweep_or_say(live) for live in targets))

    async def sweep(self, live: LiveTarget) -> tuple[Found, ...]:
        """One sweep of one target; raises DokployError and RecordsError."""
        name, asked = live.record.metadata.name, live.record.sweep_asked
        seen = await self._look_twice(live)
        if seen.unknown is not None:
            await self._unfinished(live, seen.unknown.message, asked)
            return ()
        before = self._confirmed.get(name)
        self._confirmed[name] = frozenset(seen.found)
        deleted = await self._delete_orphans(live, seen.found)
        left = tuple(item for item in seen.found if item not in deleted)
        await self._tell(live, left, before)
        await self._publish(live, _report(left, deleted=len(deleted), asked=asked, at=self.now()))
        self.metrics.findings(name, counts_of(left))
        self.metrics.swept.labels(name).set(self.now().timestamp())
        return left

    async def _look_twice(self, live: LiveTarget) -> Survey:
        """What two looks in a row both see; the second is spared where the first sees nothing new."""
        first = await self._first_look(live)
        seen = frozenset(first.found)
        settled = seen <= self._confirmed.get(live.record.metadata.name, frozenset())
        if settled and not any(item.finding is Finding.ORPHAN_APPLICATION for item in seen):
            return first
        await asyncio.sleep(SECOND_LOOK)
        second = await self._second_look(live)
        return Survey(tuple(item for item in second.found if item in seen), second.unknown)

    async def _first_look(self, live: LiveTarget) -> Survey:
        """By the tick's newest listing: a sweep that finds nothing new costs one reading (P1).

        Whoever asks means the present moment, and such a listing may be a slow tick old.
        """
        if live.freeze is not None:
            return Survey(unknown=live.freeze)  # nothing is concluded from an unknown view (S7)
        if _is_asked(live) or live.failure is not None or live.snapshot is None:
            return await self._second_look(live)
        return await survey_of(live.snapshot, self.records, live.dokploy, live.record, now=self.now())

    async def _second_look(self, live: LiveTarget) -> Survey:
        """By listings of its own, which no tick has seen."""
        if live.freeze is not None:
            return Survey(unknown=live.freeze)
        return await survey(self.records, live.dokploy, live.record, now=self.now())

    async def _delete_orphans(self, live: LiveTarget, found: Sequence[Found]) -> tuple[Found, ...]:
        """Delete the orphan applications that no build of theirs would bring back as a service."""
        orphans = [item for item in found if item.finding is Finding.ORPHAN_APPLICATION]
        if not orphans or self.fleet.get(live.record.metadata.name) is not live:
            return ()
        deleted: list[Found] = []
        for item in orphans:
            # Asked before each: at its end a build would leave a service behind (FACTS 13).
            jobs = await live.dokploy.list_jobs()
            if item.application_id is None or any(job.application_id == item.application_id for job in jobs):
                continue
            await live.dokploy.delete_application(item.application_id)
            deleted.append(item)
            self.metrics.deletions.labels(live.record.metadata.name).inc()
            log.info("orphan deleted", target=live.record.metadata.name, app_name=item.name)
            text = f"{item.name} belonged to a session that is gone: {item.session}"
            await self.events.write(live.record, "Normal", "OrphanDeleted", text)
        return tuple(deleted)

    async def _tell(self, live: LiveTarget, found: Sequence[Found], before: frozenset[Found] | None) -> None:
        """An event for each new finding that needs a person; after a restart, new to the status."""
        report = live.record.status.sweep
        told = {item.name for item in before} if before is not None else set[str]()
        if before is None and report is not None:
            told = {item.name for item in report.findings}
        new = [item for item in found if item.finding in NEEDS_A_PERSON and item.name not in told]
        for item in new[:_TOLD]:
            log.warning("found without a record", target=live.record.metadata.name, found=str(item))
            remedy = f"; on the Dokploy host: {item.command}" if item.command else ""
            text = f"{item.name}: {item.outcome}{remedy}"
            await self.events.write(live.record, "Warning", item.finding, text)
        if len(new) > _TOLD:
            text = f"{len(new) - _TOLD} more findings: berth sweep --dry-run lists them"
            await self.events.write(live.record, "Warning", "SweepFindings", text)

    async def _sweep_or_say(self, live: LiveTarget) -> None:
        """One target's trouble must not end the sweeps of all."""
        asked = live.record.sweep_asked
        if self.fleet.get(live.record.metadata.name) is not live:
            return  # connected anew meanwhile: the next sweep is of that one
        try:
            async with live.in_use():
                await self.sweep(live)
        except DokployError as error:
            log.warning("sweep not finished", target=live.record.metadata.name, error=str(error))
            await self._unfinished(live, failure_of(error).message, asked)
        except RecordsError as error:
            log.warning("sweep not finished", target=live.record.metadata.name, error=str(error))
        except Exception:
            log.exception("sweep failed", target=live.record.metadata.name)
            self.metrics.bugs.inc()

    async def _unfinished(self, live: LiveTarget, why: str, asked: datetime | None) -> None:
        last = _last(live) or SweepReport(at=self.now())
        update = {"at": self.now(), "asked": asked, "unfinished": why}
        await self._publish(live, last.model_copy(update=update))

    async def _publish(self, live: LiveTarget, report: SweepReport) -> None:
        """Put the report into the target's status, unless all it would renew is its time."""
        last = _last(live)
        if last is not None and not report.deleted and report.at - last.at < _RENEWED:
            same = last.model_copy(update={"at": report.at, "deleted": report.deleted})
            if same == report:
                return
        live.swept = report
        await self.fleet.report(live)


def _is_asked(live: LiveTarget) -> bool:
    """Whether somebody asks for a sweep that no report answers yet."""
    asked, last = live.record.sweep_asked, _last(live)
    answered = last.asked if last is not None else None
    return asked is not None and (answered is None or asked > answered)


def _last(live: LiveTarget) -> SweepReport | None:
    return live.swept or live.record.status.sweep


def _report(found: Sequence[Found], *, deleted: int, asked: datetime | None, at: datetime) -> SweepReport:
    return SweepReport(
        at=at,
        asked=asked,
        counts=counts_of(found),
        deleted=deleted,
        findings=tuple(item_of(item) for item in found[:FINDINGS_SHOWN]),
    )
