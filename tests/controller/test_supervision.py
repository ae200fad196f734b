"""The controller goes on when one of its tasks ends: only a lost lease or somebody's word ends it."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from controller.leadership import LeadershipLost
from controller.loop import Controller
from controller.supervision import LAST_DELAY, Backoff
from crds.base import Key
from crds.secret import Secret
from records.errors import Expired, Unavailable
from tests.controller.world import KEY, World, world

pytestmark = pytest.mark.looptime


def restarts(controller: Controller, task: str) -> float:
    value = controller._metrics.registry.get_sample_value("berth_task_restarts_total", {"task": task})
    return value or 0.0


def runs(of: World) -> bool:
    return not of._controllers[-1][1].done()


def once(real, error: BaseException):
    """The function, which fails at its first call."""
    failures = [error]

    def call(*given, **named):
        if failures:
            raise failures.pop()
        return real(*given, **named)

    return call


async def still_works(of: World, controller: Controller) -> None:
    await of.declare("after")
    await of.until_ready("after")
    await of.stop("after")
    await of.until("Stopped", "after")
    assert runs(of)
    assert controller._metrics.registry.get_sample_value("berth_pass_bugs_total") == 0


async def test_a_watch_that_expires_while_the_store_fails_goes_on_when_it_answers():
    async with world() as of:
        expiries = iter([Expired("no longer kept")])
        watch = of.records.watch

        async def expiring(kinds, *, since):
            for expired in expiries:
                await asyncio.sleep(5)
                of.records.failing = True
                raise expired
            async for change in watch(kinds, since=since):
                yield change

        of.records.watch = expiring
        controller = of.run_controller()
        await asyncio.sleep(30)
        assert runs(of)
        await of.declare("unheard")
        of.records.failing = False
        await of.until_ready("unheard", within=30)
        await still_works(of, controller)


@pytest.mark.parametrize("name", ["_work", "_sweep", "_resync"])
async def test_a_task_that_fails_is_started_again_and_counted(monkeypatch, name):
    async with world() as of:
        real = getattr(Controller, name)
        failures = [RuntimeError("a bug")] * (16 if name == "_work" else 1)

        async def failing(self: Controller) -> None:
            if failures:
                raise failures.pop()
            await real(self)

        monkeypatch.setattr(Controller, name, failing)
        controller = of.run_controller()
        await asyncio.sleep(2)
        await still_works(of, controller)
        task = {"_work": "worker"}.get(name, name.removeprefix("_"))
        assert restarts(controller, task) == (16 if name == "_work" else 1)


async def test_a_watch_that_fails_unforeseen_is_started_again_where_it_was():
    async with world() as of:
        of.records.watch = once(of.records.watch, RuntimeError("a bug"))
        controller = of.run_controller()
        await still_works(of, controller)
        assert restarts(controller, "watch") == 1


async def test_a_tick_that_fails_outside_of_its_listing_is_started_again():
    async with world() as of:
        controller = of.run_controller()
        fleet = controller.fleet
        fleet._until_due = once(fleet._until_due, RuntimeError("a bug"))
        await still_works(of, controller)
        assert restarts(controller, "tick") == 1


async def test_a_task_that_is_cancelled_from_within_is_started_again():
    async with world() as of:
        controller = of.run_controller()
        await of.declare()
        controller.fleet.get = once(controller.fleet.get, asyncio.CancelledError())
        await of.until_ready()
        await still_works(of, controller)
        assert restarts(controller, "worker") == 1


async def test_a_change_that_cannot_be_taken_keeps_back_no_other_and_is_tried_again():
    async with world() as of:
        controller = of.run_controller()
        await asyncio.sleep(2)
        views = controller.views
        real, fails = views.note, [True]

        def note(session):
            if session.metadata.name == "poison" and fails[0]:
                raise RuntimeError("a bug")
            return real(session)

        views.note = note
        await of.declare("poison")
        await of.declare("good")
        await of.until_ready("good")
        assert controller._metrics.registry.get_sample_value("berth_pass_bugs_total") == 1
        fails[0] = False
        await of.until_ready("poison", within=of.pacing.resync + 10)


async def test_a_change_at_which_the_store_fails_is_taken_when_it_answers():
    """The position of the watch moves on only after a change was taken."""
    async with world() as of:
        keys = []

        def connect(target, key):
            keys.append(key.get_secret_value())
            return of.connect(target, key)

        controller = dataclasses.replace(of, connect=connect).run_controller()
        await asyncio.sleep(2)
        controller.fleet.key_changed = once(controller.fleet.key_changed, Unavailable("the disk is full"))
        secret = await of.records.get(Secret, Key("berth-system", "dokploy"))
        await of.records.update(secret.model_copy(update={"string_data": {"key": "another"}}))
        await asyncio.sleep(5)
        assert keys == [KEY, "another"]


async def test_the_loss_of_the_lease_ends_the_controller():
    async with world() as of:
        of.run_controller()
        await asyncio.sleep(2)
        of.records._leases["controller"] = ("another", float("inf"))
        _, task = of._controllers[-1]
        with pytest.raises(ExceptionGroup) as lost:
            await asyncio.wait_for(task, of.pacing.lease)
        assert lost.group_contains(LeadershipLost)
        of._controllers.clear()


def test_a_backoff_doubles_up_to_its_last_delay_and_begins_anew():
    backoff = Backoff()
    assert [backoff.next() for _ in range(7)] == [1, 2, 4, 8, 16, LAST_DELAY, LAST_DELAY]
    backoff.reset()
    assert backoff.next() == 1
