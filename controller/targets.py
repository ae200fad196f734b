"""A target at work: its connection, its newest snapshot, and when the next is due.

The snapshot is shared by all sessions of the target. A session that was written to uses only a
snapshot that began after that write (law S7): what is older may show the world before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

import structlog
from pydantic import SecretStr

from controller.errors import Failure, failure_of
from controller.identity import Markers
from controller.observe import Expected, Snapshot, observed_in, take_snapshot
from controller.observed import Observed, Unknown
from controller.planned import Deadlines
from crds.base import Key
from crds.session import TargetPlace
from crds.target import Target
from crds.target_status import SweepReport
from crds.vocabulary import Reason
from dokploy.errors import DokployError
from dokploy.port import Dokploy, Installation, Place

_STALE_AFTER = 30.0
"""Seconds without a new snapshot after which sessions are told that nothing is known."""

_NOWHERE = Place("", "")

log = structlog.get_logger(__name__)


class Connect(Protocol):
    """Makes a client of a target."""

    def __call__(self, target: Target, key: SecretStr) -> Dokploy:
        """Make it; nothing is sent yet."""
        ...


@dataclass(frozen=True, slots=True)
class Sight:
    """What a target shows at one moment: made once for all of its sessions, which are many."""

    snapshot: Snapshot | None
    trouble: Unknown | None
    absence_is_accepted: bool

    def signature(self, session_id: str) -> tuple[object, ...]:
        """What is shown of one session: equal while nothing happened to it."""
        shown = self.snapshot.signature(session_id) if self.snapshot else ()
        return (*shown, self.trouble, self.absence_is_accepted)


@dataclass(slots=True)
class LiveTarget:
    """One target as the loop and the passes see it."""

    record: Target
    dokploy: Dokploy
    markers: Markers
    now: Callable[[], datetime]
    place: Place = _NOWHERE
    installation: Installation | None = None
    here: TargetPlace | None = None
    """Where it leads; None before it was first connected."""
    snapshot: Snapshot | None = None
    failure: Failure | None = None
    """Why the newest attempt to list the target failed."""
    failing_since: float | None = None
    _writes: dict[Key, float] = field(default_factory=dict)
    _flags: dict[Key, tuple[bool, bool]] = field(default_factory=dict)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when something came into motion: the next listing is due sooner."""
    swept: SweepReport | None = None
    """What the newest sweep found; None while the record's own report holds."""
    _users: int = 0
    _retired: bool = False

    @asynccontextmanager
    async def in_use(self) -> AsyncIterator[None]:
        """Keep the connection open: it ends after the last pass or sweep that was given it."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            await self._close_if_unused()

    async def retire(self) -> None:
        """Close the connection once nobody uses it: another one has taken its place, or none will."""
        self._retired = True
        await self._close_if_unused()

    async def _close_if_unused(self) -> None:
        if not self._retired or self._users:
            return
        try:
            await self.dokploy.aclose()
        except Exception:
            # Whoever was the last has done its work; a connection that does not close changes nothing.
            log.exception("connection not closed", target=self.record.metadata.name)

    def follows(self, old: LiveTarget) -> None:
        """Take over what a session's last write says of listings: a pass over it may still be under way."""
        self._writes = old._writes

    @property
    def deadlines(self) -> Deadlines:
        """Seconds after which a step is reported as failing."""
        spec = self.record.spec.deadlines
        return Deadlines(start=spec.start.seconds, build=spec.build.seconds)

    @property
    def probe_address(self) -> str | None:
        """Where the controller connects for its own readings, in place of a route's host."""
        return self.record.spec.route.probe_address

    async def connect(self) -> None:
        """Check version and key, and find the place; raises DokployError."""
        self.installation = await self.dokploy.connect()
        self.place = await self.dokploy.ensure_place(self.record.spec.project, self.record.spec.environment)
        self.here = TargetPlace(
            name=self.record.metadata.name,
            uid=self.record.metadata.uid,
            url=str(self.record.spec.url),
            organization_id=self.installation.organization_id,
        )
        log.info(
            "target connected",
            target=self.record.metadata.name,
            version=self.installation.version,
            role=self.installation.role,
        )

    async def refresh(self, expected: Iterable[Expected]) -> None:
        """Take a new snapshot; a failure is kept, and the old snapshot with it.

        ``expected`` is gone through once, after the target was connected.
        """
        try:
            if self.installation is None:
                await self.connect()
            # Before the listing: what is made while it is read is not expected in it.
            owned = tuple(expected)
            self.snapshot = await take_snapshot(
                self.dokploy, self.markers, owned, now=self.now(), before=self.snapshot
            )
        except DokployError as error:
            self.failure = failure_of(error)
            if self.failing_since is None:
                self.failing_since = _loop_time()
                log.warning("target cannot be listed", target=self.record.metadata.name, error=str(error))
            return
        if self.failing_since is not None:
            log.info("target can be listed again", target=self.record.metadata.name)
        self.failure = self.failing_since = None

    @property
    def trouble(self) -> Unknown | None:
        """Why nothing is known, once a failure has lasted or there never was a snapshot."""
        if self.failure is None or self.failing_since is None:
            return None
        if self.snapshot is not None and _loop_time() - self.failing_since < _STALE_AFTER:
            return None
        return Unknown(self.failure.reason, self.failure.message)

    @property
    def sight(self) -> Sight:
        """What it shows just now."""
        return Sight(self.snapshot, self.trouble, self.absence_is_accepted)

    def flag(self, key: Key, *, suspect: bool, due: bool) -> None:
        """Tell the next pass over a session what the loop knows of it."""
        self._flags[key] = (suspect, due)

    def observed(self, key: Key, session_id: str) -> Observed:
        """The session's part of the newest snapshot that is younger than its last write."""
        if self.trouble is not None:
            return Observed(unknown=self.trouble)
        snapshot = self.snapshot
        if snapshot is None or snapshot.started_at <= self._writes.get(key, float("-inf")):
            message = "A listing younger than the last write is awaited"
            return Observed(unknown=Unknown(Reason.NOT_OBSERVED, message))
        suspect, due = self._flags.get(key, (False, False))
        seen = observed_in(snapshot, session_id, accept_absence=self.absence_is_accepted)
        return replace(seen, suspect=suspect, due=due)

    def is_behind(self, key: Key) -> bool:
        """Whether the newest snapshot is older than the session's last write."""
        snapshot = self.snapshot
        return snapshot is None or snapshot.started_at <= self._writes.get(key, float("-inf"))

    @property
    def absence_is_accepted(self) -> bool:
        """Whether a person has confirmed, not long ago, that what is missing is gone."""
        return self.record.absence_accepted_until(self.now()) is not None

    @property
    def freeze(self) -> Unknown | None:
        """Why nothing is created, stopped or deleted here just now; None while work goes on."""
        if self.trouble is not None:
            return self.trouble
        doubt = self.snapshot.doubt if self.snapshot else None
        return None if self.absence_is_accepted else doubt

    def wrote(self, key: Key) -> None:
        """A changing call for this session was sent: older snapshots no longer count."""
        self._writes[key] = _loop_time()

    def forget(self, key: Key) -> None:
        """The session is gone."""
        self._writes.pop(key, None)
        self._flags.pop(key, None)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
