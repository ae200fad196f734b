"""When each session is looked at: changes of records, ticks of targets, a timer for the rest.

Records are watched, and every change asks for a pass over what it concerns; every tick of a target
asks for a pass over what its listing shows to be new. With no events at all the ticks alone would
do (law L6).
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog

from controller.admission import Admission
from controller.events import EventWriter
from controller.fleet import Fleet, deployments_of, others_deployed, signature_of
from controller.identity import Identity, Markers
from controller.inputs import Inputs, gather
from controller.leadership import Leadership
from controller.metrics import Metrics
from controller.planned import Pace
from controller.probe import Probe
from controller.queue import Priority, WorkQueue
from controller.reconcile import Context, Result, reconcile
from controller.sweep import Sweeper
from controller.targets import Connect, LiveTarget
from controller.views import View, Views
from crds.base import Key, Resource
from crds.secret import Secret
from crds.session import Session, SessionTemplate
from crds.target import Target
from crds.vocabulary import Reason
from records.errors import Expired, NotFound, RecordsError
from records.paging import pages
from records.port import Change, Records, StoreSettings

log = structlog.get_logger(__name__)

_ROOM = frozenset({Reason.QUOTA_EXCEEDED, Reason.HOST_TAKEN})
"""What another session's stop or end may mend."""

_WATCHED: tuple[type[Resource], ...] = (Session, SessionTemplate, Target, Secret)


@dataclass(frozen=True, slots=True)
class Pacing:
    """What governs the loop, in seconds; what concerns one target is in the target's record."""

    workers: int = 16
    report: float = 30.0
    """How often a running container's own report is read again."""
    sweep: float = 300.0
    resync: float = 300.0
    """How often all records are listed again, in case that the watch kept something back (law L6)."""
    lease: float = 15.0


