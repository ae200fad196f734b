"""Stopped means that nothing of the session is left, and nothing starts before (law S2).

A container that is not healthy leaves the listing of services at the moment of its stop, and has its
whole stop grace: here, as long as ``sim/slow-start`` takes to end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from controller.conditions import Pass, conditions
from controller.containers import read_remains
from controller.errors import Failure, Next
from controller.identity import Identity
from controller.observed import Silence
from controller.plan import plan
from controller.planned import Plan
from crds.base import ConditionStatus
from crds.session import OperatingMode
from crds.vocabulary import ConditionType, Reason
from dokploy.local.simulation import Script
from dokploy.port import ContainerRow, ServiceRow, TaskRow
from tests.controller.builders import (
    DEADLINES,
    NOW,
    desired,
    seen,
    service,
    session,
    settled,
    task,
    with_known,
)
from tests.controller.world import KEY, World, world

UNHEALTHY = "sim/never-healthy"
ENDS_AFTER = 8.0


async def starting(of: World) -> None:
    """A session whose container runs and is not healthy."""
    of.simulation.images[UNHEALTHY] = Script(healthy_after=6.0, stop=ENDS_AFTER)
    await of.declare(image=UNHEALTHY)
    while not of.simulation.containers:
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)


async def in_dokploy(of: World, procedure: str) -> None:
    """Somebody presses a button in Dokploy's page; `application.start` may never answer (FACTS 7.5)."""
    known = (await of.session()).status.dokploy
    try:
        async with asyncio.timeout(1):
            await of.dokploy.call(procedure, "POST", {"applicationId": known.application_id}, KEY)
    except TimeoutError:
        pass


async def suspended(of: World) -> ConditionStatus:
    conditions = (await of.session()).status.conditions
    return next(c.status for c in conditions if c.type == ConditionType.SUSPENDED)


async def never_suspended_beside_a_container(of: World) -> None:
    """Watch until the session is suspended, that it is not said before it is so."""
    async with asyncio.timeout(60):
        while await suspended(of) is not ConditionStatus.TRUE:
            await asyncio.sleep(0.05)
    assert of.simulation.containers == []


@pytest.mark.looptime
async def test_a_container_that_was_not_healthy_is_suspended_when_it_has_ended():
    async with world() as of:
        of.run_controller()
        await starting(of)
        await of.stop()
        await asyncio.sleep(1.5)
        assert len(of.simulation.containers) == 1
        assert await of.phase() == "Stopping"
        await never_suspended_beside_a_container(of)
        assert await of.phase() == "Stopped"


async def by_its_owner(of: World) -> None:
    await of.stop()


async def by_somebody(of: World) -> None:
    await in_dokploy(of, "application.stop")


@pytest.mark.looptime
@pytest.mark.parametrize("stop", [by_its_owner, by_somebody])
async def test_a_start_waits_for_the_container_that_was_not_healthy(stop: Callable[[World], Awaitable[None]]):
    async with world() as of:
        of.run_controller()
        await starting(of)
        await stop(of)
        await asyncio.sleep(1.5)
        await of.start()
        await of.change(image="sim/ok")
        await of.until_ready()
        assert of.simulation.violations == []


@pytest.mark.looptime
async def test_after_somebodys_start_the_stop_is_waited_for_as_well():
    async with world(poll={"fast": "1s", "slow": "1s", "idle": "1s"}) as of:
        of.run_controller()
        await starting(of)
        await of.stop()
        await of.until("Stopped")
        await in_dokploy(of, "application.start")
        while not of.simulation.containers:
            await asyncio.sleep(0.1)
        await asyncio.sleep(2.5)  # the controller has stopped it again
        assert await suspended(of) is not ConditionStatus.TRUE
        await of.start()
        await asyncio.sleep(30)
        assert of.simulation.violations == []


@pytest.mark.looptime
async def test_a_stop_and_a_start_that_no_listing_showed_are_found_by_the_start():
    """Started and stopped in Dokploy between two looks: the record says that nothing is left."""
    async with world(poll={"fast": "1s", "slow": "50s", "idle": "50s"}) as of:
        of.run_controller()
        await starting(of)
        await of.stop()
        await of.until("Stopped")
        await asyncio.sleep(3)
        await in_dokploy(of, "application.start")
        await in_dokploy(of, "application.stop")
        assert len(of.simulation.containers) == 1
        await of.start()
        await asyncio.sleep(30)
        assert of.simulation.violations == []


