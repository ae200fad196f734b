"""What a session says of its container is so now: deadlines, old failures, rollbacks, configuration."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from crds.session import EnvVar
from crds.vocabulary import Reason
from dokploy.local.simulation import Script
from tests.controller.builders import (
    NOW,
    planned,
    running,
    seconds,
    seen,
    service,
    task,
    with_known,
)
from tests.controller.world import KEY, World, world

RELOAD = "application.reload"
POLL = {"fast": "1s", "slow": "5s", "audit": "1m"}


async def reasons_of(of: World, *, within: float) -> list[str]:
    """Every reason of Ready until it is True, in order."""
    told: list[str] = []
    async with asyncio.timeout(within):
        while True:
            status, reason = await of.ready()
            if not told or told[-1] != reason:
                told.append(reason)
            if status == "True":
                return told
            await asyncio.sleep(0.05)


@pytest.mark.looptime
async def test_a_container_that_is_killed_long_after_its_apply_is_restarting_and_not_overdue():
    async with world(poll={"fast": "1s", "slow": "1s"}) as of:
        of.simulation.images["sim/ok"] = Script(healthy_after=5.0)
        of.run_controller()
        await of.declare()
        await of.until_ready()
        await asyncio.sleep(400)
        of.simulation.kill(of.applications()[0])
        await asyncio.sleep(1.5)
        assert await reasons_of(of, within=60) == [Reason.RESTARTING, Reason.RUNNING]
        assert (await of.session()).status.dokploy.down_since is None


def test_the_deadline_counts_from_when_the_container_was_last_healthy():
    of, _ = running(deployed_at=NOW - seconds(4000))
    down = seen(of, services=(service(of, running=0),), tasks=(task("task-2", "Starting"),), logs=())
    made = planned(of, down)
    assert made.blocked is None
    assert made.known.down_since == NOW
    late = with_known(of, made.known.model_copy(update={"down_since": NOW - seconds(301)}))
    overdue = planned(late, down).blocked
    assert overdue is not None
    assert overdue.reason is Reason.START_DEADLINE_EXCEEDED
    assert "healthy again within 300 s" in overdue.message
    first, _ = running(task=None, deployed_at=NOW - seconds(301))
    overdue = planned(first, down).blocked
    assert overdue is not None
    assert "healthy within 300 s" in overdue.message


@pytest.mark.looptime
@pytest.mark.parametrize("wait", [0.0, 0.3, 0.9, 1.4, 1.9])
async def test_a_mended_image_does_not_go_back_to_its_old_failure(wait: float):
    async with world() as of:
        of.run_controller()
        await of.declare(image="sim/missing:9")
        await of.until("Error")
        assert (await of.ready())[1] == Reason.IMAGE_NOT_FOUND
        await asyncio.sleep(20 + wait)
        await of.change(image="sim/ok")
        await asyncio.sleep(0.3)
        told = await reasons_of(of, within=15)
        assert Reason.IMAGE_NOT_FOUND not in told
        assert told[-1] == Reason.RUNNING


def test_failures_of_tasks_from_before_the_apply_do_not_count():
    """By their place behind the newest of then; and one that came just before the apply by its age."""
    of, _ = running(task=None, replaced="task-3", deployed_at=NOW - seconds(6))
    rejected = [
        task(f"task-{n}", "Rejected", wanted="shutdown", age=float(7 - n), error="No such image: nope:9")
        for n in (3, 2)
    ]
    down = seen(of, services=(service(of, running=0),), tasks=(task("task-5", "Starting"), *rejected))
    made = planned(of, down)
    assert made.stands is not None
    assert made.stands.reason is Reason.STARTING
    unseen = task("task-4", "Rejected", wanted="shutdown", age=6.0, error="No such image: nope:9")
    made = planned(
        of, seen(of, services=down.services, tasks=(task("task-5", "Starting"), unseen, *rejected))
    )
    assert made.stands is not None
    assert made.stands.reason is Reason.STARTING, "six seconds may be nearly seven"
    new = task("task-4", "Rejected", wanted="shutdown", age=2.0, error="No such image: nope:10")
    made = planned(of, seen(of, services=down.services, tasks=(new, *rejected), logs=()))
    assert made.stands is not None
    assert made.stands.reason is Reason.IMAGE_NOT_FOUND


def test_the_newest_task_is_read_before_an_apply():
    of, _ = running()
    of = of.model_copy(update={"spec": of.spec.model_copy(update={"restarted_at": NOW})})
    failing = seen(of, services=(service(of, running=0),))
    assert [reading.name for reading in planned(of, failing).readings] == ["TASKS"]
    made = planned(
        of, seen(of, services=failing.services, tasks=(task("task-7", "Starting"), task("task-1")))
    )
    assert made.known.replaced == "task-7"


@pytest.mark.looptime
async def test_after_its_actions_a_session_says_what_is_so_then():
    async with world() as of:
        of.run_controller()
        await of.declare()
        created = await message_of(of, Reason.CREATING)
        assert created == (
            "Its application was created; its configuration was applied because it is new, "
            "and its container is awaited"
        )
        await of.until_ready()
        await of.restart()
        restarted = await message_of(of, Reason.APPLYING)
        assert restarted == (
            "Its configuration was applied because a restart was asked for, and its container is awaited"
        )
        await of.until_ready()
        await of.stop()
        stopped = await message_of(of, Reason.STOPPING)
        assert stopped == "It is declared Stopped, and no container of it is to run"
        events = [event.message for event in of.records.all_events]
        assert created in events
        assert not any("It has no application" in message for message in events)


async def message_of(of: World, reason: Reason) -> str:
    """The message with which Ready first gives this reason."""
    async with asyncio.timeout(30):
        while True:
            ready = next((c for c in (await of.session()).status.conditions if c.type == "Ready"), None)
            if ready is not None and ready.reason == reason:
                return ready.message
            await asyncio.sleep(0.02)


@pytest.mark.looptime
async def test_an_edit_that_nobody_applied_is_put_back_and_the_session_stays_ready():
    async with world(poll=POLL) as of:
        of.run_controller()
        await of.declare()
        await of.until_ready()
        await asyncio.sleep(10)
        (row,) = of.dokploy.database.tables["application"].values()
        declared, before = row["env"], of.calls()
        given = {"applicationId": row["applicationId"], "env": "A=b"}
        await of.dokploy.call("application.update", "POST", given, KEY)
        told, until = set(), asyncio.get_running_loop().time() + 180
        while asyncio.get_running_loop().time() < until:
            told.add(await of.ready())
            await asyncio.sleep(0.5)
        assert row["env"] == declared
        assert told == {("True", Reason.RUNNING)}
        assert of.changes_since(before) == Counter({"application.update": 2}), "somebody's, and ours"


UNROUTED = {"route": {"pattern": None}}


@pytest.mark.looptime
@pytest.mark.parametrize("seen_between", [True, False])
async def test_a_rollback_of_a_session_without_a_route_is_applied_anew(seen_between: bool):
    poll = POLL if seen_between else {**POLL, "slow": "50s"}
    async with world(**UNROUTED, poll=poll) as of:
        of.run_controller()
        await of.declare()
        await of.until_ready()
        await of.change(env=(EnvVar(name="A", value="new"),))
        await asyncio.sleep(1)
        await of.until_ready()
        await asyncio.sleep(60)
        (name,) = of.applications()
        swarms = of.dokploy.swarm.services[name]
        assert swarms.previous is not None
        swarms._roll_back(swarms.previous)
        await asyncio.sleep(10)
        assert "A" not in of.simulation.running(name)[0].spec.env
        before = of.calls()
        await asyncio.sleep(200)
        assert of.simulation.running(name)[0].spec.env["A"] == "new"
        assert of.changes_since(before)[RELOAD] == 1
        assert (await of.ready())[0] == "True"


@pytest.mark.looptime
async def test_a_crash_of_a_session_without_a_route_is_restarted_by_swarm_alone():
    async with world(**UNROUTED, poll=POLL) as of:
        of.run_controller()
        await of.declare()
        await of.until_ready()
        await asyncio.sleep(60)
        before = of.calls()
        of.simulation.kill(of.applications()[0])
        await asyncio.sleep(200)
        assert of.changes_since(before) == Counter()
        assert (await of.ready())[0] == "True"
        assert (await of.session()).status.restarts == 1


def test_without_a_route_a_task_that_newly_came_is_asked_for_its_revision():
    of, _ = running(deployed_at=NOW - seconds(60))
    known = of.status.dokploy.model_copy(update={"route": None})
    of = with_known(of, known)
    come = seen(of, services=(service(of, running=1),), suspect=False, tasks=(task("task-2"),))
    assert [r.name for r in planned(of, come, routed=False).readings] == ["RUNS"]
    for runs, reason in (("r1", Reason.RUNNING), ("r0", Reason.ROLLED_BACK), ("", Reason.ROLLED_BACK)):
        made = planned(of, seen(of, tasks=(task("task-2"),), runs=runs, logs=()), routed=False)
        assert made.stands is not None
        assert made.stands.reason is reason
