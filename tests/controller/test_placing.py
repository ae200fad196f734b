"""A session has one place (law S14): another target is refused, and a target that is gone has a way out."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import asynccontextmanager

import pytest

from controller.explain import explain
from crds.base import Key, ObjectMeta
from crds.session import Session, TargetReference
from crds.target import Target
from dokploy.client import HttpDokploy
from dokploy.errors import Invalid
from dokploy.local.dokploy import LocalDokploy
from dokploy.local.server import create_app
from dokploy.local.simulation import Simulation, loop_clock
from tests.controller.world import KEY, Transport, World, target, world

pytestmark = pytest.mark.looptime

SECOND_URL = "http://second.test"


@asynccontextmanager
async def two_dokploys(*, seed: int = 7):
    """A world in which another Dokploy answers at SECOND_URL; nothing names it yet."""
    async with world() as of:
        clock = loop_clock()
        second = LocalDokploy(Simulation(clock=clock), admin_key=KEY, clock=clock, seed=seed)
        await second.start()
        app = create_app(second)
        real = of.connect

        def connect(target, key):
            if not str(target.spec.url).startswith(SECOND_URL):
                return real(target, key)
            return HttpDokploy(target.spec.url, key, transport=Transport(app), jitter=lambda: 0.5)

        of.connect = connect
        try:
            yield of, second
        finally:
            while of._controllers:
                await of.kill_controller()
            await second.aclose()


def applications(dokploy: LocalDokploy) -> list[str]:
    return sorted(row["appName"] for row in dokploy.database.tables["application"].values())


async def declare_target(of: World, name: str, url: str = SECOND_URL) -> None:
    one = target(url=url)
    await of.records.create(one.model_copy(update={"metadata": ObjectMeta(name=name)}))


async def retarget(of: World, name: str, url: str) -> None:
    stored = await of.records.get(Target, Key("", name))
    spec = stored.spec.model_copy(update={"url": url})
    await of.records.update(stored.model_copy(update={"spec": spec}))


async def condition(of: World, kind: str, name: str = "fix-login") -> tuple[str, str, str]:
    conditions = (await of.session(name)).status.conditions
    return next((c.status.value, c.reason, c.message) for c in conditions if c.type == kind)


def events(of: World, reason: str) -> list[str]:
    return [event.message for event in of.records.all_events if event.reason == reason]


async def test_the_place_is_on_record_before_anything_is_made():
    async with world() as of:
        of.run_controller()
        announced = []
        write = of.records.update_status

        async def noting(kind, key, **given):
            if kind is Session and given["status"].dokploy.intent is not None:
                announced.append(given["status"].dokploy.target)
            return await write(kind, key, **given)

        of.records.update_status = noting
        await of.declare()
        await of.until_ready()
        stored = await of.records.get(Target, Key("", "default"))
        place = announced[0]
        assert (place.name, place.uid) == ("default", stored.metadata.uid)
        assert (await of.session()).status.dokploy.target == place


async def test_another_target_is_refused_and_nothing_is_touched():
    async with two_dokploys() as (of, second):
        of.run_controller()
        await declare_target(of, "second")
        await of.declare()
        await of.until_ready()
        before = of.calls()
        await of.change(target=TargetReference(name="second"))
        await asyncio.sleep(60)
        assert (await condition(of, "Admitted"))[:2] == ("False", "TargetChangeRefused")
        assert (await of.ready())[1] == "TargetChangeRefused"
        assert "set it back to 'default'" in (await condition(of, "Admitted"))[2]
        assert await of.phase() == "Error"
        assert not of.changes_since(before)
        assert applications(second) == []
        await of.change(target=TargetReference(name="default"))
        await of.until_ready()
        assert not of.changes_since(before)


async def test_a_session_that_names_another_target_is_stopped_and_deleted_where_it_is():
    async with two_dokploys() as (of, second):
        of.run_controller()
        await declare_target(of, "second")
        await of.declare()
        await of.until_ready()
        await of.change(target=TargetReference(name="second"), operating_mode="Stopped")
        await asyncio.sleep(30)
        assert {service.spec.replicas for service in of.dokploy.swarm.services.values()} == {0}
        await of.delete()
        await of.until_gone()
        assert of.applications() == []
        assert applications(second) == []


async def test_before_anything_was_made_the_target_is_free():
    async with two_dokploys() as (of, second):
        of.run_controller()
        await of.declare(target=TargetReference(name="absent"))
        await asyncio.sleep(5)
        assert (await condition(of, "Admitted"))[1] == "TargetNotFound"
        await declare_target(of, "second")
        await of.change(target=TargetReference(name="second"))
        async with asyncio.timeout(60):
            while not applications(second):
                await asyncio.sleep(0.1)
        assert of.applications() == []
        assert (await of.session()).status.dokploy.target.name == "second"


async def test_a_target_named_just_before_the_create_is_where_it_is_made():
    async with two_dokploys() as (of, second):
        of.run_controller()
        await declare_target(of, "second")
        await asyncio.sleep(5)
        claim = of.records.claim

        async def claiming(given):
            of.records.claim = claim
            await claim(given)
            await of.change(target=TargetReference(name="second"))

        of.records.claim = claiming
        await of.declare()
        await asyncio.sleep(30)
        assert of.applications() == []
        assert len(applications(second)) == 1
        assert (await condition(of, "Admitted"))[0] == "True"


async def test_a_record_without_a_place_is_where_it_is_declared_to_be():
    """As an earlier version has left it."""
    async with world() as of:
        of.run_controller()
        await of.declare()
        await of.until_ready()
        await of.kill_controller()
        session = await of.session()
        place = session.status.dokploy.target
        known = session.status.dokploy.model_copy(update={"target": None})
        await of.records.update_status(
            Session,
            session.key,
            uid=session.metadata.uid,
            status=session.status.model_copy(update={"dokploy": known}),
        )
        before = of.calls()
        of.run_controller()
        await asyncio.sleep(30)
        assert (await of.session()).status.dokploy.target == place
        assert not of.changes_since(before)


@pytest.mark.parametrize("seed", [7, 0], ids=["another", "a copy of its database"])
async def test_a_target_that_leads_to_another_dokploy_makes_no_twin(seed):
    """Seed 0 draws the same ids as the first Dokploy has, its organisation's among them."""
    async with two_dokploys(seed=seed) as (of, second):
        of.run_controller()
        await of.declare()
        await of.until_ready()
        before = of.calls()
        await retarget(of, "default", SECOND_URL)
        await asyncio.sleep(120)
        assert applications(second) == []
        assert (await condition(of, "Admitted"))[:2] == ("False", "TargetReplaced")
        assert "http://dokploy.test" in (await condition(of, "Admitted"))[2]
        await retarget(of, "default", "http://dokploy.test")
        await of.until_ready()
        await asyncio.sleep(30)
        assert not of.changes_since(before)
        assert (await condition(of, "Admitted"))[0] == "True"


