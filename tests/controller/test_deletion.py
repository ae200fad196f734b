"""How deletions end, by exact counts (P2) and by what is left, in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from controller.identity import Identity
from tests.controller.world import KEY, Transport, World, world
from tests.laws import INSTANCE
from tests.performance.scene import reached_by

pytestmark = pytest.mark.looptime

WHOLE = Counter({"application.delete": 1, "dockerVolume.removeVolume": 2})
"""One call, and one a volume (law P2)."""
CONTAINERS = "docker.getContainersByAppNameMatch"


@asynccontextmanager
async def deleted(of: World, **spec: object) -> AsyncIterator[Counter[str]]:
    """A session that runs is deleted within the block; gives the changing calls, when it is gone."""
    of.run_controller()
    await of.declare(**spec)
    await of.until_ready()
    made: Counter[str] = Counter()
    before = of.calls()
    await of.delete()
    yield made
    await of.until_gone()
    made.update(of.changes_since(before))
    assert of.applications() == []
    assert of.simulation.containers == []
    assert of.simulation.volumes() == ()


async def told(of: World) -> str:
    """The message of Ready."""
    return next(c.message for c in (await of.session()).status.conditions if c.type == "Ready")


async def test_it_is_one_call_and_one_a_volume_however_long_the_container_takes():
    async with world(container={"stop_grace": "60s"}) as of:
        async with deleted(of, image="sim/stubborn:45") as made:
            began = asyncio.get_running_loop().time()
        assert made == WHOLE
        assert 45 < asyncio.get_running_loop().time() - began < 52


async def test_while_its_container_is_going_a_look_is_one_reading():
    async with world() as of, deleted(of):
        await asyncio.sleep(1.5)
        before = of.calls()
        await asyncio.sleep(3)
        made = of.calls() - before
        assert made["swarm.getNodeApps"] == made["overview.services"] == made.pop(CONTAINERS) == 3
        assert sum(made.values()) == 6, "the listings, and nothing besides"
        assert (await of.ready()) == ("False", "Deleting")
        assert "its volumes follow once its container is" in await told(of)


class Mute(Transport):
    """Gives everything but the list of containers."""

    refusal = httpx.Response(500)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(CONTAINERS):
            return httpx.Response(self.refusal.status_code, content=self.refusal.content)
        return await super().handle_async_request(request)


UNKNOWN = {"message": "Not found", "code": "NOT_FOUND"}
FORBIDDEN = {"message": "UNAUTHORIZED", "code": "UNAUTHORIZED", "data": {"path": CONTAINERS}}
REFUSALS = {
    "unknown": httpx.Response(404, json=UNKNOWN),
    "not there": httpx.Response(404, json={**UNKNOWN, "data": {"path": CONTAINERS}}),
    "forbidden": httpx.Response(401, json=FORBIDDEN),
}
"""Of a Dokploy that has no such list for us."""
BROKEN = {
    "failed": httpx.Response(500),
    "unreadable": httpx.Response(200, json=[{"nom": "x"}]),
}
"""Of one whose list could not be read just now."""


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_where_no_list_of_containers_is_to_be_had_docker_has_the_last_word(refusal: str):
    async with world() as of:
        reached_by(of, Mute).refusal = REFUSALS[refusal]
        async with deleted(of) as made:
            pass
        assert made["application.delete"] == 1
        assert made["dockerVolume.removeVolume"] > 2, "refused while the container was going"


@pytest.mark.parametrize("answer", BROKEN)
async def test_while_the_list_of_containers_cannot_be_read_no_volume_is_asked_for(answer: str):
    """What could not be read is not gone."""
    async with world() as of:
        transport = reached_by(of, Mute)
        transport.refusal = BROKEN[answer]
        of.run_controller()
        await of.declare()
        await of.until_ready()
        before = of.calls()
        await of.delete()
        await asyncio.sleep(300)
        assert of.changes_since(before) == {"application.delete": 1}
        assert await of.phase() == "Deleting"
        transport.refusal = httpx.Response(200, json=[])
        await of.until_gone()
        assert of.simulation.volumes() == ()


@pytest.mark.parametrize("policy", ["Delete", "Retain"])
async def test_while_the_engine_is_down_a_deletion_waits_and_leaves_nothing(policy: str):
    async with world() as of:
        of.run_controller()
        await of.declare(storage={"on_delete": policy})
        await of.until_ready()
        of.dokploy.stop_engine()
        await asyncio.sleep(15)
        await of.delete()
        await asyncio.sleep(90)
        assert len(of.applications()) == 1
        assert await of.phase() == "Deleting"
        assert "Docker engine is down" in await told(of)
        of.dokploy.start_engine()
        await of.until_gone()
        await asyncio.sleep(10)
        assert of.applications() == []
        assert of.dokploy.swarm.services == {}
        assert of.simulation.containers == []


class DyingEngine(Transport):
    """Its Docker engine goes down just before an application is deleted."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("application.delete"):
            self.dokploy.stop_engine()
        return await super().handle_async_request(request)