class Controller:
    """Keeps every declared session matched."""

    def __init__(
        self,
        records: Records,
        settings: StoreSettings,
        *,
        connect: Connect,
        probe: Probe,
        now: Callable[[], datetime],
        holder: str,
        pacing: Pacing,
        metrics: Metrics,
    ) -> None:
        self._records = records
        self._settings = settings
        self._pacing = pacing
        self._metrics = metrics
        self._context = Context(records, probe, EventWriter(records, now), now)
        self._admission = Admission()
        self.views = Views(instance=settings.instance)
        self.queue: WorkQueue[Key] = WorkQueue()
        self.leadership = Leadership(records, holder=holder, seconds=pacing.lease)
        self.fleet = Fleet(
            records,
            self.views,
            self.queue,
            connect=connect,
            markers=Markers(settings.instance),
            now=now,
            events=self._context.events,
            metrics=metrics,
        )
        self.sweeper = Sweeper(records, self.fleet, self._context.events, metrics, now)

    async def run(self) -> None:
        """Work until cancelled; raises LeadershipLost when another controller takes over."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.leadership.hold(), name="leadership")
                await self.leadership.leading.wait()
                since = await self._load_at_last()
                group.create_task(self._watch(since), name="watch")
                group.create_task(self._resync(), name="resync")
                for number in range(self._pacing.workers):
                    group.create_task(self._work(), name=f"worker {number}")
                group.create_task(self.sweeper.run(self._pacing.sweep), name="sweep")
        finally:
            await self.fleet.aclose()
            await self.leadership.release()

    # -- what asks for passes ---------------------------------------------------------------

    async def _load(self) -> int:
        """List every record; returns the revision from which to watch.

        A session gets a pass if it is declared otherwise than it was known to be: all do at first.
        """
        revision, listed = None, set[Key]()
        async for page in pages(self._records, Session):
            revision = page.revision if revision is None else revision
            for session in page.items:
                listed.add(session.key)
                self._admission.note(session)
                if self.views.note(session):
                    self.queue.add(session.key)
        for key, view in self.views:
            if key not in listed and view.revision <= (revision or 0):
                self._forget(key, view.uid)
        targets = await self._records.list(Target)
        for target in targets.items:
            await self.fleet.adopt(target)
        log.info("records loaded", sessions=len(listed), targets=len(targets.items))
        return targets.revision if revision is None else revision

    async def _load_at_last(self) -> int:
        """List every record, however long the store takes to answer."""
        while True:
            try:
                return await self._load()
            except RecordsError as error:
                log.warning("records not listed", error=str(error))
                await asyncio.sleep(1)

    async def _resync(self) -> None:
        """List all records from time to time: a lost wake-up costs latency, never correctness."""
        while True:
            await asyncio.sleep(self._pacing.resync)
            try:
                await self._load()
            except RecordsError as error:
                log.warning("records not listed again", error=str(error))

    async def _watch(self, since: int) -> None:
        while True:
            try:
                async for change in self._records.watch(_WATCHED, since=since):
                    await self._take(change)
                    since = change.revision
            except Expired:
                log.info("watch expired, listing again")
                since = await self._load()
            except RecordsError as error:
                log.warning("watch broke", error=str(error))
                await asyncio.sleep(1)

    async def _take(self, change: Change) -> None:
        """A record changed: ask for a pass over all that it concerns."""
        deleted = change.type == "DELETED"
        match change.resource:
            case Session() as session if deleted:
                self._forget(session.key, session.metadata.uid)
            case Session() as session:
                self._admission.note(session)
                if self.views.note(session):
                    self._ask([session.key, *self.views.waiting()])
            case Target() as target if deleted:
                await self.fleet.drop(target.metadata.name)
            case Target() as target:
                if await self.fleet.adopt(target):
                    self._ask(key for key, _ in self.views.of_target(target.metadata.name))
            case Secret() as secret:
                await self.fleet.secret_changed(secret)
                self._ask(self.views.of_namespace(secret.metadata.namespace))
            case _:
                self._ask(key for key, _ in self.views)

    def _ask(self, keys: Iterable[Key]) -> None:
        """A person did something: their sessions go first, and what failed before is forgiven."""
        for key in keys:
            self.queue.settle(key)
            self.queue.add(key, Priority.PERSON)

    def _forget(self, key: Key, uid: str) -> None:
        view = self.views.get(key)
        if view is None or view.uid != uid:
            return
        live = self.fleet.get(view.target)
        if live is not None:
            live.forget(key)
        self.views.forget(key, uid)
        self._admission.forget(key)
        self.queue.forget(key)
        self._ask(self.views.waiting())

    # -- passes -----------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
            try:
                with self._metrics.pass_over():
                    await self._pass(key)
            except RecordsError as error:
                log.warning("records do not answer", session=str(key), error=str(error))
                self.queue.retry(key)
            except Exception:
                # A bug in one pass must not end the others: it is logged whole, and tried again.
                log.exception("pass failed", session=str(key))
                self._metrics.bugs.inc()
                self.queue.retry(key)
            finally:
                self.queue.done(key)

    async def _pass(self, key: Key) -> None:
        view = self.views.get(key)
        if view is None:
            return
        live = self.fleet.get(view.target)
        if live is not None and live.is_behind(key) and live.trouble is None:
            self.fleet.parked.add(key)
            self._hurry(live)
            return
        try:
            session = await self._records.get(Session, key)
        except NotFound:
            self._forget(key, view.uid)
            return
        if session.metadata.uid != view.uid:
            return  # the watch brings the new one
        if int(session.metadata.resource_version or 0) < view.revision:
            # A store that lags showed what was; a status made from it would overwrite what is (S4).
            self.queue.retry(key)
            return
        signature = signature_of(live, view) if live else ()
        if live is not None:
            self._flag(live, view, key)
        inputs = await self._gather(session, live)
        await self._remember_retention(session, inputs)
        result = await reconcile(session, inputs, live, self._context)
        self._after_pass(key, view, live, signature, result)

    async def _remember_retention(self, session: Session, inputs: Inputs) -> None:
        """Say in the claim, before the record goes, that its volumes stay on purpose.

        The record is all that tells them from volumes left behind, and a pass may be its last.
        """
        going = session.metadata.deletion_timestamp is not None
        if going and inputs.claimed and inputs.storage.on_delete == "Retain":
            await self._records.retain(inputs.identity.session_id)

    async def _gather(self, session: Session, live: LiveTarget | None) -> Inputs:
        return await gather(
            self._records,
            session,
            live.record if live else None,
            identity=Identity.of(session, instance=self._settings.instance),
            digest_key=self._settings.digest_key,
            admission=self._admission,
        )

    def _flag(self, live: LiveTarget, view: View, key: Key) -> None:
        """Tell the pass what only the loop knows."""
        now = asyncio.get_running_loop().time()
        if view.audit_due is None:
            # Spread over the first period, so that a restart does not read all at once (P4).
            period = live.record.spec.poll.audit.seconds
            view.audit_due = now + period * (1 + (zlib.crc32(view.session_id.encode()) % 97) / 97)
        live.flag(
            key,
            suspect=view.audit_due <= now or others_deployed(live, view),
            due=view.running and view.report_due <= now and view.signature is not None,
        )

    def _after_pass(
        self, key: Key, view: View, live: LiveTarget | None, signature: tuple[object, ...], result: Result
    ) -> None:
        now = asyncio.get_running_loop().time()
        view.pace = result.pace
        self.views.note_waiting(key, waits=result.failure is not None and result.failure.reason in _ROOM)
        view.signature = signature
        view.deployments = deployments_of(live, view) if live else {}
        if view.report_due <= now:
            view.report_due = now + self._pacing.report
        if live is not None and view.audit_due is not None and view.audit_due <= now:
            view.audit_due = now + live.record.spec.poll.audit.seconds
        match result.pace:
            case Pace.BACKOFF:
                self.queue.retry(key)
            case Pace.MOTION:
                self._hurry(live)
            case Pace.SETTLED:
                self.queue.settle(key)

    @staticmethod
    def _hurry(live: LiveTarget | None) -> None:
        """A session came into motion: a slow tick under way becomes a fast one."""
        if live is not None:
            live.hurry.set()
