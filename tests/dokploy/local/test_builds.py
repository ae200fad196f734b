"""Builds: rows, titles, logs and the queue, as measured (FACTS 13, FACTS-2 1)."""

from __future__ import annotations

import asyncio

import pytest

from dokploy.local.simulation import BuildScript
from tests.dokploy.local.world import STOP_FIRST

pytestmark = pytest.mark.looptime

URL = "https://git.example.com/agent.git"
GIT = {
    "sourceType": "git",
    "customGitUrl": URL,
    "customGitBranch": "main",
    "customGitBuildPath": "/",
    "buildType": "dockerfile",
    "dockerfile": "Dockerfile",
    "updateConfigSwarm": STOP_FIRST,
}
LAST = "Error occurred ❌, check the logs for details.\n"


async def deploy(world, row, title):
    answer = await world.ask(
        "POST", "application.deploy", {"applicationId": row["applicationId"], "title": title}
    )
    assert (answer.status_code, answer.content) == (200, b"")


async def newest(world, row):
    return (await world.get("deployment.all", applicationId=row["applicationId"]))[0]


async def log_of(world, row):
    return await world.get("deployment.readLogs", deploymentId=(await newest(world, row))["deploymentId"])


async def test_a_build_bears_our_title_until_it_is_the_commits(world):
    world.simulation.builds[URL] = BuildScript(commit="first commit\n")
    row = await world.create(**GIT)
    await deploy(world, row, "tok-1")
    await asyncio.sleep(0.25)
    running = await newest(world, row)
    assert (running["status"], running["title"], await world.status(row)) == ("running", "tok-1", "running")
    jobs = await world.get("deployment.queueList")
    assert [(job["state"], job["data"]["titleLog"]) for job in jobs] == [("active", "tok-1")]
    await asyncio.sleep(1)
    done = await newest(world, row)
    assert done["deploymentId"] == running["deploymentId"]
    assert (done["status"], done["title"]) == ("done", "first commit\n")
    assert done["description"].startswith("Commit: ")
    assert await world.get("deployment.queueList") == []
    assert await world.status(row) == "done"
    await world.until(row, "1/1")
    assert (await world.get("swarm.getNodeApps"))[0]["Image"] == f"{row['appName']}:latest"
    log = await log_of(world, row)
    assert log.startswith(f"Initializing deployment\nCloning Repo Custom {URL} to ")
    assert log.endswith("✅ Docker build completed.\n")
    await world.change(row, env="A='2'")
    await world.until(row, "0/1")
    await world.until(row, "1/1")
    assert len(await world.get("deployment.all", applicationId=row["applicationId"])) == 1


async def test_done_and_whole_does_not_mean_the_new_one(world):
    row = await world.create(**GIT)
    await deploy(world, row, "one")
    await world.until(row, "1/1")
    before = world.simulation.running(row["appName"])
    await deploy(world, row, "two")
    await asyncio.sleep(2)
    assert (await world.status(row), await world.replicas(row)) == ("done", "1/1")
    assert world.simulation.running(row["appName"]) == before


@pytest.mark.parametrize(
    ("script", "title", "line"),
    [
        (BuildScript(clones=False), "tok", f"❌ [ERROR] Fail to clone the repository {URL}\n"),
        (BuildScript(builds=False, commit="msg"), "msg", "❌ Docker build failed\n"),
    ],
)
async def test_a_failed_build_tells_why_in_its_log_alone(world, script, title, line):
    row = await world.create(**GIT)
    await deploy(world, row, "good")
    await world.until(row, "1/1")
    world.simulation.builds[URL] = script
    await deploy(world, row, "tok")
    await asyncio.sleep(3)
    failed = await newest(world, row)
    assert (failed["status"], failed["title"], failed["errorMessage"]) == ("error", title, None)
    assert await world.status(row) == "error"
    assert await world.replicas(row) == "1/1"
    assert (await log_of(world, row)).endswith(f"{line}\n{LAST}")
    await world.reload(row)
    assert await world.status(row) == "done"


async def test_a_hanging_build_blocks_others_but_not_the_quick_path(world):
    world.simulation.builds[URL] = BuildScript(hangs=True)
    row, other = (
        await world.create("hangs", **GIT),
        await world.create("waits", **GIT | {"customGitUrl": "u"}),
    )
    for target, title in ((row, "hang"), (row, "second"), (other, "third")):
        await deploy(world, target, title)
    await asyncio.sleep(30)
    jobs = await world.get("deployment.queueList")
    assert [(job["data"]["titleLog"], job["state"]) for job in jobs] == [
        ("third", "waiting"),
        ("second", "waiting"),
        ("hang", "active"),
    ]
    assert await world.status(other) == "idle"
    quick = await world.run("quick")
    await world.until(quick, "1/1")
    await world.post("application.cleanQueues", applicationId=row["applicationId"])
    await world.reload(row)
    assert await world.status(row) == "done"
    assert (await newest(world, row))["status"] == "running"
    # A second at a time may pass the first, but one application's jobs stay in line.
    await deploy(world, row, "fourth")
    await world.post("settings.updateBuildsConcurrency", buildsConcurrency=4)
    await world.until(other, "1/1")
    jobs = await world.get("deployment.queueList")
    assert [(job["data"]["titleLog"], job["state"]) for job in jobs] == [
        ("fourth", "waiting"),
        ("hang", "active"),
    ]


