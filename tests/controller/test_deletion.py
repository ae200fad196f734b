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
from crds.base import Key, ObjectMeta
from crds.session import SessionFields, SessionTemplate, Storage
from records.errors import Conflict
from tests.controller.world import KEY, NAMESPACE, Transport, World, world
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
FORBIDDEN = {"message": "FORBIDDEN", "code": "FORBIDDEN", "data": {"path": CONTAINERS}}
REFUSALS = {
    "unknown": httpx.Response(404, json=UNKNOWN),
    "not there": httpx.Response(404, json={**UNKNOWN, "data": {"path": CONTAINERS}}),
    "forbidden": httpx.Response(403, json=FORBIDDEN),
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


# -- work that would be lost -----------------------------------------------------------------


async def running(of: World, **spec: object) -> str:
    """A session that runs, and whose container has told of its work; the name of its application."""
    of.run_controller()
    await of.declare(**spec)
    await of.until_ready()
    await asyncio.sleep(45)
    assert await work_saved(of) == ("True", "Saved")
    return str((await of.session()).status.dokploy.app_name)


async def work_saved(of: World) -> tuple[str, str]:
    found = next(c for c in (await of.session()).status.conditions if c.type == "WorkSaved")
    return found.status.value, found.reason


async def held_up(of: World, reason: str, *, seconds: float = 90.0) -> None:
    """The deletion waits, says why and what to do, and nothing of the session was touched."""
    before = of.calls()
    await asyncio.sleep(seconds)
    assert await of.ready() == ("False", reason)
    assert await of.phase() == "Deleting"
    message = await told(of)
    assert "berth undelete session fix-login" in message
    assert "--force" in message
    assert of.changes_since(before) == Counter()
    assert len(of.applications()) == 1
    assert len(of.simulation.volumes()) == 2
    assert (await of.session()).status.dokploy.removing_since is None


@pytest.mark.parametrize("seconds", [0.0, 0.5, 3.0, 8.0, 20.0, 35.0])
async def test_work_of_any_age_holds_a_deletion_up(seconds: float):
    """A container tells its work from memory for a while, and its session is read now and then."""
    async with world() as of:
        await running(of)
        await of.edit()
        await asyncio.sleep(seconds)
        await of.delete()
        await held_up(of, "WorkUnsaved", seconds=30)
        assert "1 file uncommitted" in await told(of)
        await of.edit(files=0)
        await of.until_gone()
        assert of.simulation.volumes() == ()
        assert of.simulation.lost == []


async def test_a_deletion_that_waits_is_undone_and_the_session_goes_on_as_before():
    async with world() as of:
        await running(of)
        boot = of.simulation.containers[0].boot
        await of.edit()
        await of.delete()
        await held_up(of, "WorkUnsaved")
        before = of.calls()
        await of.undelete()
        await of.until_ready()
        assert await of.phase() == "Running"
        assert await work_saved(of) == ("False", "Unsaved")
        assert of.changes_since(before) == Counter()
        assert of.simulation.containers[0].boot == boot, "it was not interrupted"
        await of.edit(files=0)
        await of.delete()
        await of.until_gone()


async def test_a_forced_deletion_asks_nobody():
    async with world() as of:
        await running(of)
        await of.edit()
        await of.delete()
        await held_up(of, "WorkUnsaved", seconds=30)
        await of.delete_forced()
        await of.until_gone()
        assert len(of.simulation.lost) == 1, "as it was asked for"


async def test_with_retained_volumes_nothing_is_at_stake():
    async with world() as of:
        await running(of, storage={"on_delete": "Retain"})
        await of.edit()
        await of.delete()
        await of.until_gone()
        assert len(of.simulation.volumes()) == 2


@pytest.mark.parametrize("policy", ["Delete", "Retain"])
async def test_no_record_goes_that_could_have_been_kept(policy: str):
    """The end of a record is a step as well: where there was no application, it is the only one."""
    async with world() as of:
        of.run_controller()
        await of.declare("made", storage={"on_delete": policy})
        await of.declare("legacy", operating_mode="Legacy", storage={"on_delete": policy})
        await of.until_ready("made")
        going = {}
        of.records.on_removal = lambda session: going.update({session.metadata.name: session})
        for name in ("made", "legacy"):
            await of.delete(name)
            await of.until_gone(name)
        assert all(session.status.dokploy.removing_since for session in going.values())
        assert set(going) == {"made", "legacy"}


async def test_a_deletion_cannot_be_undone_once_something_is_removed():
    async with world() as of, deleted(of):
        await asyncio.sleep(1.5)
        assert (await of.session()).status.dokploy.removing_since is not None
        with pytest.raises(Conflict):
            await of.undelete()


class Undone(Transport):
    """The deletion is undone just before the application would be deleted."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("deployment.queueList") and not self.done:
            session = await self.of.session()
            if session.metadata.deletion_timestamp is not None:
                self.done = True
                await self.of.undelete()
        return await super().handle_async_request(request)


async def test_a_deletion_that_is_undone_in_the_middle_of_a_pass_removes_nothing():
    async with world() as of:
        transport = reached_by(of, Undone)
        transport.of, transport.done = of, False
        await running(of)
        before = of.calls()
        await of.delete()
        await asyncio.sleep(60)
        assert transport.done
        assert of.changes_since(before) == Counter()
        await of.until_ready()
        assert len(of.applications()) == 1


class Refusing(Transport):
    """Refuses to delete an application."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("application.delete"):
            return httpx.Response(413)
        return await super().handle_async_request(request)


async def test_a_deletion_that_dokploy_refuses_can_still_be_undone():
    async with world() as of:
        reached_by(of, Refusing)
        await running(of)
        await of.delete()
        await asyncio.sleep(30)
        assert len(of.applications()) == 1
        assert (await of.session()).status.dokploy.removing_since is None
        await of.undelete()
        await of.until_ready()


async def test_a_container_of_an_older_image_is_not_believed_by_what_it_says_unasked():
    async with world() as of:
        name = await running(of)
        of.simulation.old_images.add(name)
        await of.delete()
        await held_up(of, "WorkUnknown")
        assert "the image of its container is too old to be asked" in await told(of)
        of.simulation.old_images.clear()
        await of.until_gone()


async def test_another_sessions_clean_work_deletes_nothing():
    async with world() as of:
        name = await running(of)
        report = of.simulation.healthz(name)
        assert report is not None
        of.simulation.overrides[name] = {**report, "session": "somebody-else"}
        await of.edit()
        await of.delete()
        await held_up(of, "WorkUnknown")
        assert "leads to the container of another session" in await told(of)


async def test_another_sessions_unsaved_work_holds_no_deletion_up_for_good():
    async with world() as of:
        name = await running(of)
        report = of.simulation.healthz(name)
        assert report is not None
        work = {"state": "Unsaved", "uncommitted": 1, "unpushed": 0}
        of.simulation.overrides[name] = {**report, "session": "somebody-else", "work": work}
        await asyncio.sleep(45)
        assert await work_saved(of) == ("True", "Saved")
        await of.delete()
        await held_up(of, "WorkUnknown")
        del of.simulation.overrides[name]
        await of.until_gone()


async def test_a_container_that_crashes_is_waited_for_and_asked():
    async with world() as of:
        name = await running(of)
        await of.edit()
        of.simulation.kill(name)
        await of.delete()
        await asyncio.sleep(60)
        assert await of.ready() == ("False", "WorkUnsaved")
        assert of.simulation.lost == []


async def test_a_session_whose_container_never_came_up_goes_without_force():
    async with world() as of:
        of.run_controller()
        await of.declare(image="sim/crash:1")
        await asyncio.sleep(60)
        await of.delete()
        await of.until_gone()


async def test_without_a_route_nobody_can_be_asked():
    async with world(route={"pattern": None}) as of:
        of.run_controller()
        await of.declare()
        await of.until_ready()
        await of.delete()
        await held_up(of, "WorkUnknown")
        assert "no route" in await told(of)
        await of.delete_forced()
        await of.until_gone()


@pytest.mark.parametrize("seconds", [0.0, 3.0, 20.0])
async def test_work_from_just_before_a_stop_outlives_a_deletion(seconds: float):
    async with world() as of:
        await running(of)
        await of.edit()
        await asyncio.sleep(seconds)
        await of.stop()
        await of.until("Stopped")
        assert await work_saved(of) == ("False", "Unsaved")
        await of.delete()
        await held_up(of, "WorkUnsaved")


async def test_a_stopped_session_with_saved_work_goes():
    async with world() as of:
        await running(of)
        await of.stop()
        await of.until("Stopped")
        assert await work_saved(of) == ("True", "Saved")
        await of.delete()
        await of.until_gone()


async def test_a_session_that_was_stopped_without_an_answer_is_not_taken_for_saved():
    async with world() as of:
        name = await running(of)
        of.simulation.old_images.add(name)
        await of.edit()
        await of.stop()
        await of.until("Stopped")
        assert await work_saved(of) == ("Unknown", "WorkUnknown")
        await asyncio.sleep(120)
        await of.delete()
        await held_up(of, "WorkUnknown")
        assert "stopped before its container could be asked" in await told(of)


async def test_what_was_read_before_a_stop_outlives_a_controller_that_dies_in_it():
    async with world() as of:
        transport = reached_by(of, Dying)
        transport.of = of
        await running(of)
        await of.edit()
        transport.armed = True
        await of.stop()
        await asyncio.sleep(20)
        assert transport.armed is False
        of.run_controller("two")
        await of.until("Stopped")
        assert await work_saved(of) == ("False", "Unsaved")


class Dying(Transport):
    """Kills the controller once its stop has taken effect."""

    armed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        if self.armed and request.url.path.endswith("application.reload"):
            self.armed = False
            _, task = self.of._controllers.pop()
            task.cancel()
            await asyncio.sleep(0)
        return answer


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


async def test_volumes_stay_where_the_template_that_said_so_is_gone():
    """The session itself says nothing of its storage; that its template cannot be asked is no leave."""
    async with world() as of:
        of.run_controller()
        spec = SessionFields(storage=Storage(on_delete="Retain"))
        meta = ObjectMeta(name="kept", namespace=NAMESPACE)
        await of.records.create(SessionTemplate(metadata=meta, spec=spec))
        await of.declare(template="kept")
        await of.until_ready()
        volumes = of.simulation.volumes()
        await of.records.delete(SessionTemplate, Key(NAMESPACE, "kept"))
        await of.delete()
        await of.until_gone()
        assert of.applications() == []
        assert of.simulation.volumes() == volumes
        assert all(claim.retained for claim in of.records.all_claims.values())