@pytest.mark.looptime
async def test_what_is_stopped_is_read_no_more():
    async with world() as of:
        of.run_controller()
        await starting(of)
        await of.stop()
        await of.until("Stopped")
        await asyncio.sleep(5)
        before = of.calls()
        await asyncio.sleep(300)
        read = set(of.calls() - before) - {"dockerVolume.getVolumes"}  # by the sweep
        assert read == {"overview.services", "swarm.getNodeApps"}


@dataclass
class Lists:
    """A Dokploy as far as it tells what is left of a session."""

    tasks: tuple[TaskRow, ...] = ()
    containers: tuple[ContainerRow, ...] = ()
    services: tuple[ServiceRow, ...] = ()

    async def read_tasks(self, _app_name: str) -> tuple[TaskRow, ...]:
        return self.tasks

    async def list_containers(self, _part: str) -> tuple[ContainerRow, ...]:
        return self.containers

    async def list_services(self) -> tuple[ServiceRow, ...]:
        return self.services


NAME = "b0123456-fix-login-coyzifhs64qw-abcdef"
OURS, OTHERS = f"{NAME}.1.task-1", f"x{NAME}.1.task-1"


@pytest.mark.parametrize(
    ("lists", "remains"),
    [
        (Lists(), Silence.NO_ANSWER),
        (Lists(services=(ServiceRow("other", 1, 1, "x"),)), ()),
        (Lists(tasks=(task("task-1", "Starting", wanted="remove"),)), ("task-1",)),
        (Lists(tasks=(task("task-1", "Shutdown", wanted="remove"),)), ()),
        (Lists(containers=(ContainerRow(OURS, "running"),)), (OURS,)),
        (Lists(containers=(ContainerRow(OURS, "exited"),)), ()),
        (Lists(containers=(ContainerRow(OTHERS, "running"),)), Silence.NO_ANSWER),
    ],
)
async def test_what_is_left_is_told_by_tasks_and_containers(lists: Lists, remains: object):
    """Lists that are all empty are those of an engine that is down, too, and prove nothing."""
    ours = Identity("b0123456", "fix-login-coyzifhs64qw")
    assert (await read_remains(lists, ours, NAME, was_applied=True))[1] == remains  # type: ignore[arg-type]


async def test_what_was_never_applied_has_left_nothing():
    ours = Identity("b0123456", "fix-login-coyzifhs64qw")
    left = await read_remains(Lists(), ours, NAME, was_applied=False)  # type: ignore[arg-type]
    assert left == ((), ())


def test_a_session_is_stopped_when_nothing_of_it_is_left():
    of = session(mode=OperatingMode.STOPPED)
    want = desired(of)
    of = with_known(of, settled(of, want))
    stopped = seen(of, services=(service(of, running=0, wanted=0),))
    made = plan(of, want, stopped, now=NOW, deadlines=DEADLINES)
    assert [reading.name for reading in made.readings] == ["REMAINS"]
    unread = Silence.NO_ANSWER
    for remains, reason in (
        (("task-1",), Reason.STOPPING),
        ((), Reason.STOPPED),
        (unread, Reason.NOT_OBSERVED),
    ):
        made = plan(of, want, replace(stopped, remains=remains), now=NOW, deadlines=DEADLINES)
        assert made.stands is not None
        assert made.stands.reason is reason
        step = Pass(of, want, made, replace(stopped, remains=remains), None, NOW)
        verdict = conditions(step)[ConditionType.SUSPENDED]
        expected = {Reason.STOPPED: ConditionStatus.TRUE, Reason.STOPPING: ConditionStatus.FALSE}
        assert verdict.status is expected.get(reason, ConditionStatus.UNKNOWN)


def test_a_list_that_could_not_be_read_is_unknown():
    of = session(mode=OperatingMode.STOPPED)
    want = desired(of)
    of = with_known(of, settled(of, want))
    failure = Failure(Next.RETRY, Reason.TARGET_UNREACHABLE, "no answer")
    step = Pass(of, want, Plan("", of.status.dokploy), seen(of), failure, NOW)
    assert conditions(step)[ConditionType.SUSPENDED].status is ConditionStatus.UNKNOWN
