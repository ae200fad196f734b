"""When each session is looked at: changes of records, ticks of targets, a timer for the rest.

Records are watched (:mod:`controller.record_watch`), and every change asks for a pass over what it
concerns; every tick of a target (:mod:`controller.fleet`) asks for a pass over what its listing
shows to be new. With no events at all the ticks alone would do (law L6).
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime

import structlog

from controller.admission import Admission
from controller.events import EventWriter
from controller.fleet import Fleet, deployments_of, others_deployed
from controller.identity import Identity, Markers
from controller.inputs import Inputs, gather
from controller.leadership import Leadership
from controller.metrics import Metrics
from controller.planned import Pace
from controller.probe import Probe
from controller.queue import WorkQueue
from controller.reconcile import Context, Result, reconcile
from controller.record_watch import RecordWatch
from controller.resolver import Resolver
from controller.supervision import Supervisor
from controller.sweep import Sweeper
from controller.targets import Connect, LiveTarget
from controller.views import View, Views
from crds.base import Key
from crds.session import Session
from crds.vocabulary import Reason
from records.errors import Conflict, NotFound, RecordsError
from records.port import Records, StoreSettings

log = structlog.get_logger(__name__)

_ROOM = frozenset({Reason.QUOTA_EXCEEDED, Reason.HOST_TAKEN})
"""What another session's stop or end may mend."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """What governs the loop, in seconds; what concerns one target is in the target's record."""

    workers: int = 16
    report: float = 30.0
    """How often a running container's own report is read again."""
    sweep: float = 300.0
    resync: float = 300.0
    """How often all records are listed again, in case that news of a change were lost (law L6)."""
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
        self._resolver = Resolver(settings.digest_key)
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
        self._supervisor = Supervisor(metrics)
        self._watch = RecordWatch(
            records,
            self.fleet,
            views=self.views,
            queue=self.queue,
            admission=self._admission,
            resolver=self._resolver,
            metrics=metrics,
        )

    async def run(self) -> None:
        """Work until cancelled; raises LeadershipLost when another controller takes over.

        Whatever else a task ends for, it is started again: :mod:`controller.supervision`.
        """
        keep = self._supervisor.keep
        try:
            async with asyncio.TaskGroup() as group:
                # The one task that may end the others; it outlives every error of the store itself.
                group.create_task(self.leadership.hold(), name="leadership")
                await self.leadership.leading.wait()
                group.create_task(keep("watch", self._watch.follow), name="watch")
                await self._watch.loaded.wait()
                group.create_task(keep("resync", self._resync), name="resync")
                for number in range(self._pacing.workers):
                    group.create_task(keep("worker", self._work), name=f"worker {number}")
                group.create_task(keep("sweep", self._sweep), name="sweep")
        finally:
            await self.fleet.aclose()
            await self.leadership.release()

    async def _resync(self) -> None:
        await self._watch.resync(self._pacing.resync)

    async def _sweep(self) -> None:
        await self.sweeper.run(self._pacing.sweep)

    # -- passes -----------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
            try:
                with self._metrics.pass_over():
                    await self._pass(key)
            except Conflict as conflict:
                # Two controllers are at work: the other was first, and what it wrote is read next.
                log.info("written by somebody else", session=str(key), error=str(conflict))
                self.queue.retry(key)
            except RecordsError as error:
                log.warning("records do not answer", session=str(key), error=str(error))
                self.queue.retry(key)
            except asyncio.CancelledError:
                # If it is this worker alone that ends, another one goes on with the session.
                self.queue.retry(key)
                raise
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
            self._watch.forget(key, view.uid)
            return
        if session.metadata.uid != view.uid:
            # Another record of that name: the watch has told of it, or its news was lost.
            self._watch.noticed(session)
            return
        if int(session.metadata.resource_version or 0) < view.revision:
            # A store that lags showed what was; a status made from it would overwrite what is (S4).
            self.queue.retry(key)
            return
        # Asked for anew: the target may have been connected anew while the record was read.
        live = self.fleet.get(view.target)
        async with live.in_use() if live is not None else nullcontext():
            await self._look(session, view, live)

    async def _look(self, session: Session, view: View, live: LiveTarget | None) -> None:
        # Before the pass: what a tick lists while it is under way is news that it has not seen.
        signature = live.sight.signature(view.session_id) if live else ()
        if live is not None:
            self._flag(live, view, session.key)
        inputs = await self._gather(session, view, live)
        await self._remember_retention(session, inputs)
        result = await reconcile(session, inputs, live, self._context)
        self._after_pass(session.key, view, live, signature, result)

    async def _remember_retention(self, session: Session, inputs: Inputs) -> None:
        """Say in the claim, before the record goes, that its volumes stay on purpose.

        The record is all that tells them from volumes left behind, and a pass may be its last.
        """
        going = session.metadata.deletion_timestamp is not None
        if going and inputs.claimed and inputs.storage.on_delete == "Retain":
            await self._records.retain(inputs.identity.session_id)

    async def _gather(self, session: Session, view: View, live: LiveTarget | None) -> Inputs:
        return await gather(
            self._records,
            session,
            live.record if live else None,
            identity=Identity(self._settings.instance, view.session_id),
            resolver=self._resolver,
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
