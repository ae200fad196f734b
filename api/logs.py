"""A session's output and the log of its build, once or as they grow.

Dokploy gives the end of a log on demand; a log is followed by reading it again and again. A
client that follows is told in a line of its own, stamped like the others, when no more will come.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import structlog

from api.ports import Clock
from api.problems import Problem, Reason, invalid
from api.readings import Readings
from api.seam import MOST_LINES, Seam, complete_lines_after
from crds.base import Key
from crds.quantity import Duration
from crds.session import BuildStatus, OperatingMode, Phase, Session
from dokploy.errors import DokployError
from records.errors import NotFound, RecordsError
from records.port import Records

_OVERLAP = 5
"""Seconds by which a reading goes back before the one it follows, besides the time that readings take."""

_PATIENCE = 60.0
"""Seconds without an answer after which a client that follows is told so."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of a log: its last lines, of the last seconds; None: of all."""

    tail: int
    since: int | None = None

    @property
    def since_text(self) -> str | None:
        """As Dokploy takes it."""
        return None if self.since is None else f"{self.since}s"


@dataclass(frozen=True, slots=True)
class Reading:
    """The end of a log as it was at some moment between ``began`` and ``ended``, in loop time."""

    text: str
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long Dokploy took to answer."""
        return self.ended - self.began


def parse_extent(tail: int, since: str | None) -> Extent:
    """The extent a query asks for; raises Problem Invalid."""
    if since is None or since == "all":
        return Extent(tail)
    try:
        return Extent(tail, max(1, math.ceil(Duration(since).seconds)))
    except ValueError as error:
        raise invalid((("since", str(error)),)) from None


class Logs:
    """Reads and follows logs; raises Problem, RecordsError and DokployError."""

    def __init__(
        self, records: Records, readings: Readings, *, now: Clock, closing: asyncio.Event, poll: float
    ) -> None:
        self._records = records
        self._readings = readings
        self._now = now
        self._closing = closing
        self._poll = poll

    async def read(self, session: Session, extent: Extent) -> Reading:
        """The end of the newest container's output."""
        application_id = _application(session)
        # The last line is read even where none is wanted: it says where the log is now.
        tail = max(1, extent.tail)
        began = _loop_time()
        async with self._readings.of_target(session.target_name) as dokploy:
            text = await dokploy.read_logs(application_id, tail=tail, since=extent.since_text)
        return Reading(text, began, _loop_time())

    async def read_build(self, session: Session, extent: Extent) -> Reading:
        """The end of the newest build's log; builds write no time, so ``since`` says nothing."""
        deployment_id, began = _deployment(session), _loop_time()
        async with self._readings.of_target(session.target_name) as dokploy:
            text = await dokploy.read_build_log(deployment_id, tail=max(1, extent.tail))
        return Reading(text, began, _loop_time())

    async def follow(self, session: Session, first: Reading, extent: Extent) -> AsyncGenerator[str]:
        """The first reading, then new lines until the session is stopped or gone."""
        if first.text and extent.tail:
            yield first.text if first.text.endswith("\n") else f"{first.text}\n"
        seam, last, told = Seam(first.text), first, False
        while not await self._is_closing():
            now, fresh = await self._now_of(session), list[str]()
            window = _window(last)
            try:
                reading = None if now is None else await self.read(now, Extent(MOST_LINES, window))
            except (Problem, DokployError) as error:
                if not told and _loop_time() - last.began >= _PATIENCE:
                    fresh, told = [self._note(f"its output cannot be read: {error}")], True
            else:
                if reading is not None:
                    fresh, told = seam.fresh(reading.text), False
                    last = _followed(last, reading, window)
            if fresh:
                yield "".join(f"{line}\n" for line in fresh)
            if now is None or now.status.phase is Phase.STOPPED:
                yield (
                    self._note(f"the session is {'stopped' if now else 'gone'}; its output ends here") + "\n"
                )
                return

    async def follow_build(self, session: Session, first: Reading) -> AsyncGenerator[str]:
        """The first reading, then new lines until the build has ended."""
        build = session.status.dokploy.build
        running = build is not None and build.outcome == "Running"
        seen = _complete(first.text, running=running)
        yield seen
        while running and not await self._is_closing():
            now = await self._now_of(session)
            build = now.status.dokploy.build if now else None
            if now is None or build is None or build.deployment_id != _deployment(session):
                return
            try:
                reading = await self.read_build(now, Extent(MOST_LINES))
            except (Problem, DokployError):
                continue
            running = build.outcome == "Running"
            text = _complete(reading.text, running=running)
            yield complete_lines_after(seen, text)
            seen = text

    async def _is_closing(self) -> bool:
        """Wait for the next reading, or for the end of the server."""
        try:
            async with asyncio.timeout(self._poll):
                await self._closing.wait()
        except TimeoutError:
            return False
        return True

    async def _now_of(self, session: Session) -> Session | None:
        """The session as it is by now; None where it is gone, itself where nobody can say."""
        try:
            now = await self._records.get(Session, Key(*session.key))
        except NotFound:
            return None
        except RecordsError:
            return session
        return now if now.metadata.uid == session.metadata.uid else None

    def _note(self, text: str) -> str:
        return f"{self._now().strftime('%Y-%m-%dT%H:%M:%S.%fZ')} [berth] {text}"


def _window(last: Reading) -> int:
    """Seconds that the next reading must go back, so that it begins before the last one was made.

    Dokploy counts them back from the moment at which it looks, which may be as long after it was
    asked as the last time.
    """
    return math.ceil(_loop_time() - last.began + last.seconds) + _OVERLAP


def _followed(last: Reading, reading: Reading, window: int) -> Reading:
    """From which reading the next goes on; the one before, where this one came too late to join it."""
    if reading.ended - window <= last.began:
        return reading
    return Reading("", last.began, last.began + reading.seconds)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


def _complete(reading: str, *, running: bool) -> str:
    """Whole lines only, while the last one may still grow."""
    if running:
        return reading[: reading.rfind("\n") + 1]
    return reading if reading.endswith("\n") or not reading else f"{reading}\n"


def _application(session: Session) -> str:
    """The application whose output to read; raises Problem that says why there is none."""
    known = session.status.dokploy
    mode = session.spec.operating_mode
    if mode is OperatingMode.LEGACY:
        raise Problem(Reason.CONFLICT, f"Session {session.key} is declared Legacy: it has no container")
    if session.status.phase is Phase.STOPPED or (mode is OperatingMode.STOPPED and not known.application_id):
        detail = f"Session {session.key} is stopped: output is kept only while its container runs; start it"
        raise Problem(Reason.CONFLICT, detail)
    if known.application_id is None:
        detail = f"Session {session.key} has no container yet; `berth why {session.metadata.name}` says why"
        raise Problem(Reason.CONFLICT, detail)
    return known.application_id


def _deployment(session: Session) -> str:
    """The build whose log to read; raises Problem that says why there is none."""
    build: BuildStatus | None = session.status.dokploy.build
    if build is None:
        detail = f"Session {session.key} has no build: its image is prebuilt, or the build has not begun"
        raise Problem(Reason.NOT_FOUND, detail)
    if build.deployment_id is None:
        raise Problem(Reason.NOT_FOUND, f"the build of session {session.key} has not begun to write its log")
    return build.deployment_id
