"""What goes wrong with containers, against the measured timelines (FACTS-2 2)."""

from __future__ import annotations

import asyncio

import pytest

from dokploy.local.simulation import Script
from tests.dokploy.local.world import HEALTH

pytestmark = pytest.mark.looptime


async def test_a_failing_health_check_restarts_for_ever_and_hides_why(world):
    row = await world.run()
    await world.until(row, "1/1")
    await world.change(row, dockerImage="sim/unhealthy")
    assert await world.until(row, "0/1") < 4
    seen = set()
    for _ in range(240):
        await asyncio.sleep(0.25)
        seen.add(await world.replicas(row))
    assert seen == {"0/1"}
    assert await world.status(row) == "done"
    assert world.dokploy.swarm.services[row["appName"]].update_state == "paused"
    rows = await world.tasks(row)
    assert len(rows) == 5
    assert {(state, error) for _, state, error in rows[1:-1]} == {("Complete", "")}
    assert rows[-1][2] == "Error:"
    # 3 s of checks, 3.3 s to stop, 2 s of delay, 0.3 s to start.
    assert 4 < 60 / (world.simulation.started - 1) < 9
    await world.change(row, dockerImage="sim/ok")
    assert await world.until(row, "1/1") < 6


async def test_an_image_that_cannot_be_pulled_is_rejected_again_and_again(world):
    row = await world.run()
    await world.until(row, "1/1")
    await world.change(row, dockerImage="sim/missing:9")
    assert await world.status(row) == "done"
    await asyncio.sleep(0.5)
    assert (await world.tasks(row))[0] == ("ready", "Rejected", '"No such image: sim/missing:9"')
    assert await world.replicas(row) == "1/1"
    await world.until(row, "0/1")
    await asyncio.sleep(20)
    rows = await world.tasks(row)
    assert [wanted for wanted, *_ in rows] == ["ready"] + ["shutdown"] * 4
    assert {state for _, state, _ in rows[1:]} == {"Rejected"}
    assert await world.replicas(row) == "0/1"
    await world.change(row, dockerImage="sim/ok")
    assert await world.until(row, "1/1") < 2.5


async def test_a_missing_image_at_first_is_tried_again_after_the_delay(world):
    row = await world.run(dockerImage="sim/missing", restartPolicySwarm=None)
    await asyncio.sleep(0.7)
    assert [task[:2] for task in await world.tasks(row)] == [("ready", "Rejected"), ("shutdown", "Rejected")]
    await asyncio.sleep(5)
    assert len(await world.tasks(row)) == 3


async def test_an_oom_kill_flaps(world):
    row = await world.run(dockerImage="sim/oom:2", healthCheckSwarm=None)
    seen = set()
    for _ in range(80):
        await asyncio.sleep(0.25)
        seen.add(await world.replicas(row))
    assert seen == {"0/1", "1/1"}
    assert ("shutdown", "Failed", '"task: non-zero exit (137)"') in await world.tasks(row)
    containers = await world.get("docker.getContainersByAppNameMatch", appName=row["appName"])
    assert any(container["status"].startswith("Exited (137)") for container in containers)
    assert await world.status(row) == "done"


async def test_slow_to_start_is_starting_until_the_check_passes(world):
    row = await world.run(dockerImage="sim/slow-start:6", healthCheckSwarm={**HEALTH, "Retries": 30})
    await asyncio.sleep(1.4)
    assert (await world.tasks(row))[0][:2] == ("running", "Starting")
    assert await world.replicas(row) == "0/1"
    assert 4 < await world.until(row, "1/1") < 7
    listed = await world.get("docker.getContainersByAppNameMatch", appName="s-1")
    assert listed[0]["status"].endswith("(healthy)")


async def test_a_container_that_turns_unhealthy_is_replaced(world):
    row = await world.run()
    await world.until(row, "1/1")
    container = world.simulation.running(row["appName"])[0]
    container.turn(healthy=False)
    assert world.simulation.healthz(row["appName"]) is None
    await world.until(row, "0/1")
    await world.until(row, "1/1")
    assert world.simulation.running(row["appName"])[0] is not container