async def test_a_service_that_an_engine_left_behind_is_the_reason_that_a_deletion_gives():
    async with world() as of:
        reached_by(of, DyingEngine).dokploy = of.dokploy
        async with deleted(of):
            await asyncio.sleep(90)
            assert of.applications() == []
            (name,) = of.dokploy.swarm.services
            of.dokploy.start_engine()
            await asyncio.sleep(90)
            assert await of.ready() == ("False", "OrphanService")
            assert await of.phase() == "Deleting"
            assert f"docker service rm {name}" in await told(of)
            assert len(of.simulation.volumes()) == 2
            of.dokploy.swarm.remove(name)


async def test_unsaved_work_is_the_reason_that_a_deletion_gives():
    async with world() as of, deleted(of):
        name = (await of.session()).status.dokploy.app_name
        report = of.simulation.healthz(str(name))
        assert report is not None
        unsaved = {**report, "work": {"state": "Unsaved", "uncommitted": 1, "unpushed": 0}}
        of.simulation.overrides[str(name)] = unsaved
        await asyncio.sleep(30)
        assert await of.ready() == ("False", "WorkUnsaved")
        assert of.applications() == [name]
        of.simulation.overrides[str(name)] = report


async def test_somebody_elses_container_on_a_volume_is_waited_for_and_told_of():
    async with world() as of:
        async with deleted(of):
            session = await of.session()
            volume = Identity.of(session, instance=INSTANCE).volume("workspace")
            stranger = await borrow(of, volume)
            await asyncio.sleep(30)
            assert "still holds the volume" in await told(of)
            assert volume in of.simulation.volumes()
            await of.dokploy.call("application.delete", "POST", {"applicationId": stranger}, KEY)
        assert of.simulation.violations == []


async def borrow(of: World, volume: str) -> str:
    """Let a stranger's container use a volume, once ours has gone; gives the application's id."""
    environment = next(iter(of.dokploy.database.tables["environment"]))
    given = {"name": "x", "appName": "stranger", "environmentId": environment, "description": ""}
    answer = await of.dokploy.call("application.create", "POST", given, KEY)
    row = json.loads(answer.body)
    ref = {"applicationId": row["applicationId"]}
    mount = {"type": "volume", "serviceType": "application", "serviceId": row["applicationId"]}
    await of.dokploy.call("mounts.create", "POST", {**mount, "volumeName": volume, "mountPath": "/w"}, KEY)
    source = {"sourceType": "docker", "dockerImage": "sim/ok"}
    await of.dokploy.call("application.update", "POST", {**ref, **source}, KEY)
    while of.simulation.containers:
        await asyncio.sleep(0.01)
    await of.dokploy.call("application.reload", "POST", {**ref, "appName": row["appName"]}, KEY)
    return str(row["applicationId"])