async def test_the_kill_of_builds_ends_all_of_them(world):
    world.simulation.builds[URL] = BuildScript(hangs=True)
    row = await world.create(**GIT)
    answer = await world.ask("POST", "application.killBuild", row)
    assert answer.status_code == 500
    await deploy(world, row, "one")
    await deploy(world, row, "two")
    await asyncio.sleep(2)
    await world.post("application.killBuild", applicationId=row["applicationId"])
    await asyncio.sleep(0.1)
    rows = await world.get("deployment.all", applicationId=row["applicationId"])
    assert [entry["status"] for entry in rows] == ["running", "error"]
    log = await world.get("deployment.readLogs", deploymentId=rows[1]["deploymentId"])
    assert log.endswith(f"\n\n{LAST}")
    assert "❌ Docker build failed" not in log


async def test_a_deploy_of_a_prebuilt_image_pulls_it(world):
    row = await world.create(sourceType="docker", dockerImage="sim/ok:1")
    await world.post(
        "application.deploy", applicationId=row["applicationId"], title="first", description="desc"
    )
    await world.until(row, "1/1")
    done = await newest(world, row)
    assert (done["status"], done["title"], done["description"]) == ("done", "first", "desc")
    assert "Pulling sim/ok:1\n" in await log_of(world, row)
    assert (await log_of(world, row)).endswith("✅ Pulling image completed.\n")
    await world.update(row, dockerImage="sim/missing:1")
    await deploy(world, row, "bad")
    await asyncio.sleep(1)
    assert ((await newest(world, row))["status"], await world.status(row)) == ("error", "error")
    assert await world.replicas(row) == "1/1"
    # A redeploy does not pull: it says done, and Swarm meets the missing image (FACTS 4).
    await world.post("application.redeploy", applicationId=row["applicationId"])
    await asyncio.sleep(1)
    assert ((await newest(world, row))["title"], await world.status(row)) == ("Rebuild deployment", "done")


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"memoryLimit": "64m"}, "desc = invalid memory value 64: Must be at least 4MiB \n"),
        ({"memoryReservation": "1048576"}, "desc = invalid memory value 1048576: Must be at least 4MiB \n"),
        ({"cpuLimit": "100000"}, "desc = invalid cpu value 0.0001: Must be at least 0.001 \n"),
        ({"cpuReservation": "999999"}, "desc = invalid cpu value 0.000999999: Must be at least 0.001 \n"),
        ({"env": "A=${{project.NOPE}}"}, "\nInvalid project environment variable: project.NOPE\n"),
    ],
)
async def test_what_the_engine_refuses_ends_the_log(world, fields, line):
    row = await world.create(sourceType="docker", dockerImage="sim/ok", **fields)
    await deploy(world, row, "t")
    await asyncio.sleep(1)
    assert (await log_of(world, row)).endswith(line + LAST)
    assert await world.status(row) == "error"


async def test_a_name_too_long_fails_only_when_deployed(world):
    row = await world.create("a" * 63, sourceType="docker", dockerImage="sim/ok")
    await deploy(world, row, "t")
    await asyncio.sleep(1)
    assert "desc = name must be 63 characters or fewer \n" in await log_of(world, row)


async def test_an_application_without_a_source_fails(world):
    row = await world.create()
    await deploy(world, row, "t")
    await asyncio.sleep(1)
    assert (await newest(world, row))["status"] == "error"
    # A reload makes a service of it all the same, of an image that is not there.
    await world.reload(row)
    assert (await world.get("swarm.getNodeApps"))[0]["Image"] == f"{row['appName']}:latest"


async def test_eleven_deployments_are_kept(world):
    row = await world.create(sourceType="docker", dockerImage="sim/ok")
    for number in range(14):
        await deploy(world, row, f"t{number}")
        await asyncio.sleep(0.2)
    rows = await world.get("deployment.all", applicationId=row["applicationId"])
    assert [entry["title"] for entry in rows] == [f"t{number}" for number in range(13, 2, -1)]
    by_type = await world.get("deployment.allByType", id=row["applicationId"], type="application")
    assert [entry["deploymentId"] for entry in by_type] == [entry["deploymentId"] for entry in rows]
    listed = await world.get("overview.services")
    assert listed[0]["lastDeployAt"] == rows[0]["createdAt"]


async def test_the_tail_of_a_log(world):
    row = await world.create(**GIT)
    world.simulation.builds[URL] = BuildScript(log="a\rb\rc\nlast but one")
    await deploy(world, row, "t")
    await asyncio.sleep(2)
    deployment_id = (await newest(world, row))["deploymentId"]
    log = await world.get("deployment.readLogs", deploymentId=deployment_id, tail=4)
    name = f"{row['appName']}:latest"
    assert log == f"a\rb\rc\nlast but one\nSuccessfully tagged {name}\n✅ Docker build completed.\n"


async def test_logs_of_a_container(world):
    row = await world.run()
    never = await world.create("never")
    await world.until(row, "1/1")
    container = world.simulation.running(row["appName"])[0]
    await asyncio.sleep(10)
    for number in range(5):
        container.print(f"Line {number}")

    async def read(**values):
        return await world.ask(
            "GET", "application.readLogs", {"applicationId": row["applicationId"], **values}
        )

    lines = (await read(tail=2)).json().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["Line 3", "Line 4"]
    assert len((await read(since="5s")).json().splitlines()) == 5
    assert len((await read(search="line 2")).json().splitlines()) == 1
    assert (await read(search="nothing")).status_code == 500
    assert (await world.ask("GET", "application.readLogs", never)).status_code == 500
    await world.change(row, replicas=0)
    assert (await read()).json() == ""