@pytest.mark.parametrize(
    ("was_healthy", "image", "error"),
    [
        (True, "sim/ok", "task: non-zero exit (143): dockerexec: unhealthy container"),
        (False, "sim/unhealthy:143", "unhealthy container shutdown failed: exit status 143"),
    ],
)
async def test_an_unhealthy_container_that_fails_on_term_says_so(world, was_healthy, image, error):
    world.simulation.images["sim/ok"] = Script(term_code=143)
    row = await world.run(dockerImage=image)
    if was_healthy:
        await world.until(row, "1/1")
        world.simulation.running(row["appName"])[0].turn(healthy=False)
    await asyncio.sleep(8)
    assert ("shutdown", "Failed", f'"{error}"') in await world.tasks(row)


async def test_killed_by_hand_it_comes_back_after_the_delay(world):
    row = await world.run()
    await world.until(row, "1/1")
    world.simulation.kill(row["appName"])
    await world.until(row, "0/1")
    assert 2 < await world.until(row, "1/1") < 5
    assert await world.status(row) == "done"


async def test_a_stubborn_container_is_killed_after_the_grace(world):
    row = await world.run(dockerImage="sim/stubborn:60", stopGracePeriodSwarm=5_000_000_000)
    await world.until(row, "1/1")
    await world.change(row, replicas=0)
    assert 4.5 < await world.until(row, "0/0") < 5.5
    listed = await world.get("docker.getContainersByAppNameMatch", appName=row["appName"])
    assert listed[0]["status"].startswith("Exited (137)")


@pytest.mark.parametrize(
    "limit", [{"memoryLimit": "1048576"}, {"memoryLimit": "64m"}, {"cpuLimit": "999999"}]
)
async def test_too_little_of_a_resource_is_refused_and_the_container_left_alone(world, limit):
    row = await world.run()
    await world.until(row, "1/1")
    boot = world.simulation.healthz(row["appName"])["boot"]
    await world.update(row, **limit)
    answer = await world.ask("POST", "application.reload", row)
    assert (answer.status_code, answer.json()["message"]) == (500, "Error reloading application")
    assert await world.status(row) == "error"
    await asyncio.sleep(5)
    assert world.simulation.healthz(row["appName"])["boot"] == boot
    await world.change(row, memoryLimit="6291456", cpuLimit="1000000")
    assert await world.status(row) == "done"


async def test_a_path_that_is_mounted_twice_is_refused_until_one_of_them_is_removed(world):
    row = await world.run()
    await world.until(row, "1/1")
    mount = {"volumeName": "v", "mountPath": "/data", "serviceId": row["applicationId"]}
    twice = [
        await world.post("mounts.create", type="volume", serviceType="application", **mount) for _ in range(2)
    ]
    answer = await world.ask("POST", "application.reload", row)
    assert (answer.status_code, answer.json()["message"]) == (500, "Error reloading application")
    assert await world.replicas(row) == "1/1"
    await world.post("application.deploy", applicationId=row["applicationId"])
    await asyncio.sleep(1)
    deployment = (await world.get("deployment.all", applicationId=row["applicationId"]))[0]
    assert deployment["status"] == "error"
    log = await world.get("deployment.readLogs", deploymentId=deployment["deploymentId"])
    assert "duplicate mount point: /data" in log
    await world.post("mounts.remove", mountId=twice[0]["mountId"])
    await world.reload(row)
    assert await world.status(row) == "done"


async def test_a_deploy_of_an_image_that_is_only_on_the_host_changes_nothing_that_runs(world):
    row = await world.run()
    await world.until(row, "1/1")
    boot = world.simulation.healthz(row["appName"])["boot"]
    world.dokploy.swarm.images.add_built("only-here:1")
    await world.update(row, dockerImage="only-here:1")
    await world.post("application.deploy", applicationId=row["applicationId"])
    await asyncio.sleep(10)
    assert await world.status(row) == "error"
    assert world.simulation.healthz(row["appName"])["boot"] == boot
    await world.reload(row)
    await asyncio.sleep(10)
    assert world.simulation.healthz(row["appName"])["boot"] != boot


async def test_never_two_containers_on_one_volume_under_stop_first(world):
    row = await world.run()
    mount = {"volumeName": "v", "mountPath": "/data", "serviceId": row["applicationId"]}
    await world.post("mounts.create", type="volume", serviceType="application", **mount)
    for pause in (0.1, 0.6, 1.1, 3.4, 4.0, 0.0, 2.0):
        await world.reload(row)
        await asyncio.sleep(pause)
        await world.change(row, env=f"A={pause}")
        await asyncio.sleep(pause)
    await world.until(row, "1/1")
    assert world.simulation.violations == []
    assert len(world.simulation.running(row["appName"])) == 1
