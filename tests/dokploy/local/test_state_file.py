"""What is kept over a restart of the whole machine."""

from __future__ import annotations

import asyncio
import sqlite3
import stat

import pytest

from dokploy.local.service_spec import Health, OnFailure, Order, Restart, ServiceSpec, Update, restored
from dokploy.local.simulation import BuildScript
from dokploy.local.store import BadStateFile, Store
from tests.dokploy.local.world import STOP_FIRST, World

pytestmark = pytest.mark.looptime


def test_a_specification_survives_the_round_trip():
    spec = ServiceSpec(
        name="s",
        image="i",
        env={"A": "1"},
        mounts=(("v", "/d"),),
        port=8080,
        replicas=0,
        health=Health(("CMD", "true"), 1.0, 2.0, 3.0, 4),
        restart=Restart("on-failure", 1.0, 2),
        update=Update(Order.STOP_FIRST, OnFailure.PAUSE, 1.0),
        memory_bytes=5,
        nano_cpus=6,
        labels={"l": "m"},
    )
    assert restored(spec.document()) == spec
    assert restored(ServiceSpec("s", "i").document()) == ServiceSpec("s", "i")


async def test_a_second_start_carries_on(tmp_path):
    file = tmp_path / "deep" / "state.db"
    first = World(state_file=file)
    await first.open()
    up, down = await first.run("up"), await first.run("down")
    gone, rolled = await first.run("gone"), await first.run("rolled", updateConfigSwarm=None)
    mount = {"volumeName": "v", "mountPath": "/d", "serviceId": up["applicationId"]}
    await first.post("mounts.create", type="volume", serviceType="application", **mount)
    await first.post("domain.create", host="up.example.com", applicationId=up["applicationId"])
    await first.until(rolled, "1/1")
    await first.reload(up)
    await first.change(down, replicas=0)
    await first.post("application.delete", applicationId=gone["applicationId"])
    await first.change(rolled, dockerImage="sim/missing")
    await asyncio.sleep(20)
    before = {row["appName"]: row for row in await first.get("overview.services")}
    project = first.project
    await first.close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    second = World(state_file=file)
    await second.open()
    assert second.project == project
    assert {row["appName"]: row for row in await second.get("overview.services")} == before
    await second.until(up, "1/1")
    assert await second.replicas(down) == "0/0"
    assert await second.replicas(gone) is None
    await second.until(rolled, "1/1")
    assert second.simulation.running(up["appName"])[0].spec.mounts == (("v", "/d"),)
    assert second.dokploy.routes() == {"up.example.com": (up["appName"], 3000)}
    # The counter of routes goes on, and nothing was written twice.
    other = await second.post("domain.create", host="b.example.com", applicationId=up["applicationId"])
    assert other["uniqueConfigKey"] == 2
    assert (await second.get("application.search"))["total"] == 3
    assert (await second.create("up"))["applicationId"] not in {row["id"] for row in before.values()}
    await second.close()


async def test_a_kill_loses_no_answered_call(tmp_path):
    file = tmp_path / "state.db"
    world = World(state_file=file)
    await world.open()
    row = await world.run()
    # What another reader sees now is what a process killed now would find at its next start.
    with sqlite3.connect(file) as reader:
        kinds = dict(reader.execute("SELECT kind, count(*) FROM document GROUP BY kind"))
    assert (kinds["application"], kinds["service"]) == (1, 1)
    await world.post("application.delete", applicationId=row["applicationId"])
    with sqlite3.connect(file) as reader:
        kinds = dict(reader.execute("SELECT kind, count(*) FROM document GROUP BY kind"))
    assert "application" not in kinds
    assert "service" not in kinds
    reader.close()
    await world.close()


async def test_a_deployment_that_was_running_is_cancelled(tmp_path):
    file = tmp_path / "state.db"
    url = "https://git.example.com/r.git"
    first = World(state_file=file, builds={url: BuildScript(hangs=True)})
    await first.open()
    row = await first.create(sourceType="git", customGitUrl=url, updateConfigSwarm=STOP_FIRST)
    await first.post("application.deploy", applicationId=row["applicationId"], title="t")
    await asyncio.sleep(1)
    await first.close()
    second = World(state_file=file)
    await second.open()
    rows = await second.get("deployment.all", applicationId=row["applicationId"])
    assert [entry["status"] for entry in rows] == ["cancelled"]
    assert await second.status(row) == "idle"
    log = await second.get("deployment.readLogs", deploymentId=rows[0]["deploymentId"])
    assert log.startswith("Initializing deployment\n")
    await second.close()


def test_a_file_that_is_none_or_of_a_later_version_is_left_alone(tmp_path):
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(BadStateFile, match="move it away"):
        Store(garbage)
    later = tmp_path / "later.db"
    with sqlite3.connect(later) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(BadStateFile, match="later version"):
        Store(later)


async def test_pruned_images_stay_gone(tmp_path):
    file = tmp_path / "state.db"
    first = World(state_file=file)
    await first.open()
    row = await first.create(sourceType="git", customGitUrl="u", updateConfigSwarm=STOP_FIRST, replicas=0)
    await first.post("application.deploy", applicationId=row["applicationId"])
    await asyncio.sleep(3)
    assert first.dokploy.prune_images() == (f"{row['appName']}:latest",)
    await first.close()
    second = World(state_file=file)
    await second.open()
    await second.change(row, replicas=1)
    await asyncio.sleep(2)
    assert (await second.tasks(row))[0][1] == "Rejected"
    await second.close()
