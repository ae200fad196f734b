"""One run of a scenario under faults, held to every law; and the runs there are."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations, islice
from typing import Any

import structlog

from crds.vocabulary import Reason
from dokploy.local.behaviours import REAL, Behaviour
from dokploy.port import VolumeRole
from tests import laws
from tests.reliability import virtual
from tests.reliability.faults import (
    APPLICABLE,
    PAIRED,
    UNCERTAIN,
    Call,
    Fault,
    Injection,
    Kind,
    Outage,
    Tamper,
    seconds_lost,
    spare_creates,
)
from tests.reliability.scenarios import NAMED, Scenario, volumes_of
from tests.reliability.watch import STOPS_WITHIN
from tests.reliability.world import Feed, ReliabilityWorld, reliability_world

STEP = 1.0
QUIET = 12.0
"""Seconds: two slow ticks and more, in which nothing may be changed or written."""

CONFIRMED = 6.0
"""Seconds in which a slow tick comes: a fault in the last listing before the rest is told of, and over."""

AFTERMATH = 45.0
"""Seconds in which a container is replaced, seen, and asked for its report."""

AUDITED = 75.0
"""Seconds after which every application has been read whole, by the poll periods of this world."""

_REMOVAL = "dockerVolume.removeVolume"

RECOVERY = 120.0
"""Seconds after an outage: the longest pause of a session that failed, with what the client waited
for last, and what was left to do."""

LATENT_CALLS = 40
"""Calls one after the other that a fault may cost, each of which takes its time."""

SHORT = 30
"""Scenarios of so many calls at the most are searched for all pairs."""


@dataclass(frozen=True)
class Run:
    """What one run showed."""

    calls: tuple[Call, ...]
    made: Counter[str]
    seconds: float
    broken: tuple[str, ...]
    injected: tuple[tuple[Call, Fault | Tamper], ...] = ()
    sessions: int = 1
    outage: Outage | None = None
    suffered: int = 0
    """How many calls the outage has befallen."""

    def told(self) -> str:
        """What went wrong and where, so that it can be run again."""
        where = "; ".join(f"{fault.name} at {call}" for call, fault in self.injected)
        where += f"; {self.outage}" if self.outage else ""
        return f"[{where}] {' | '.join(self.broken)}"

    @property
    def law(self) -> str | None:
        """The first law that was broken, by its number."""
        return self.broken[0].split(":")[0].split(" ")[0] if self.broken else None


def attempt(
    scenario: Scenario,
    *injections: Injection,
    within: float = 600.0,
    feed: Feed = Feed.TRUE,
    outage: Outage | None = None,
    latency: float = 0.0,
) -> Run:
    """Run a scenario under these faults. ``within``: seconds it may take (law L4)."""
    logged: list[str] = []

    def remember(_logger: Any, _method: str, event: dict[str, Any]) -> str:
        logged.append(repr(event))
        raise structlog.DropEvent

    structlog.configure(processors=[structlog.processors.format_exc_info, remember])
    try:
        with virtual.collected_at_the_end():
            return virtual.run(_attempt(scenario, injections, within, logged, feed, outage, latency))
    finally:
        structlog.reset_defaults()


async def _attempt(
    scenario: Scenario,
    injections: tuple[Injection, ...],
    within: float,
    logged: list[str],
    feed: Feed,
    outage: Outage | None,
    latency: float,
) -> Run:
    tampered = any(isinstance(injection.fault, Tamper) for injection in injections)
    hurried = any(_is_between(scenario.name, injection) for injection in injections)
    behaviours = REAL - {Behaviour.START_OVERLAPS_STOP} if hurried else REAL
    async with reliability_world(dict(scenario.builds), feed=feed, behaviours=behaviours) as of:
        of.logged = logged
        of.run_controller()
        of.keep_alive()
        if scenario.before is not None:
            await scenario.before(of)
        await _rest(of, 120.0, _Rest())
        await asyncio.sleep(6.0)
        retained = volumes_of(await of.sessions()) if scenario.retains else set()
        rest = _Rest(frozenset(retained), scenario.ends)
        before, began, sessions = of.made(), _now(), len(await of.sessions())
        if any(injection.fault is Tamper.RESTORES for injection in injections):
            of.backup = of.dokploy.snapshot()
        of.injector.latency = latency
        of.watch.stops_within = STOPS_WITHIN + 2 * LATENT_CALLS * latency
        of.injector.arm(*injections, outage=outage)
        with contextlib.suppress(*([TimeoutError] if tampered else [])):
            # A deletion that an outsider's deploy left a service behind waits for a person.
            await scenario.act(of)
        if tampered:
            await asyncio.sleep(AUDITED)  # what an outsider did may show in an audit alone
        wrong = await _rest(of, within, rest)
        if of.injector.overdue and wrong is None:
            await asyncio.sleep(AFTERMATH)  # what came late may just have begun to replace the container
            wrong = await _rest(of, within, rest)
        _hold(of, wrong)
        seconds = _now() - began
        calls = tuple(of.injector.calls)
        of.injector.armed = False
        made = of.made() - before
        await asyncio.sleep(CONFIRMED)
        await _stay(of, rest)
        of.watch.farewell()
        broken, injected = tuple(of.watch.broken), tuple(of.injector.injected)
        suffered = of.injector.suffered
        sessions = max(sessions, len(await of.sessions()))
        return Run(calls, made, seconds, broken, injected, sessions, outage, suffered)


def _is_between(name: str, injection: Injection) -> bool:
    """Whether an outsider brings two containers together, in whatever order the controller goes.

    He stops a service beside a change of ours, after the last look before its apply: that apply then
    starts it beside the container that ends. Or his deploy starts what we are just stopping.
    """
    if injection.fault is Tamper.EDITS:
        return True
    stops = injection.fault in {Tamper.STOPS, Tamper.SCALES_DOWN}
    return stops and undisturbed(name).calls[injection.number].kind is Kind.CHANGE


@dataclass(frozen=True)
class _Rest:
    """What the world at rest is to be."""

    retained: frozenset[str] = frozenset()
    reason: str | None = None


async def _rest(of: ReliabilityWorld, within: float, rest: _Rest) -> str | None:
    """Wait until the world is as declared; what is still wrong when time is up."""
    until = _now() + within
    while True:
        wrong = await _wrong(of, rest)
        if wrong is None or _now() > until:
            return wrong and f"L4: not after {within:.0f} s: {wrong}"
        await asyncio.sleep(STEP)


async def _wrong(of: ReliabilityWorld, rest: _Rest) -> str | None:
    sessions = await of.sessions()
    try:
        assert not of.injector.late, "a call has yet to take effect"
        if rest.reason is not None:
            assert {laws.ready_reason(session) for session in sessions} == {rest.reason}, "L3: another reason"
            return None
        for session in sessions:
            assert session.status.dokploy.intent is None, "an intent is open"
            if laws.ready_reason(session) != Reason.ORPHAN_SERVICE or not _was_tampered_with(of):
                laws.l3(session)
        laws.l1(of, sessions, retained=rest.retained)
    except AssertionError as error:
        return str(error)
    return None


def _was_tampered_with(of: ReliabilityWorld) -> bool:
    """Only an outsider can bring about a service that no call removes, and only a person removes it."""
    return any(isinstance(fault, Tamper) for _, fault in of.injector.injected)


async def _stay(of: ReliabilityWorld, rest: _Rest) -> None:
    """At rest it stays: nothing is changed, nothing is written (law L2)."""
    made, written = of.made(), len(of.records.writes)
    await asyncio.sleep(QUIET)
    writes = laws.written_by_passes(of.records.writes[written:])
    of.watch.hold(laws.l2, list((of.made() - made).elements()), writes)
    wrong = await _wrong(of, rest)
    _hold(of, wrong)
    removed = [name for name, _ in of.simulation.removed]
    of.watch.hold(laws.s9, removed, rest.retained)


def _hold(of: ReliabilityWorld, wrong: str | None) -> None:
    if wrong is not None:
        of.watch.broken.append(wrong)
    bugs = [line for line in of.logged if any(f"{what} failed" in line for what in ("pass", "tick", "sweep"))]
    of.watch.broken += [f"Bug: {line[-600:]}" for line in bugs]


def _now() -> float:
    return asyncio.get_running_loop().time()


# -- what is searched -----------------------------------------------------------------------------


def undisturbed(name: str, latency: float = 0.0) -> Run:
    """The run without a fault: its calls are the points at which something can go wrong."""
    return _undisturbed(name, latency)


@cache
def _undisturbed(name: str, latency: float) -> Run:
    """One for each pair, whether or not the latency was named: a mutant must not be its own measure."""
    return attempt(NAMED[name], latency=latency)


def singles(name: str, latency: float = 0.0) -> Iterator[tuple[Injection, ...]]:
    """Every fault at every call."""
    for call in undisturbed(name, latency).calls:
        for fault in APPLICABLE[call.kind]:
            yield (Injection(call.number, fault),)


def tamperings(name: str) -> Iterator[tuple[Injection, ...]]:
    """Every deed of an outsider before every call to Dokploy."""
    for call in undisturbed(name).calls:
        if call.kind not in {Kind.RECORD_READ, Kind.RECORD_WRITE}:
            for deed in Tamper:
                yield (Injection(call.number, deed),)


def pairs(name: str, part: int = 0, of: int = 1) -> Iterator[tuple[Injection, ...]]:
    """Every two faults at two calls, for one of several equal parts of the first ones.

    The second call is counted in the run that the first fault made. Where that run has no such call,
    or one to which the second fault cannot happen, the two would be the run of the first alone,
    which is among the singles: half of all pairs are such.
    """
    every = _paired(name)
    for one in islice(every, part, None, of):
        calls = _calls_after(name, one)
        for other in every:
            if other.number > one.number and _can_happen(other, calls):
                yield one, other


def aftermaths(name: str, part: int = 0, of: int = 1) -> Iterator[tuple[Injection, ...]]:
    """A fault, and a second one at a call that only the first brought about.

    The run that it made has more calls than the undisturbed one, and others in their places.
    """
    every = _paired(name)
    expected = frozenset(every)
    for one in islice(every, part, None, of):
        for call in _calls_after(name, one)[one.number + 1 :]:
            for fault in PAIRED[call.kind]:
                other = Injection(call.number, fault)
                if other not in expected:
                    yield one, other


@cache
def _calls_after(name: str, one: Injection) -> tuple[Call, ...]:
    """What a controller calls where one fault befalls it: what a second one is chosen from."""
    return disturbed(name, (one,)).calls


def every_pair(name: str) -> list[tuple[Injection, Injection]]:
    """Every two faults at two calls, whether or not the second one can still happen."""
    two = combinations(_paired(name), 2)
    return [(one, other) for one, other in two if one.number != other.number]


def _paired(name: str) -> list[Injection]:
    return [Injection(call.number, fault) for call in undisturbed(name).calls for fault in PAIRED[call.kind]]


def _can_happen(injection: Injection, calls: Sequence[Call]) -> bool:
    """Whether this fault can befall one of these calls."""
    number = injection.number
    return number < len(calls) and injection.fault in APPLICABLE[calls[number].kind]


def shard(every: Iterator[tuple[Injection, ...]], part: int, of: int) -> Iterator[tuple[Injection, ...]]:
    """One of several equal parts, so that they can be run side by side."""
    return islice(every, part, None, of)


def disturbed(
    name: str, injections: tuple[Injection, ...], outage: Outage | None = None, *, latency: float = 0.0
) -> Run:
    """Run under faults, within the time that they allow, and compare with the undisturbed run."""
    base = undisturbed(name, latency)
    within = base.seconds + sum(_seconds_lost(base, injection) for injection in injections)
    if outage is not None:
        within += outage.seconds + RECOVERY
    within += 2 * LATENT_CALLS * latency
    run = attempt(NAMED[name], *injections, within=within, outage=outage, latency=latency)
    broken = list(run.broken)
    if any(isinstance(injection.fault, Tamper) for injection in injections):
        return run  # to undo an outsider's deed takes what it takes
    try:
        laws.differential(
            run.made, base.made, allowance(run.injected, sessions=base.sessions, latent=latency > 0)
        )
    except AssertionError as error:
        broken.append(str(error))
    return replace(run, broken=tuple(broken))


def all_lawful(name: str, every: Iterable[tuple[Injection, ...]]) -> int:
    """Hold each of these runs to the laws; how many they were. Fails for the first that breaks one."""
    number = 0
    for injections in every:
        run = disturbed(name, injections)
        assert not run.broken, f"{name}: {run.told()}"
        number += 1
    return number


def _seconds_lost(base: Run, injection: Injection) -> float:
    """A configuration that comes late is written over a newer one, until the audit finds it."""
    late = injection.fault is Fault.SLOW
    if late and any(
        call.number == injection.number and call.name == "application.update" for call in base.calls
    ):
        return seconds_lost(Fault.TOO_LARGE)
    return seconds_lost(injection.fault)


def allowance(
    injected: tuple[tuple[Call, Fault | Tamper], ...], *, sessions: int, latent: bool = False
) -> Counter[str]:
    """What more may be done for these faults: an apply that got no certain answer is made again; a
    create is not, for it is looked for first, unless the listing lies too: then there is one more,
    and one of the two is deleted; a deletion that does not come to its end asks again for all its
    volumes, gone or not; others cost nothing."""
    allowed: Counter[str] = Counter()
    twins = spare_creates(injected)
    allowed["application.create"] += twins
    allowed["application.delete"] += twins
    if latent:
        # A fault of one call meets others that are under way just then.
        allowed[_REMOVAL] += len(VolumeRole)
    for call, fault in injected:
        allowed.update(_allowed_for_what_is_old(call, fault))
        if fault is Fault.SLOW and call.name in {"application.update", "application.delete"}:
            # Its effect came after we had looked: it was asked for again, and the second changed nothing.
            allowed[call.name] += 1
        if fault is Fault.STALE_VIEW:
            # A listing from before a delete asks for it again: nothing is there, and nothing happens.
            allowed["application.delete"] += max(1, sessions)
            # One from before an apply whose effect comes late shows a stop, and so do the tasks that
            # this effect is just ending.
            allowed["application.reload"] += any(other is Fault.SLOW for _, other in injected)
        if call.name == _REMOVAL or (call.kind is Kind.RECORD_WRITE and call.name != "claim"):
            allowed[_REMOVAL] += len(VolumeRole)
        if call.kind is Kind.RECORD_WRITE and call.name != "claim":
            # The pass may have applied already, and could not say so.
            allowed["application.reload"] += 1
            allowed["application.deploy"] += 1
        if fault in {Fault.CRASH_BEFORE, Fault.CRASH_AFTER}:
            # Whatever the passes of the other sessions had applied, they could not say so either.
            allowed["application.reload"] += max(0, sessions - 1)
            allowed["application.deploy"] += max(0, sessions - 1)
            allowed["application.delete"] += max(0, sessions - 1)
            allowed[_REMOVAL] += len(VolumeRole) * max(0, sessions - 1)
        if fault in UNCERTAIN and call.name in {"application.reload", "application.deploy"}:
            allowed[call.name] += 1
    return allowed


def _allowed_for_what_is_old(call: Call, fault: Fault | Tamper) -> Counter[str]:
    """A call that takes effect after all that is waited for was made again, and what it made is
    removed. A stale template or secret has its session configured back, and once more forward."""
    if fault is Fault.STALE_RECORD and not call.subject.startswith("Session "):
        return Counter({"application.update": 2, "application.reload": 2, "application.deploy": 2})
    if fault not in {Fault.LATE, Fault.LATEST}:
        return Counter()
    allowed = Counter({call.name: 2})
    if call.name == "application.create":
        allowed["application.delete"] += 1
    if call.name == "application.update":
        allowed["application.reload"] += 1
    return allowed