async def test_another_address_of_the_same_dokploy_is_followed():
    async with world() as of:
        of.run_controller()
        await of.declare()
        await of.until_ready()
        before = of.calls()
        await retarget(of, "default", "http://moved.test")
        await asyncio.sleep(60)
        assert (await of.ready())[0] == "True"
        assert str((await of.session()).status.dokploy.target.url).startswith("http://moved.test")
        assert not of.changes_since(before)


async def test_many_sessions_of_a_replaced_target_are_no_mass_absence():
    async with two_dokploys() as (of, second):
        of.run_controller()
        for number in range(4):
            await of.declare(f"s{number}")
        for number in range(4):
            await of.until_ready(f"s{number}")
        await retarget(of, "default", SECOND_URL)
        await asyncio.sleep(60)
        assert {(await condition(of, "Admitted", f"s{number}"))[1] for number in range(4)} == {
            "TargetReplaced"
        }
        assert (await of.records.get(Target, Key("", "default"))).status.freeze is None
        assert applications(second) == []


async def test_a_target_that_is_declared_again_under_its_name_is_the_same_place():
    async with world() as of:
        of.run_controller()
        await of.declare()
        await of.until_ready()
        before = of.calls()
        await of.records.delete(Target, Key("", "default"))
        await asyncio.sleep(5)
        assert (await condition(of, "Admitted"))[:2] == ("False", "TargetNotFound")
        assert (await of.ready())[1] == "TargetNotFound"
        await declare_target(of, "default", "http://dokploy.test")
        await of.until_ready()
        again = await of.records.get(Target, Key("", "default"))
        assert (await of.session()).status.dokploy.target.uid == again.metadata.uid
        assert not of.changes_since(before)


