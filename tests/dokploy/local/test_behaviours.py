"""Each quirk of the fault model, switched on as it is and switched off (LAWS, FACTS 4 and 7)."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from dokploy.local.behaviours import REAL, Behaviour
from dokploy.local.simulation import BuildScript
from tests.dokploy.local.world import HEALTH, KEY, STOP_FIRST, World

pytestmark = pytest.mark.looptime

URL = "https://git.example.com/agent.git"
GIT = {
    "sourceType": "git",
    "customGitUrl": URL,
    "customGitBranch": "main",
    "buildType": "dockerfile",
    "dockerfile": "Dockerfile",
}


@pytest.fixture
async def without():
    """Makes a world without some behaviours."""
    worlds = []

    async def make(*off: Behaviour, **simulated) -> World:
        made = World(REAL - set(off), **simulated)
        await made.open()
        worlds.append(made)
        return made

    yield make
    for made in worlds:
        await made.close()


def test_every_behaviour_names_its_source():
    source = inspect.getsource(Behaviour)
    for behaviour in Behaviour:
        assert behaviour.name in source
    assert source.count("(FACTS") >= len(REAL)
    assert set(Behaviour) == REAL


async def test_suffixed_names(world, without):
    row = await world.create("MY.App_1")
    assert row["appName"].startswith("my.app_1-")
    kind = await without(Behaviour.SUFFIXED_NAMES)
    assert (await kind.create("plain"))["appName"] == "plain"


async def test_create_mount_and_domain_are_not_idempotent(world, without):
    async def twice(place: World) -> tuple[int, int, int]:
        row = await place.create()
        await place.create()
        application_id = row["applicationId"]
        for _ in range(2):
            mount = {"volumeName": "v", "mountPath": "/d", "serviceId": application_id}
            await place.post("mounts.create", type="volume", serviceType="application", **mount)
            await place.post("domain.create", host="a.example.com", applicationId=application_id)
        one = await place.get("application.one", applicationId=application_id)
        return len(await place.get("overview.services")), len(one["mounts"]), len(one["domains"])

    assert await twice(world) == (2, 2, 2)
    repeats = (Behaviour.CREATE_REPEATS, Behaviour.MOUNT_REPEATS, Behaviour.DOMAIN_REPEATS)
    assert await twice(await without(*repeats)) == (1, 1, 1)


async def test_a_restart_loses_the_queue(world):
    world.simulation.builds[URL] = BuildScript(hangs=True)
    running, waiting = await world.create("a", **GIT), await world.create("b", **GIT)
    stopped, up = await world.run("c", replicas=0), await world.run("d")
    await world.until(up, "1/1")
    for row in (running, waiting):
        await world.post("application.deploy", applicationId=row["applicationId"], title="t")
    await asyncio.sleep(0.5)
    assert [job["state"] for job in await world.get("deployment.queueList")] == ["waiting", "active"]
    await world.dokploy.restart(downtime=12)
    assert await world.get("deployment.queueList") == []
    rows = await world.get("deployment.all", applicationId=running["applicationId"])
    assert [(row["status"], row["finishedAt"]) for row in rows] == [("cancelled", None)]
    assert await world.get("deployment.all", applicationId=waiting["applicationId"]) == []
    assert [await world.status(row) for row in (running, waiting)] == ["idle", "idle"]
    assert [await world.replicas(row) for row in (stopped, up)] == ["0/0", "1/1"]
    # The build goes on as an orphan, tags its image and makes no service.
    world.simulation.release_build(URL)
    await asyncio.sleep(2)
    assert await world.replicas(running) is None
    assert await world.status(running) == "idle"


async def test_nobody_listens_during_a_restart(world):
    restart = asyncio.create_task(world.dokploy.restart(downtime=5))
    await asyncio.sleep(1)
    with pytest.raises(ConnectionRefusedError):
        await world.get("settings.getDokployVersion")
    await restart
    assert await world.get("settings.getDokployVersion") == "v0.30.2"


async def test_a_restart_may_keep_the_queue(without):
    kind = await without(Behaviour.QUEUE_IS_LOST)
    row = await kind.create(**GIT)
    await kind.post("application.deploy", applicationId=row["applicationId"])
    await kind.dokploy.restart()
    await kind.until(row, "1/1")


async def test_a_deploy_under_way_undoes_a_stop(world, without):
    async def stopped_while_deploying(place: World) -> str | None:
        row = await place.run(dockerImage="sim/slow-pull:10")
        await place.until(row, "1/1")
        await place.post("application.deploy", applicationId=row["applicationId"])
        await asyncio.sleep(1)
        await place.post("application.stop", applicationId=row["applicationId"])
        assert await place.status(row) == "idle"
        await asyncio.sleep(30)
        assert await place.status(row) == "done"
        return await place.replicas(row)

    assert await stopped_while_deploying(world) == "1/1"
    assert await stopped_while_deploying(await without(Behaviour.DEPLOY_UNDOES_STOP)) == "0/0"


async def test_a_delete_during_a_deploy_leaves_an_orphan(world, without):
    async def deleted_while_deploying(place: World) -> str | None:
        row = await place.create(sourceType="docker", dockerImage="sim/slow-pull:5")
        mount = {"volumeName": "v", "mountPath": "/d", "serviceId": row["applicationId"]}
        await place.post("mounts.create", type="volume", serviceType="application", **mount)
        await place.post("application.deploy", applicationId=row["applicationId"])
        await asyncio.sleep(1)
        await place.post("application.delete", applicationId=row["applicationId"])
        jobs = await place.get("deployment.queueList")
        assert [(job["data"]["applicationId"], job["servicePath"]["href"]) for job in jobs] == [
            (row["applicationId"], None)
        ]
        await asyncio.sleep(10)
        again = await place.ask("POST", "application.delete", row)
        assert again.status_code == 404
        assert await place.get("overview.services") == []
        return await place.replicas(row)

    assert await deleted_while_deploying(world) == "1/1"
    # The deploy had read all of the application before it was deleted.
    assert world.simulation.volumes() == ("v",)
    assert await deleted_while_deploying(await without(Behaviour.DELETE_LEAVES_ORPHAN)) is None


async def test_removing_a_project_leaves_its_services(world):
    row = await world.run()
    await world.until(row, "1/1")
    await world.post("project.remove", projectId=world.project)
    assert await world.get("overview.services") == []
    assert await world.replicas(row) == "1/1"


async def test_done_for_a_container_that_crashes(world, without):
    async def crashing(place: World) -> str:
        row = await place.run(dockerImage="sim/crash:3", healthCheckSwarm=None)
        await asyncio.sleep(5)
        return await place.status(row)

    assert await crashing(world) == "done"
    assert await crashing(await without(Behaviour.DONE_MEANS_ACCEPTED)) == "error"


@pytest.mark.parametrize("broken", ["sim/missing", "sim/unhealthy", "sim/crash:1"])
async def test_swarm_rolls_back_without_a_word(world, broken):
    row = await world.run(updateConfigSwarm=None)
    await world.until(row, "1/1")
    await world.change(row, dockerImage=broken, env="BERTH_REVISION='r2'")
    await asyncio.sleep(20)
    assert await world.replicas(row) == "1/1"
    assert await world.status(row) == "done"
    assert (await world.get("swarm.getNodeApps"))[0]["Image"] == "sim/ok"
    one = await world.get("application.one", applicationId=row["applicationId"])
    assert one["dockerImage"] == broken
    assert world.simulation.healthz(row["appName"])["revision"] == "r1"
    assert len(world.simulation.running(row["appName"])) == 1
    assert world.dokploy.swarm.services[row["appName"]].update_state == "rollback_completed"


async def test_swarm_may_keep_what_failed(without):
    kind = await without(Behaviour.SWARM_ROLLS_BACK)
    row = await kind.run(updateConfigSwarm=None)
    await kind.until(row, "1/1")
    await kind.change(row, dockerImage="sim/missing")
    await asyncio.sleep(20)
    # The listing still shows the old task, which start-first keeps (FACTS 1).
    assert (await kind.get("swarm.getNodeApps"))[0]["Image"] == "sim/missing"
    assert await kind.replicas(row) == "1/1"


async def test_start_first_has_both_for_a_while(world):
    row = await world.run(updateConfigSwarm=None)
    await world.until(row, "1/1")
    await world.change(row, env="BERTH_REVISION='r2'")
    await asyncio.sleep(1.8)
    assert len(world.simulation.running(row["appName"])) == 2
    await asyncio.sleep(5)
    assert [c.spec.env["BERTH_REVISION"] for c in world.simulation.running(row["appName"])] == ["r2"]


async def test_reloads_race(world, without):
    async def raced(place: World) -> tuple[list[int], str]:
        row = await place.run()
        await place.until(row, "1/1")
        answers = await asyncio.gather(*(place.ask("POST", "application.reload", row) for _ in range(6)))
        status = await place.status(row)
        await place.until(row, "0/1")
        await place.until(row, "1/1")
        return sorted(answer.status_code for answer in answers), status

    codes, status = await raced(world)
    assert codes == [200, 500, 500, 500, 500, 500]
    assert status == "error"
    assert await raced(await without(Behaviour.RELOADS_RACE)) == ([200] * 6, "done")


async def test_start_never_returns_on_a_crashing_image(world, without):
    async def started(place: World) -> object:
        row = await place.run(dockerImage="sim/crash:1", healthCheckSwarm=None)
        async with asyncio.timeout(120):
            return await place.ask("POST", "application.start", row)

    with pytest.raises(TimeoutError):
        await started(world)
    assert world.dokploy.call_log[-1].status is None
    assert (await started(await without(Behaviour.START_NEVER_RETURNS))).status_code == 200


async def test_stop_and_start_block(world):
    loop = asyncio.get_running_loop()
    never = await world.create()
    answer = await world.ask("POST", "application.start", never)
    assert (answer.status_code, await world.status(never)) == (500, "error")
    answer = await world.post("application.stop", applicationId=never["applicationId"])
    assert answer["applicationStatus"] == "idle"
    row = await world.run(replicas=2)
    await world.until(row, "2/2")
    began = loop.time()
    await world.post("application.stop", applicationId=row["applicationId"])
    assert 5 <= loop.time() - began < 6
    assert await world.replicas(row) == "0/0"
    began = loop.time()
    answer = await world.post("application.start", applicationId=row["applicationId"])
    assert 5 < loop.time() - began < 9
    assert (await world.replicas(row), answer["applicationStatus"]) == ("1/1", "done")


async def test_search_loses_concurrent_creates(world, without):
    async def found(place: World) -> int:
        await asyncio.gather(*(place.create(f"s-{number}") for number in range(8)))
        assert len(await place.get("overview.services")) == 8
        return (await place.get("application.search", limit=100))["total"]

    assert await found(world) < 8
    assert await found(await without(Behaviour.SEARCH_LOSES)) == 8


async def test_a_key_made_without_care_is_good_for_five_calls(world, without):
    async def calls(place: World) -> list[int]:
        key = await place.post(
            "user.createApiKey", name="ctl", metadata={"organizationId": place.dokploy.organization_id}
        )
        asked = [await place.ask("GET", "settings.getDokployVersion", key=key["key"]) for _ in range(7)]
        assert {answer.text for answer in asked[5:]} <= {'{"message":"Unauthorized"}', '"v0.30.2"'}
        return [answer.status_code for answer in asked]

    assert await calls(world) == [200] * 5 + [401] * 2
    assert await calls(await without(Behaviour.KEYS_ARE_LIMITED)) == [200] * 7


async def test_a_limited_key_is_refused_in_two_ways(world):
    """Each call takes two units, one at each check: between them the key may run out (FACTS-2 8)."""
    world.dokploy.add_key("odd", role="owner", units=3, window=3600)
    answers = [await world.ask("GET", "settings.getDokployVersion", key="odd") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 401, 401]
    edge = answers[1].json()
    assert (edge["message"], edge["code"]) == ("UNAUTHORIZED", "UNAUTHORIZED")
    assert edge["data"]["path"] == "settings.getDokployVersion"
    assert answers[2].json() == {"message": "Unauthorized"}
    world.dokploy.keys.revoke("odd")
    revoked = await world.ask("GET", "settings.getDokployVersion", key="odd")
    assert revoked.json() == {"message": "Unauthorized"}


async def test_a_limit_is_lifted_by_silence_alone(world):
    world.dokploy.add_key("slow", role="owner", units=6, window=5)
    seen = []
    for _ in range(6):
        answer = await world.ask("GET", "settings.getDokployVersion", key="slow")
        seen.append(answer.status_code)
        await asyncio.sleep(2)
    assert seen == [200, 200, 200, 401, 401, 200]


async def test_volumes_stay(world, without):
    async def left(place: World) -> tuple[str, ...]:
        row = await place.create(sourceType="docker", dockerImage="sim/ok")
        mount = {"volumeName": "v", "mountPath": "/d", "serviceId": row["applicationId"]}
        await place.post("mounts.create", type="volume", serviceType="application", **mount)
        await place.reload(row)
        await place.until(row, "1/1")
        place.simulation.write("v", "a day's work")
        await place.post("application.delete", applicationId=row["applicationId"])
        await asyncio.sleep(20)
        return place.simulation.volumes()

    assert await left(world) == ("v",)
    assert "a day's work" in world.simulation.disk["v"].marks
    assert await left(await without(Behaviour.VOLUMES_STAY)) == ()


async def test_variables_are_parsed_and_expanded(world, without):
    text = "A=abc#def\nB='{{.Service.Name}}'\nC=${{project.P}}\nA2=\"x y\"\nexport D=1\nD=2"
    await world.post("project.update", projectId=world.project, env="P=shared")
    row = await world.run(env=text)
    await world.until(row, "1/1")
    env = world.simulation.running(row["appName"])[0].spec.env
    assert dict(env) == {"A": "abc", "B": row["appName"], "C": "shared", "A2": "x y", "D": "2"}
    kind = await without(Behaviour.ENVIRONMENT_IS_PARSED)
    row = await kind.run(env="A=abc#def\nB={{foo}}")
    await kind.until(row, "1/1")
    assert dict(kind.simulation.running(row["appName"])[0].spec.env) == {"A": "abc#def", "B": "{{foo}}"}


@pytest.mark.parametrize("text", ["A=${{project.NOPE}}", "A=${{environment.X}}", "A=${{Z}}", "A={{foo}}"])
async def test_what_does_not_resolve_fails_the_reload(world, text):
    row = await world.run()
    await world.update(row, env=text)
    answer = await world.ask("POST", "application.reload", row)
    assert answer.status_code == 500
    assert await world.status(row) == "error"


async def test_the_nightly_prune_takes_built_images_for_good(world, without):
    async def pruned(place: World) -> str | None:
        row = await place.create(**GIT, healthCheckSwarm=HEALTH, updateConfigSwarm=STOP_FIRST)
        await place.post("application.deploy", applicationId=row["applicationId"])
        await place.until(row, "1/1")
        assert place.dokploy.prune_images() == ()
        await place.change(row, replicas=0)
        await place.until(row, "0/0")
        place.dokploy.prune_images()
        await place.change(row, replicas=1)
        await asyncio.sleep(10)
        return await place.replicas(row)

    assert await pruned(world) == "0/1"
    assert await pruned(await without(Behaviour.IMAGES_ARE_PRUNED)) == "1/1"


async def test_the_prune_can_be_switched_off_and_spares_registries(world):
    row = await world.run()
    await world.until(row, "1/1")
    await world.change(row, replicas=0)
    await world.until(row, "0/0")
    assert world.dokploy.prune_images() == ()
    await world.change(row, replicas=1)
    await world.until(row, "1/1")
    await world.post("settings.updateDockerCleanup", enableDockerCleanup=False)
    settings = await world.get("settings.getWebServerSettings")
    assert settings["enableDockerCleanup"] is False


async def test_a_start_overlaps_a_stop(world, without):
    async def overlaps(place):
        row = await place.run()
        mount = {"volumeName": "v", "mountPath": "/d", "serviceId": row["applicationId"]}
        await place.post("mounts.create", type="volume", serviceType="application", **mount)
        await place.reload(row)
        await asyncio.sleep(8)
        await place.change(row, replicas=0)
        await place.change(row, replicas=1)
        await asyncio.sleep(2)
        return len(place.simulation.violations)

    assert await overlaps(world) == 1
    assert await overlaps(await without(Behaviour.START_OVERLAPS_STOP)) == 0


@pytest.mark.parametrize(("image", "at_once"), [("sim/ok", "1/0"), ("sim/unhealthy", "0/0")])
async def test_a_stopped_container_is_listed_while_it_ends_only_if_it_was_healthy(world, image, at_once):
    row = await world.run(dockerImage=image)
    await asyncio.sleep(2)
    state = "Running" if at_once == "1/0" else "Starting"
    await world.change(row, replicas=0)
    assert await world.replicas(row) == at_once
    assert (await world.tasks(row))[0][:2] == ("remove", state)
    listed = await world.get("docker.getContainersByAppNameMatch", appName=row["appName"])
    assert [container["state"] for container in listed] == ["running"]
    await asyncio.sleep(4)
    assert await world.replicas(row) == "0/0"
    assert (await world.tasks(row))[0][:2] == ("remove", "Shutdown")


async def test_with_the_engine_down_everything_seems_gone(world):
    row = await world.run()
    await world.until(row, "1/1")
    world.dokploy.stop_engine()
    assert await world.get("swarm.getNodeApps") == []
    assert await world.tasks(row) == []
    assert await world.get("docker.getContainersByAppNameMatch", appName="s-1") == []
    await world.update(row, env="A=1")
    assert (await world.ask("POST", "application.reload", row)).status_code == 500
    assert await world.status(row) == "error"
    assert world.simulation.healthz(row["appName"]) is not None
    world.dokploy.start_engine()
    assert await world.replicas(row) == "1/1"


async def test_a_restored_database_is_older_than_the_services(world):
    row = await world.run("s-1")
    backup = world.dokploy.snapshot()
    await world.update(row, env="BERTH_REVISION='r2'")
    other = await world.run("s-2")
    await world.until(other, "1/1")
    world.dokploy.restore(backup)
    listed = await world.get("overview.services")
    assert [service["appName"] for service in listed] == [row["appName"]]
    assert await world.replicas(other) == "1/1"
    one = await world.get("application.one", applicationId=row["applicationId"])
    assert one["env"] == "BERTH_REVISION='r1'"
    await world.create("s-3")
    world.dokploy.restore(backup)
    assert len(await world.get("overview.services")) == 1


async def test_a_members_key_sees_nothing_with_200(world):
    row = await world.run()
    world.dokploy.add_key("member")
    for name, expected in {
        "overview.services": [],
        "project.all": [],
        "project.search": {"items": [], "total": 0},
        "deployment.queueList": [],
    }.items():
        answer = await world.ask("GET", name, key="member")
        assert (answer.status_code, answer.json()) == (200, expected)
    answer = await world.ask("GET", "swarm.getNodeApps", key="member")
    assert (answer.status_code, answer.json()["message"]) == (401, 'unauthorized to access resource "docker"')
    for method, name in (
        ("GET", "application.one"),
        ("POST", "application.update"),
        ("POST", "application.reload"),
        ("POST", "application.deploy"),
        ("POST", "application.delete"),
    ):
        answer = await world.ask(method, name, {**row, "env": "X=1"}, key="member")
        assert answer.status_code in (400, 401), (name, answer.text)
    assert (await world.ask("GET", "user.get", key="member")).json()["role"] == "member"
    assert (await world.ask("GET", "user.get", key=KEY)).json()["role"] == "owner"
    world.dokploy.keys.revoke("member")
    assert (await world.ask("GET", "overview.services", key="member")).json() == {"message": "Unauthorized"}


async def test_the_call_log_tells_no_secret(world):
    await world.run(env="TOKEN='canary'", password="canary", buildArgs="X=canary")
    assert "canary" not in repr(world.dokploy.call_log)
    assert "canary" not in repr(world.dokploy.keys)
    assert KEY not in repr(world.dokploy.keys._keys)
    last = world.dokploy.call_log[-1]
    assert (last.procedure, last.status) == ("application.reload", 200)
    assert world.dokploy.accounts.counts["application.update"] == 1
