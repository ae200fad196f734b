"""Numbers every outbound call of a controller, and makes the chosen ones go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import httpx

from dokploy.translation import Answer
from records.errors import Unavailable
from tests.laws import FOREIGN
from tests.reliability.faults import (
    APPLICABLE,
    EFFECT_AFTER,
    LATE_EFFECTS,
    Call,
    Fault,
    Injection,
    Kind,
    Outage,
    Tamper,
)

_REVOKED_FOR = 40.0
_HEAD_START = 0.03
_NEVER = 3600.0
"""Seconds; longer than any call may take."""
_PATIENCE = 20.0
"""Seconds: of an outsider whose call never returns (FACTS 7.5)."""

Observer = Callable[[Call], None]


def _said(status: int, body: object) -> Answer:
    return Answer(status, json.dumps(body).encode())


_UNDONE = {
    Fault.REFUSED: _said(500, {"message": FOREIGN, "code": "INTERNAL"}),
    Fault.PROXY_404: Answer(404, FOREIGN.encode()),
    Fault.CONFLICT: _said(409, {"message": FOREIGN, "code": "CONFLICT"}),
    Fault.TOO_LARGE: Answer(413, b""),  # its body is never read
}
"""Answers before which nothing was done."""
_DONE = {
    Fault.GARBLED: Answer(200, f"<html>{FOREIGN}</html>".encode()),
    Fault.EMPTY: Answer(200, b""),
    Fault.FAILED_AFTER: _said(500, {"message": FOREIGN, "code": "INTERNAL"}),
}
"""Answers after which all of it was done."""


class Crash(BaseException):
    """The controller is dead: nothing of it may run on, least of all what tidies up."""


@dataclass
class Life:
    """One run of a controller, from its start to its death."""

    number: int
    died: asyncio.Event = field(default_factory=asyncio.Event)

    def require(self) -> None:
        if self.died.is_set():
            raise Crash

    def die(self) -> Crash:
        self.died.set()
        return Crash()


class Injector:
    """Counts calls once armed; tells ``before`` and ``after`` of every one."""

    def __init__(
        self, *, before: Observer, after: Observer, outsider: Callable[[Tamper], Awaitable[None]]
    ) -> None:
        self.calls: list[Call] = []
        self._outsider = outsider
        self.armed = False
        self.injected: list[tuple[Call, Fault | Tamper]] = []
        self._plan: dict[int, Fault | Tamper] = {}
        self._before, self._after = before, after
        self._revoked_until = float("-inf")
        self._listed: dict[str, Answer] = {}
        self._late: set[asyncio.Task[None]] = set()
        self.latency = 0.0
        """Seconds that a request, and its answer, are under way at the most. Two listings of one
        reading then show different moments."""
        self._outage: Outage | None = None
        self._outage_ends: float | None = None
        """Loop time; None before it began."""
        self.suffered = 0
        """How many calls an outage has befallen."""
        self.overdue: set[int] = set()
        """Numbers of the calls that took effect after we had been told that they did not answer."""
        self._versions: dict[tuple[str, str], tuple[object, object]] = {}

    def arm(self, *injections: Injection, outage: Outage | None = None) -> None:
        """Number calls from here on, and let these go wrong."""
        self._plan = {injection.number: injection.fault for injection in injections}
        self._outage, self._outage_ends = outage, None
        self.armed = True

    @property
    def unread(self) -> bool:
        """An outage is under way."""
        return self._outage_ends is not None and _now() < self._outage_ends

    @property
    def late(self) -> bool:
        """A call that timed out has yet to take effect."""
        return bool(self._late)

    async def _next(self, kind: Kind, name: str, subject: str) -> tuple[Call, Fault | None]:
        call = Call(len(self.calls) if self.armed else -1, kind, name, subject)
        if not self.armed:
            return call, None
        self.calls.append(call)
        fault = self._plan.pop(call.number, None)
        if self._outage is not None and call.number >= self._outage.number:
            if self._outage_ends is None:
                self._outage_ends = _now() + self._outage.seconds
            if self.unread and fault is None and self._outage.befalls(kind, name):
                self.suffered += 1
                return call, self._outage.fault
        late = kind is Kind.CHANGE and fault in LATE_EFFECTS
        if isinstance(fault, Fault) and fault not in APPLICABLE[kind] and not late:
            fault = None  # an earlier fault put another kind of call in this place
        if fault is not None:
            self.injected.append((call, fault))
        if isinstance(fault, Tamper):
            # Some of what an outsider does takes seconds, and our call does not wait for it.
            self._begin(self._tampered(fault))
            await asyncio.sleep(_HEAD_START)
            return call, None
        return call, fault

    async def _tampered(self, deed: Tamper) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self._outsider(deed)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        late = asyncio.create_task(work)
        self._late.add(late)
        late.add_done_callback(self._late.discard)

    async def _performed(self, call: Call, perform: Callable[[], Awaitable[Any]]) -> Any:
        self._before(call)
        try:
            return await perform()
        finally:
            self._after(call)

    # -- Dokploy --------------------------------------------------------------------------

    async def http(
        self,
        life: Life,
        kind: Kind,
        name: str,
        subject: str,
        perform: Callable[[], Awaitable[Answer]],
    ) -> Answer:
        """One request to Dokploy."""
        life.require()
        call, fault = await self._next(kind, name, subject)
        if fault is Fault.REVOKED:
            self._revoked_until = _now() + _REVOKED_FOR
        if fault is Fault.THROTTLED or _now() < self._revoked_until:
            return _said(401, {"message": "Unauthorized"})
        if fault is None:
            await self._travel(call)
            answer: Answer = await self._performed(call, perform)
            life.require()
            await self._travel(call)
            life.require()
            if kind is Kind.LISTING:
                self._listed[name] = answer
            return answer
        return await self._wrong(life, call, fault, perform)

    async def _travel(self, call: Call) -> None:
        """The way of a request, or of its answer: another time for each, the same in every run."""
        if self.latency and self.armed:
            await asyncio.sleep(self.latency * (zlib.crc32(str(call).encode()) % 97) / 97)

    async def _wrong(
        self, life: Life, call: Call, fault: Fault, perform: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        if fault in _UNDONE:
            return _UNDONE[fault]
        match fault:
            case Fault.CRASH_BEFORE:
                raise life.die()
            case Fault.UNREACHABLE:
                raise httpx.ConnectError("refused")
            case Fault.HANGS:
                await asyncio.sleep(_NEVER)
                raise httpx.ReadTimeout("no answer in time")
            case Fault.SLOW | Fault.PROMPT | Fault.LATE | Fault.LATEST:
                self._begin(self._later(call, perform, EFFECT_AFTER[fault]))
                raise httpx.ReadTimeout("no answer in time")
            case Fault.STALE_VIEW | Fault.PARTIAL_VIEW | Fault.EMPTY_VIEW:
                return await self._false_view(call, fault, perform)
        # What is on its way goes on without us.
        await self._performed(call, perform)
        match fault:
            case Fault.CRASH_AFTER:
                raise life.die()
            case Fault.LOST:
                raise httpx.ReadError("cut")
        return _DONE[fault]

    async def _later(self, call: Call, perform: Callable[[], Awaitable[object]], seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.overdue.add(call.number)
        await self._performed(call, perform)

    async def _false_view(self, call: Call, fault: Fault, perform: Callable[[], Awaitable[Answer]]) -> Answer:
        answer = await self._performed(call, perform)
        if fault is Fault.STALE_VIEW:
            return self._listed.get(call.name, answer)
        rows = json.loads(answer.body)
        return _said(200, rows[::2] if fault is Fault.PARTIAL_VIEW else [])

    # -- the container --------------------------------------------------------------------

    async def echo(self, life: Life, host: str, perform: Callable[[], Awaitable[Any]]) -> Any:
        """One look at a container's own report; a Fault where it is not to be had."""
        life.require()
        call, fault = await self._next(Kind.ECHO, "echo", host)
        if fault is Fault.CRASH_BEFORE:
            raise life.die()
        if fault is not None:
            return fault
        answer = await self._performed(call, perform)
        life.require()
        return answer

    # -- the store ------------------------------------------------------------------------

    async def read(self, life: Life, name: str, subject: str, perform: Callable[[], Awaitable[Any]]) -> Any:
        """One reading of the store."""
        life.require()
        call, fault = await self._next(Kind.RECORD_READ, name, subject)
        if fault is Fault.FAILED:
            raise _unavailable()
        value = await self._performed(call, perform)
        life.require()
        older = self._older(name, subject, value)
        return older if fault is Fault.STALE_RECORD else value

    def _older(self, name: str, subject: str, value: object) -> object:
        """What this reading gave before it changed last, and note what it gives now."""
        older, newest = self._versions.get((name, subject), (value, value))
        if newest != value:
            older, newest = newest, value
        self._versions[name, subject] = older, newest
        return older

    async def write(self, life: Life, name: str, subject: str, perform: Callable[[], Awaitable[Any]]) -> Any:
        """One write to the store."""
        life.require()
        call, fault = await self._next(Kind.RECORD_WRITE, name, subject)
        if fault is Fault.CRASH_BEFORE:
            raise life.die()
        if fault is Fault.FAILED:
            raise _unavailable()
        value = await self._performed(call, perform)
        life.require()
        if fault is Fault.CRASH_AFTER:
            raise life.die()
        if fault is Fault.LOST_WRITE:
            raise _unavailable()
        return value


def _unavailable() -> Unavailable:
    """A new one each time: an error keeps the frames of all who raised it, and so their worlds."""
    return Unavailable("the database does not answer")


def _now() -> float:
    return asyncio.get_running_loop().time()
