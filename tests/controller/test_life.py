"""Whole lives of sessions against a simulated Dokploy, in virtual time, by exact counts (P2).

What many sessions cost is in tests/performance.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from crds.base import ObjectMeta
from crds.container import SecretKeyReference
from crds.secret import Secret
from crds.session import EnvVar, OperatingMode
from tests.controller.world import KEY, NAMESPACE, World, world

pytestmark = pytest.mark.looptime

CREATE = Counter(
    {
        "application.create": 1,
        "application.update": 1,
        "mounts.create": 2,  # the workspace, and one further volume
        "domain.create": 1,
        "application.reload": 1,
    }
)
"""Four calls, one for the second volume, one for the route (law P2)."""
PAIR = Counter({"application.update": 1, "application.reload": 1})


async def running(of: World, name: str = "fix-login", **spec: object) -> None:
    await of.declare(name, **spec)
    await of.until_ready(name)


async def quiet(of: World, seconds: float = 60.0) -> None:
    await asyncio.sleep(seconds)
    assert of.simulation.violations == []


async def test_a_declared_session_becomes_ready_with_exactly_the_calls_it_needs():
    async with world() as of:
        of.run_controller()
        before = of.calls()
        await running(of)
        assert of.changes_since(before) == CREATE
        assert await of.phase() == "Running"
        session = await of.session()
        assert session.status.url == "http://fix-login.alice.test/"
        assert session.status.revision.running == session.status.revision.desired
        assert len(of.applications()) == 1


async def test_without_a_route_it_is_five_calls():
    async with world(route={"pattern": None}) as of:
        of.run_controller()
        before = of.calls()
        await running(of)
        assert sum(of.changes_since(before).values()) == 5


async def test_a_change_is_two_calls():
    async with world() as of:
        of.run_controller()
        await running(of)
        old = (await of.session()).status.revision.running
        before = of.calls()
        await of.change(env=(EnvVar(name="LOG", value="debug"),))
        await of.until_ready()
        assert of.changes_since(before) == PAIR
        assert (await of.session()).status.revision.running != old


async def test_stop_and_start_are_two_calls_each_and_restart_is_one():
    async with world() as of:
        of.run_controller()
        await running(of)
        before = of.calls()
        await of.stop()
        await of.until("Stopped")
        assert of.changes_since(before) == PAIR
        assert of.simulation.containers == []
        assert (await of.ready()) == ("False", "Stopped")
        before = of.calls()
        await of.start()
        await of.until_ready()
        assert of.changes_since(before) == PAIR
        before, started = of.calls(), of.simulation.started
        await of.restart()
        await asyncio.sleep(1)
        assert (await of.ready())[0] != "True", "the old container is not taken for the new one"
        await of.until_ready()
        assert of.changes_since(before) == Counter({"application.reload": 1})
        assert of.simulation.started == started + 1
        await quiet(of)


async def test_a_deletion_is_one_call_and_one_a_volume_and_leaves_nothing():
    async with world() as of:
        of.run_controller()
        await running(of)
        before = of.calls()
        await of.delete()
        await of.until_gone()
        made = of.changes_since(before)
        assert made == Counter({"application.delete": 1, "dockerVolume.removeVolume": 2})
        assert of.applications() == []
        assert of.simulation.containers == []
        assert of.simulation.volumes() == ()


async def test_retained_volumes_survive_a_deletion():
    async with world() as of:
        of.run_controller()
        await running(of, storage={"on_delete": "Retain"})
        await of.delete()
        await of.until_gone()
        assert len(of.simulation.volumes()) == 2


async def test_a_name_that_is_declared_again_shares_nothing():
    async with world() as of:
        of.run_controller()
        await running(of, storage={"on_delete": "Retain"})
        old = set(of.simulation.volumes())
        await of.delete()
        await of.until_gone()
        await running(of)
        assert len(set(of.simulation.volumes()) - old) == 2


async def test_a_killed_container_is_told_within_a_tick_and_a_second_and_comes_back():
    async with world(poll={"fast": "1s", "slow": "1s"}) as of:
        of.run_controller()
        await running(of)
        await asyncio.sleep(5)
        of.simulation.kill(of.applications()[0])
        await asyncio.sleep(2)
        assert (await of.ready()) == ("False", "Restarting")
        await of.until_ready()
        assert (await of.session()).status.restarts == 1


async def test_a_restart_between_two_ticks_is_told_by_the_container():
    async with world(poll={"slow": "25s"}) as of:
        of.run_controller()
        await running(of)
        await asyncio.sleep(31)
        of.simulation.kill(of.applications()[0])
        await asyncio.sleep(70)
        assert (await of.ready())[0] == "True"
        assert (await of.session()).status.restarts == 1


async def test_an_image_that_does_not_start_is_an_error_with_its_reason_and_heals_with_the_spec():
    async with world() as of:
        of.run_controller()
        await of.declare(image="sim/crash:3")
        await of.until("Error")
        status = (await of.session()).status
        assert status.last_failure is not None
        assert status.last_failure.reason == "ContainerFailing"
        assert status.last_failure.log_tail
        await of.change(image="sim/ok")
        await of.until_ready()
        await quiet(of)


async def test_an_image_that_is_not_there_is_named():
    async with world() as of:
        of.run_controller()
        await of.declare(image="sim/missing")
        await of.until("Error")
        assert (await of.ready()) == ("False", "ImageNotFound")


async def test_a_missing_secret_is_named_and_the_session_goes_on_by_itself():
    async with world() as of:
        of.run_controller()
        token = EnvVar(name="TOKEN", secret_ref=SecretKeyReference(name="my", key="token"))
        await of.declare(env=(token,))
        await asyncio.sleep(5)
        assert await of.phase() == "Pending"
        assert (await of.ready()) == ("False", "SecretNotFound")
        assert of.applications() == []
        await of.records.create(
            Secret(metadata=ObjectMeta(name="my", namespace=NAMESPACE), string_data={"token": "canary-1"})
        )
        await of.until_ready()
        assert "canary-1" in of.simulation.containers[0].spec.env["TOKEN"]


async def test_stopped_and_started_ten_times_quickly_it_ends_where_the_record_says():
    async with world() as of:
        of.run_controller()
        await running(of)
        for _ in range(10):
            await of.stop()
            await asyncio.sleep(0.3)
            await of.start()
            await asyncio.sleep(0.3)
        await of.until_ready()
        await quiet(of)
        assert len(of.applications()) == len(of.simulation.containers) == 1


async def test_deleted_while_it_is_created_nothing_stays():
    async with world() as of:
        of.run_controller()
        await of.declare()
        await asyncio.sleep(0.05)
        await of.delete()
        await of.until_gone()
        await quiet(of)
        assert of.applications() == []
        assert of.simulation.containers == []
        assert of.simulation.volumes() == ()


async def test_an_application_deleted_behind_our_back_is_made_again_around_the_same_work():
    async with world() as of:
        of.run_controller()
        await running(of)
        volumes = of.simulation.volumes()
        of.simulation.write(volumes[1], "a day's work")
        row = next(iter(of.dokploy.database.tables["application"]))
        await of.dokploy.call("application.delete", "POST", {"applicationId": row}, "the-owners-key")
        await asyncio.sleep(15)
        await of.until_ready()
        assert of.simulation.volumes() == volumes
        assert "a day's work" in of.simulation.disk[volumes[1]].marks
        await quiet(of)


async def test_a_container_started_behind_our_back_is_stopped_again():
    async with world() as of:
        of.run_controller()
        await of.declare(operating_mode=OperatingMode.STOPPED)
        await of.until("Stopped")
        row = next(iter(of.dokploy.database.tables["application"]))
        await of.dokploy.call("application.start", "POST", {"applicationId": row}, "the-owners-key")
        await asyncio.sleep(60)
        assert of.simulation.containers == []
        assert await of.phase() == "Stopped"


async def test_an_edit_behind_our_back_is_undone_by_the_audit():
    async with world(poll={"fast": "1s", "slow": "10s", "idle": "30s", "audit": "2m"}) as of:
        of.run_controller()
        await running(of)
        row = next(iter(of.dokploy.database.tables["application"]))
        edit = {"applicationId": row, "env": "A=b", "memoryLimit": "10000000"}
        await of.dokploy.call("application.update", "POST", edit, "the-owners-key")
        await of.dokploy.call(
            "application.reload", "POST", {"applicationId": row, "appName": "x"}, "the-owners-key"
        )
        await asyncio.sleep(400)
        await of.until_ready()
        assert of.simulation.containers[0].spec.env["BERTH_REVISION"]
        assert of.simulation.containers[0].spec.memory_bytes is None


async def test_every_condition_is_there_from_the_first_visit():
    async with world() as of:
        of.run_controller()
        await of.declare()
        async with asyncio.timeout(10):
            while not (await of.session()).status.conditions:
                await asyncio.sleep(0.01)
        types = {condition.type for condition in (await of.session()).status.conditions}
        assert len(types) == 12


async def test_a_target_that_is_down_is_said_and_survived():
    async with world() as of:
        of.run_controller()
        await running(of)
        of.dokploy.up = False
        await asyncio.sleep(60)
        assert (await of.ready()) == ("Unknown", "TargetUnreachable")
        assert await of.phase() == "Running"
        of.dokploy.up = True
        await of.until_ready()


async def test_the_controller_never_writes_a_spec():
    async with world() as of:
        of.run_controller()
        await running(of)
        await of.stop()
        await of.until("Stopped")
        assert not [write for write in of.records.writes if write[0] == "update"][1:]


@pytest.mark.looptime
async def test_a_stop_that_was_refused_and_taken_back_leaves_the_session_ready():
    """The stop had said which task it would replace; the refusal must take that back, or the very
    container that runs on is waited for as if it had to be replaced first."""
    async with world() as of:
        of.run_controller()
        await of.declare()
        await of.until_ready()
        of.dokploy.keys._keys.clear()
        await of.stop()
        await asyncio.sleep(1)
        of.dokploy.add_key(KEY, role="owner")
        await of.start()
        await of.until_ready(within=90)


async def test_a_controller_that_starts_while_the_store_fails_works_as_soon_as_it_answers():
    async with world() as of:
        await of.declare()
        of.records.failing = True
        of.run_controller()
        await asyncio.sleep(5)
        of.records.failing = False
        await of.until_ready()