async def test_a_deletion_whose_target_is_gone_says_so_and_goes_on_when_it_is_back():
    async with world() as of:
        of.run_controller()
        await of.declare()
        await of.until_ready()
        await of.records.delete(Target, Key("", "default"))
        await of.delete()
        await asyncio.sleep(60)
        assert (await condition(of, "Admitted"))[:2] == ("False", "TargetNotFound")
        status, reason, message = await condition(of, "Ready")
        assert (status, reason) == ("False", "TargetNotFound")
        assert "berth delete session fix-login --orphan" in message
        await declare_target(of, "default", "http://dokploy.test")
        await of.until_gone()
        assert of.applications() == []


async def orphan(of: World, name: str = "fix-login") -> None:
    session = await of.session(name)
    annotations = {**session.metadata.annotations, "berth.dev/orphan": "true"}
    meta = session.metadata.model_copy(update={"annotations": annotations})
    await of.records.update(session.model_copy(update={"metadata": meta}))


async def test_what_is_given_up_is_told_and_left():
    async with world() as of:
        of.run_controller()
        await of.declare()
        await of.until_ready()
        session = await of.session()
        before = of.calls()
        await of.records.delete(Target, Key("", "default"))
        await of.delete()
        await asyncio.sleep(5)
        await orphan(of)
        await of.until_gone()
        (message,) = events(of, "Orphaned")
        assert session.status.dokploy.app_name in message
        assert all(volume in message for volume in session.status.dokploy.storage)
        assert "'default'" in message
        assert not of.changes_since(before)
        # The target comes back: the sweep finds the application and deletes it, and reports the volumes.
        await declare_target(of, "default", "http://dokploy.test")
        await asyncio.sleep(of.pacing.sweep * 2 + 60)
        assert of.applications() == []
        swept = (await of.records.get(Target, Key("", "default"))).status.sweep
        assert swept.counts["OrphanVolume"] == 2


async def test_a_session_whose_target_answers_is_deleted_and_not_given_up():
    async with world() as of:
        of.run_controller()
        await of.declare()
        await of.until_ready()
        await orphan(of)
        await of.delete()
        await of.until_gone()
        assert of.applications() == []
        assert not events(of, "Orphaned")


async def test_what_was_never_made_goes_without_its_target():
    async with world() as of:
        of.run_controller()
        await of.declare(target=TargetReference(name="absent"))
        await asyncio.sleep(5)
        await of.delete()
        await of.until_gone(within=10)
        assert not events(of, "Orphaned")


async def test_a_create_that_was_refused_leaves_no_place():
    async with world() as of:
        failing = dataclasses.replace(of, connect=lambda target, key: _Refusing(of.connect(target, key)))
        failing.run_controller()
        await of.declare()
        await asyncio.sleep(10)
        session = await of.session()
        assert not session.is_placed
        await of.records.delete(Target, Key("", "default"))
        await of.delete()
        await of.until_gone(within=10)


class _Refusing:
    """A Dokploy that takes no new application."""

    def __init__(self, dokploy) -> None:
        self._dokploy = dokploy

    def __getattr__(self, name):
        return getattr(self._dokploy, name)

    async def create_application(self, **_given):
        raise Invalid("application.create", "refused")


async def test_an_explanation_names_the_obstacle_and_promises_nothing():
    async with two_dokploys() as (of, _):
        of.run_controller()
        await of.declare()
        await of.until_ready()
        session = await of.session()
        moved = session.spec.model_copy(update={"target": TargetReference(name="second")})
        told = await explain(of.records, session.model_copy(update={"spec": moved}))
        assert ("cannot be moved to 'second'" in told.why, told.actions) == (True, ())
        await retarget(of, "default", SECOND_URL)
        await asyncio.sleep(20)
        told = await explain(of.records, await of.session())
        assert ("leads to another Dokploy" in told.why, told.actions) == (True, ())
        await of.records.delete(Target, Key("", "default"))
        await of.delete()
        await asyncio.sleep(5)
        told = await explain(of.records, await of.session())
        assert ("--orphan" in told.why, told.actions) == (True, ())


async def test_a_deletion_whose_target_does_not_answer_names_the_way_out_and_takes_it():
    async with world() as of:
        of.run_controller()
        await of.declare()
        await of.until_ready()
        app_name = (await of.session()).status.dokploy.app_name
        await retarget(of, "default", "http://nowhere.test")
        of.dokploy.up = False
        await of.delete()
        await asyncio.sleep(60)
        status, reason, message = await condition(of, "Ready")
        assert (status, reason) == ("False", "TargetUnreachable")
        assert "berth delete session fix-login --orphan" in message
        assert (await condition(of, "Admitted"))[0] == "True", "it may come back"
        await orphan(of)
        await of.until_gone()
        (told,) = events(of, "Orphaned")
        assert app_name in told
