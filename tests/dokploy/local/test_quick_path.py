"""The quick path, against the measured timelines (FACTS 1, FACTS-2 2)."""

from __future__ import annotations

import asyncio

import pytest

pytestmark = pytest.mark.looptime


async def test_four_calls_make_a_healthy_session(world):
    row = await world.create()
    assert row["appName"].startswith("s-1-")
    assert len(row["appName"]) == len("s-1-") + 6
    app_name = row["appName"]
    await world.update(
        row,
        sourceType="docker",
        dockerImage="sim/ok",
        env="BERTH_REVISION='r1'",
        replicas=1,
        updateConfigSwarm={"Parallelism": 1, "Order": "stop-first", "FailureAction": "pause"},
    )
    await world.post(
        "mounts.create",
        type="volume",
        volumeName=f"{app_name}-work",
        mountPath="/workspace",
        serviceType="application",
        serviceId=row["applicationId"],
    )
    await world.reload(row)
    assert await world.status(row) == "done"
    assert await world.until(row, "1/1") < 1.5
    assert world.simulation.healthz(app_name)["revision"] == "r1"
    assert world.simulation.volumes() == (f"{app_name}-work",)
    listed = await world.get("overview.services")
    assert [(service["appName"], service["status"]) for service in listed] == [(app_name, "done")]
    assert await world.get("deployment.all", applicationId=row["applicationId"]) == []


async def test_a_change_shows_the_old_task_until_it_is_down(world):
    row = await world.run()
    await world.until(row, "1/1")
    await world.change(row, env="BERTH_REVISION='r2'")
    await asyncio.sleep(0.3)
    assert await world.replicas(row) == "1/1"
    assert [task[:2] for task in await world.tasks(row)] == [("ready", "Ready"), ("shutdown", "Running")]
    assert world.simulation.healthz(row["appName"])["revision"] == "r1"
    assert 2.5 < await world.until(row, "0/1") < 3.6
    assert 1.0 < await world.until(row, "1/1") < 2.0
    assert world.simulation.healthz(row["appName"])["revision"] == "r2"
    assert [task[:2] for task in await world.tasks(row)] == [("running", "Running"), ("shutdown", "Shutdown")]


async def test_a_reload_that_changes_nothing_restarts(world):
    row = await world.run()
    await world.until(row, "1/1")
    boot = world.simulation.healthz(row["appName"])["boot"]
    await world.reload(row)
    await world.until(row, "0/1")
    await world.until(row, "1/1")
    assert world.simulation.healthz(row["appName"])["boot"] != boot


async def test_stop_and_start(world):
    row = await world.run()
    await world.until(row, "1/1")
    await world.change(row, replicas=0)
    assert await world.replicas(row) == "1/0"
    assert (await world.tasks(row))[0][:2] == ("remove", "Running")
    assert 3.0 < await world.until(row, "0/0") < 4.0
    await asyncio.sleep(3)
    assert await world.tasks(row) == []
    await world.change(row, replicas=0, env="BERTH_REVISION='r3'")
    assert await world.tasks(row) == []
    assert await world.replicas(row) == "0/0"
    await world.change(row, replicas=1)
    assert await world.until(row, "1/1") < 2.0
    assert world.simulation.healthz(row["appName"])["revision"] == "r3"


async def deleted_with_a_volume(world):
    """An application that ran on a volume and was deleted just now; and the volume."""
    row = await world.run()
    volume = f"{row['appName']}-data"
    mount = {"volumeName": volume, "mountPath": "/data", "serviceId": row["applicationId"]}
    await world.post("mounts.create", type="volume", serviceType="application", **mount)
    await world.reload(row)
    await asyncio.sleep(10)
    await world.post("application.delete", applicationId=row["applicationId"])
    return row, volume


async def test_delete_leaves_the_volume_and_it_is_free_after_the_stop(world):
    row, volume = await deleted_with_a_volume(world)
    assert await world.replicas(row) is None
    assert await world.get("overview.services") == []
    busy = await world.ask("POST", "dockerVolume.removeVolume", {"volumeName": volume})
    assert busy.status_code == 500
    assert "volume is in use" in busy.json()["message"]
    await asyncio.sleep(6)
    assert world.simulation.volumes() == (volume,)
    await world.post("dockerVolume.removeVolume", volumeName=volume)
    gone = await world.ask("POST", "dockerVolume.removeVolume", {"volumeName": volume})
    assert "no such volume" in gone.json()["message"]
    again = await world.ask("POST", "application.delete", {"applicationId": row["applicationId"]})
    assert again.status_code == 404


async def test_a_deleted_applications_containers_are_listed_as_long_as_they_have_its_volume(world):
    row, volume = await deleted_with_a_volume(world)
    seen = []
    while True:
        listed = await world.get("docker.getContainersByAppNameMatch", appName=row["appName"])
        busy = world.dokploy.swarm.holders(volume)
        assert {one["containerId"] for one in listed} >= {one[:12] for one in busy}
        assert bool(listed) == bool(busy)
        if not listed:
            break
        seen += [one["state"] for one in listed]
        await asyncio.sleep(0.1)
    assert {"running", "exited"} == set(seen)
    await world.post("dockerVolume.removeVolume", volumeName=volume)


async def test_a_route_is_there_at_once(world):
    row = await world.create()
    assert await world.get("application.readTraefikConfig", applicationId=row["applicationId"]) is None
    domain = await world.post(
        "domain.create", host="a.example.com", port=8080, applicationId=row["applicationId"]
    )
    assert world.dokploy.routes() == {"a.example.com": (row["appName"], 8080)}
    await world.post("domain.delete", domainId=domain["domainId"])
    assert world.dokploy.routes() == {}
