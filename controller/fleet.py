"""The targets, connected and ticking.

A tick is one listing of a target (two calls), after which every session gets a pass for which the
listing shows something new, or which is in motion, or whose time has come. Ticks are fast while
anything is in motion, slow while anything shall run, and rare otherwise.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from datetime import datetime

import structlog
from pydantic import SecretStr

from container.contract import without_line_end
from controller.events import EventWriter
from controller.identity import Markers
from controller.metrics import Metrics
from controller.observe import Expected
from controller.planned import Pace
from controller.queue import WorkQueue
from controller.supervision import Supervisor
from controller.target_status import report
from controller.targets import Connect, LiveTarget, Sight
from controller.views import View, Views
from crds.base import Key
from crds.secret import Secret
from crds.target import SWEEP_ANNOTATION, Poll, Target
from crds.vocabulary import Reason
from records.errors import NotFound, RecordsError
from records.port import Records

SYSTEM_NAMESPACE = "berth-system"
"""Where the API keys of targets live."""

_MIN_TICK = 0.1
"""Seconds between two listings at the least."""

log = structlog.get_logger(__name__)


class Fleet:
    """Connects targets as they are declared, and lists each at its pace."""

    def __init__(
        self,
        records: Records,
        views: Views,
        queue: WorkQueue[Key],
        *,
        connect: Connect,
        markers: Markers,
        now: Callable[[], datetime],
        events: EventWriter,
        metrics: Metrics,
    ) -> None:
        self._records = records
        self._supervisor = Supervisor(metrics)
        self._views = views
        self._queue = queue
        self._connect = connect
        self._markers = markers
        self._now = now
        self._events = events
        self._metrics = metrics
        self._live: dict[str, LiveTarget] = {}
        self._ticks: dict[str, asyncio.Task[None]] = {}
        self._targets: dict[str, Target] = {}
        """Every declared target, also one without a key."""
        self._declared: dict[str, tuple[object, ...]] = {}
        self.parked: set[Key] = set()
        """Sessions whose pass waits for a listing younger than their last write."""
        self.sweep_wanted = asyncio.Event()
        """Set when a target may hold a request for a sweep that is not yet answered."""

    def get(self, name: str) -> LiveTarget | None:
        """A target that is declared and whose key is there."""
        return self._live.get(name)

    def all(self) -> tuple[LiveTarget, ...]:
        """Every such target."""
        return tuple(self._live.values())

    async def adopt(self, target: Target) -> bool:
        """Take a target as it is now; says whether what is declared of it changed.

        Its status alone, or a request for a sweep, is no news for its sessions: those that fail would
        be tried before their turn. Raises RecordsError.
        """
        name = target.metadata.name
        self._targets[name] = target
        live = self._live.get(name)
        if live is None or live.record.spec != target.spec or live.record.metadata.uid != target.metadata.uid:
            await self._replace(target)
        else:
            live.record = target
        if target.sweep_asked is not None:
            self.sweep_wanted.set()
        declared = _declared(target)
        changed = self._declared.get(name) != declared
        self._declared[name] = declared
        return changed

    async def drop(self, name: str) -> None:
        """Take no more notice of a target: its record is gone."""
        self._targets.pop(name, None)
        self._declared.pop(name, None)
        await self._disconnect(name)

    async def key_changed(self, secret: Key) -> tuple[str, ...]:
        """A Secret came, changed or went; returns the targets whose key is in it, connected anew."""
        if secret.namespace != SYSTEM_NAMESPACE:
            return ()
        concerned = [one for one in self._targets.values() if one.spec.api_key.name == secret.name]
        for target in concerned:
            await self._replace(target)
        return tuple(one.metadata.name for one in concerned)

    async def aclose(self) -> None:
        """Stop all ticks and close all connections."""
        for name in list(self._live):
            await self._disconnect(name)

    async def _replace(self, target: Target) -> None:
        """Connect anew: the target or its key changed.

        The new connection takes the old one's place at once: a pass in between would take the
        target for one that is not there.
        """
        name = target.metadata.name
        key = await self._key(target)
        if key is None:
            await self._disconnect(name)
            await report(self._records, self._events, target, None, now=self._now())
            self._metrics.freeze(name, Reason.SECRET_NOT_FOUND)
            return
        dokploy = self._connect(target, key)
        tick, old = self._ticks.pop(name, None), self._live.pop(name, None)
        live = LiveTarget(target, dokploy, self._markers, self._now)
        if old is not None:
            live.follows(old)
        self._live[name] = live
        self._ticks[name] = self._start_tick(live)
        await _close(tick, old)

    async def _disconnect(self, name: str) -> None:
        """Stop listing a target; what its sessions are told changes with it."""
        await _close(self._ticks.pop(name, None), self._live.pop(name, None))
        self._metrics.forget(name)
        for key, _ in self._views.of_target(name):
            self._queue.add(key)

    def _start_tick(self, live: LiveTarget) -> asyncio.Task[None]:
        async def tick() -> None:
            await self._tick(live)

        return asyncio.create_task(
            self._supervisor.keep("tick", tick), name=f"tick {live.record.metadata.name}"
        )

    async def _key(self, target: Target) -> SecretStr | None:
        reference = target.spec.api_key
        try:
            secret = await self._records.get(Secret, Key(SYSTEM_NAMESPACE, reference.name))
        except NotFound:
            return None
        encoded = secret.data.get(reference.key)
        # A key that is no text is refused by the client, in words of its own.
        return (
            SecretStr(without_line_end(base64.b64decode(encoded).decode(errors="replace")))
            if encoded
            else None
        )

    async def _tick(self, live: LiveTarget) -> None:
        name = live.record.metadata.name
        while True:
            started = asyncio.get_running_loop().time()
            try:
                with self._metrics.tick(name):
                    await live.refresh(self._expected(live))
                await self.report(live)
                self._after_tick(live)
            except Exception:
                # A bug in one tick must not end all the later ones.
                log.exception("tick failed", target=name)
                self._metrics.bugs.inc()
            await self._until_due(live, started)

    def _expected(self, live: LiveTarget) -> Iterator[Expected]:
        """What the target should show; nothing of sessions that were made on another Dokploy.

        Taken only after the target was connected, when it is known where it leads.
        """
        for _, view in self._views.of_target(live.record.metadata.name):
            if live.here is None or view.organization_id in {None, live.here.organization_id}:
                yield view.expected

    async def _until_due(self, live: LiveTarget, started: float) -> None:
        """Wait for the next tick; a session that comes into motion meanwhile makes it come sooner."""
        loop, poll = asyncio.get_running_loop(), live.record.spec.poll
        while True:
            live.hurry.clear()
            period = self._period(poll, live.record.metadata.name)
            remaining = started + max(period, _MIN_TICK) - loop.time()
            if remaining <= 0:
                # A listing slower than its period must not starve everything else.
                await asyncio.sleep(_MIN_TICK)
                return
            if period <= poll.fast.seconds:
                # Nothing makes it come sooner: in a burst, each session would have all looked at anew.
                await asyncio.sleep(remaining)
                return
            try:
                async with asyncio.timeout(remaining):
                    await live.hurry.wait()
            except TimeoutError:
                return

    async def report(self, live: LiveTarget) -> None:
        """Say how a target stands, in its status and in metrics; losing one is logged."""
        name, frozen = live.record.metadata.name, live.freeze
        self._metrics.freeze(name, frozen.reason if frozen else None)
        if live.snapshot is not None:
            self._metrics.absence(name, live.snapshot.missing)
        try:
            written = await report(self._records, self._events, live.record, live, now=self._now())
        except RecordsError as error:
            log.warning("target's status not written", error=str(error))
            return
        # A changed spec is left to the watch: taken from here, it would look like the one that this
        # connection was made for, and nobody would connect anew.
        if written.spec == live.record.spec:
            live.record = written

    def measure(self) -> None:
        """Set what only a look at the clock tells: how old each newest listing is."""
        now = asyncio.get_running_loop().time()
        for name, live in self._live.items():
            if live.snapshot is not None:
                self._metrics.snapshot_age.labels(name).set(now - live.snapshot.started_at)

    def _after_tick(self, live: LiveTarget) -> None:
        """Ask for a pass over every session that the listing gives a reason to look at."""
        name, now, sight = live.record.metadata.name, asyncio.get_running_loop().time(), live.sight
        parked, self.parked = self.parked, set()
        for key, view in self._views.of_target(name):
            if key in parked or self._deserves_a_pass(sight, view, now):
                self._queue.add(key)
        self.parked |= {key for key in parked if (view_ := self._views.get(key)) and view_.target != name}

    def _deserves_a_pass(self, sight: Sight, view: View, now: float) -> bool:
        if view.signature is None or view.pace is Pace.MOTION:
            return True
        if view.pace is Pace.BACKOFF:
            # Its time comes from the queue: a report that is due would be a try before its turn.
            return view.signature != sight.signature(view.session_id)
        if view.running and view.report_due <= now:
            return True
        if view.audit_due is not None and view.audit_due <= now:
            return True
        return view.signature != sight.signature(view.session_id)

    def _period(self, poll: Poll, name: str) -> float:
        running = False
        for key, view in self._views.of_target(name):
            if view.pace is Pace.MOTION or key in self.parked:
                return poll.fast.seconds
            running = running or view.running
        return poll.slow.seconds if running else poll.idle.seconds


def _declared(target: Target) -> tuple[object, ...]:
    """What a person says of a target to its sessions."""
    meta = target.metadata
    annotations = {name: text for name, text in meta.annotations.items() if name != SWEEP_ANNOTATION}
    return meta.uid, meta.generation, tuple(sorted(annotations.items()))


async def _close(tick: asyncio.Task[None] | None, live: LiveTarget | None) -> None:
    if tick is not None:
        tick.cancel()
        await asyncio.gather(tick, return_exceptions=True)
    if live is not None:
        await live.retire()


def deployments_of(live: LiveTarget, view: View) -> dict[str, datetime | None]:
    """When each application of a session was last deployed, as the target lists it."""
    rows = live.snapshot.applications.get(view.session_id, ()) if live.snapshot else ()
    return {row.ref.application_id: row.last_deploy_at for row in rows}


def others_deployed(live: LiveTarget, view: View) -> bool:
    """Whether the listing shows a deployment since the last pass.

    Applies of ours leave none, so it was somebody else's, or a build of ours that ended.
    """
    before = view.deployments
    return any(at != before[key] for key, at in deployments_of(live, view).items() if key in before)
