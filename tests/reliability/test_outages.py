"""Readings that fail for longer than the client tries: each reaches a plan, which must not take it
for an empty, a missing or an old answer.

A single fault at a reading is one of three tries, and reaches nothing. Here one call, one kind of
call, or all of Dokploy fails for a while, and the same laws hold: nothing more is created, applied
or deleted than without it, and the world comes to its rest once it is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from crds.session import Session
from crds.vocabulary import ConditionType
from dokploy import procedures
from tests.reliability import virtual
from tests.reliability.conftest import Counted
from tests.reliability.faults import OUTAGES, Fault, Injection, Kind, Outage, Tamper
from tests.reliability.scenarios import NAMED, SCENARIOS
from tests.reliability.search import disturbed, undisturbed
from tests.reliability.test_singles import LONG
from tests.reliability.world import reliability_world

NAMES = [scenario.name for scenario in SCENARIOS if scenario.name not in LONG]
READINGS = sorted(
    value.name
    for value in vars(procedures).values()
    if isinstance(value, procedures.Procedure) and value.is_reading
)
NOT_DONE = tuple(fault for fault in OUTAGES if fault is not Fault.GARBLED)
"""Those after which a change has surely not taken effect."""
REMOVES = frozenset({"delete", "delete stopped", "delete built", "redeclare"})
"""Scenarios in which a change whose answers are lost is asked for at each try: the removal of a volume."""
AUDITED = (
    "overview.services",
    "swarm.getNodeApps",
    "application.one",
    "docker.getServiceContainersByAppName",
    "docker.getContainersByAppNameMatch",
    "dockerVolume.getVolumes",
)
"""What is read of a session at rest."""
SECONDS = 40.0
HOUR = 3600.0

_READ = frozenset({Kind.LISTING, Kind.READING})
_KINDS = (frozenset({Kind.READING}), frozenset({Kind.LISTING}), _READ | {Kind.CHANGE})


def outages(name: str) -> Iterator[Outage]:
    """Of every call that reads in this scenario, and of kinds of them; the answers take turns."""
    read = sorted({call.name for call in undisturbed(name).calls if call.kind in _READ})
    for turn, call in enumerate(read, start=len(name)):
        yield Outage(OUTAGES[turn % len(OUTAGES)], SECONDS, frozenset({call}))
    for turn, kinds in enumerate(_KINDS, start=len(name)):
        yield Outage(NOT_DONE[turn % len(NOT_DONE)], SECONDS, kinds=kinds)
    if name not in REMOVES:
        yield Outage(Fault.GARBLED, SECONDS, kinds=frozenset({Kind.CHANGE}))
    yield Outage(Fault.SILENT, SECONDS, kinds=frozenset({Kind.ECHO}))
    yield Outage(Fault.FOREIGN, SECONDS, kinds=frozenset({Kind.ECHO}))


def every_outage(name: str, seconds: float) -> Iterator[Outage]:
    """Every reading, with every answer."""
    for call in READINGS:
        for fault in OUTAGES:
            yield Outage(fault, seconds, frozenset({call}))
    for kinds in _KINDS:
        for fault in NOT_DONE:
            yield Outage(fault, seconds, kinds=kinds)


def lies() -> Iterator[Outage]:
    """Listings that are answered with 200, and lack what is there."""
    for call in ("overview.services", "swarm.getNodeApps"):
        for fault in (Fault.EMPTY_VIEW, Fault.PARTIAL_VIEW):
            yield Outage(fault, SECONDS, frozenset({call}))


def lawful(name: str, *injections: Injection, outage: Outage) -> bool:
    """Hold a run to the laws; whether the outage befell any call at all."""
    run = disturbed(name, injections, outage)
    assert not run.broken, f"{name}: {run.told()}"
    return run.suffered > 0


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_an_outage_breaks_no_law(counted: Counted, name: str):
    counted("outages", sum(lawful(name, outage=outage) for outage in outages(name)))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["create", "change environment", "delete"])
def test_an_outage_of_what_is_read_after_a_crash_breaks_no_law(counted: Counted, name: str):
    """The next pass reads the application whole, its tasks and its queue: none of these may be missing
    for none."""
    calls = undisturbed(name).calls
    changes = [call.number for call in calls if call.kind is Kind.CHANGE]
    read = ("application.one", "docker.getServiceContainersByAppName", "deployment.queueList")
    number = 0
    for turn, change in enumerate(changes):
        for call in read:
            outage = Outage(NOT_DONE[turn % len(NOT_DONE)], SECONDS, frozenset({call}), number=change)
            number += lawful(name, Injection(change, Fault.CRASH_AFTER), outage=outage)
    counted("outages", number)
    assert number


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["create", "stop", "at rest", "at rest, stopped"])
def test_a_listing_that_lies_for_a_while_breaks_no_law(counted: Counted, name: str):
    counted("outages", sum(lawful(name, outage=outage) for outage in lies()))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", NAMES)
def test_a_listing_that_lies_breaks_no_law_in_any_scenario(counted: Counted, name: str):
    counted("outages", sum(lawful(name, outage=outage) for outage in lies()))


@pytest.mark.parametrize("name", ["restart", "change environment", "start", "create"])
def test_an_apply_that_took_effect_is_not_made_again_while_no_answer_comes(name: str):
    """Its task tells that it did; each further one would restart the container."""
    outage = Outage(Fault.GARBLED, SECONDS, frozenset({"application.reload"}))
    run = disturbed(name, (), outage)
    assert run.suffered > 0
    reloads = [call for call in run.calls if call.name == "application.reload"]
    expected = [call for call in undisturbed(name).calls if call.name == "application.reload"]
    assert len(reloads) <= len(expected) + 1, run.told()


@pytest.mark.parametrize("fault", OUTAGES)
def test_no_volume_goes_while_nobody_says_what_has_it(fault: Fault):
    """That the containers cannot be listed is no sign that they are gone (law S9)."""
    outage = Outage(fault, SECONDS, frozenset({"docker.getContainersByAppNameMatch"}))
    assert lawful("delete", outage=outage)


@pytest.mark.parametrize("name", ["at rest", "at rest, stopped"])
@pytest.mark.parametrize("deed", [Tamper.DELETES, Tamper.UNMOUNTS, Tamper.SCALES_DOWN, Tamper.EDITS])
def test_an_outage_while_an_outsider_is_at_work_breaks_no_law(counted: Counted, name: str, deed: Tamper):
    """An application that a listing lacks is asked for by its id, and nobody answers."""
    read = ("application.one", "docker.getServiceContainersByAppName", "docker.getContainersByAppNameMatch")
    for call in read:
        outage = Outage(Fault.REFUSED, SECONDS, frozenset({call}))
        counted("outages", int(lawful(name, Injection(1, deed), outage=outage)))


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.THROTTLED])
@pytest.mark.parametrize("name", ["at rest", "at rest, stopped"])
def test_what_was_not_read_is_unknown(name: str, fault: Fault):
    """While any one reading of an audit fails, nothing is told of a session that was not seen: it is
    as before, or Unknown, and of the phase that it had."""

    async def audited(reading: str) -> list[tuple[str, str, str]]:
        async with reliability_world() as of:
            of.run_controller()
            before = NAMED[name].before
            assert before is not None
            await before(of)
            await of.until("Running" if name == "at rest" else "Stopped")
            await asyncio.sleep(20)
            of.injector.arm(outage=Outage(fault, 150.0, frozenset({reading})))
            told: list[tuple[str, str, str]] = []
            while not of.injector.calls or of.injector.unread:
                await asyncio.sleep(1)
                told += [_told(session) for session in await of.sessions()]
            return told

    for reading in AUDITED:
        told = virtual.run(audited(reading))
        as_before = ("Running", "True", "False") if name == "at rest" else ("Stopped", "False", "True")
        for phase, ready, suspended in told:
            assert phase == as_before[0], reading
            assert ready in {as_before[1], "Unknown"}, reading
            assert suspended in {as_before[2], "Unknown"}, reading


def _told(session: Session) -> tuple[str, str, str]:
    status = {condition.type: condition.status.value for condition in session.status.conditions}
    return session.status.phase.value, status[ConditionType.READY], status[ConditionType.SUSPENDED]


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seconds", [SECONDS, HOUR])
@pytest.mark.parametrize("name", NAMES)
def test_every_outage_breaks_no_law(counted: Counted, name: str, seconds: float):
    counted("outages", sum(lawful(name, outage=outage) for outage in every_outage(name, seconds)))
