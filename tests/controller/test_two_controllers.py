"""Two controllers at work for some seconds: whoever planned from what the other has changed since does
nothing, and says nothing."""

from __future__ import annotations

import asyncio

import pytest

from controller.loop import Controller
from controller.reconcile import reconcile
from crds.base import Key
from crds.session import EnvVar, Session
from records.errors import Conflict
from tests.controller.world import NAMESPACE, World, world

pytestmark = pytest.mark.looptime

KEY = Key(NAMESPACE, "fix-login")


async def settled(of: World) -> tuple[Controller, Session]:
    """A controller that is left with nothing to do, and the session as it read it."""
    controller = of.run_controller()
    await of.declare()
    await of.until_ready()
    await asyncio.sleep(60)
    return controller, await of.session()


async def written_by_the_other(of: World, seen: Session) -> Session:
    status = seen.status.model_copy(update={"restarts": seen.status.restarts + 1})
    return await of.records.update_status(Session, KEY, uid=seen.metadata.uid, status=status)


async def one_pass(controller: Controller, session: Session) -> None:
    view, live = controller.views.get(KEY), controller.fleet.get("default")
    assert view is not None
    inputs = await controller._gather(session, view, live)
    await reconcile(session, inputs, live, controller._context)


async def test_a_plan_from_before_the_other_wrote_is_not_carried_out():
    async with world() as of:
        controller, seen = await settled(of)
        newest = await written_by_the_other(of, seen)
        spec = seen.spec.model_copy(update={"env": (EnvVar(name="A", value="b"),)})
        meta = seen.metadata.model_copy(update={"generation": seen.metadata.generation + 1})
        before = of.calls()
        with pytest.raises(Conflict):
            await one_pass(controller, seen.model_copy(update={"spec": spec, "metadata": meta}))
        assert not of.changes_since(before)
        assert (await of.session()).status == newest.status


async def test_a_status_from_before_the_other_wrote_does_not_overwrite_it():
    """It would take back conditions with their times, and an observedGeneration (law S4)."""
    async with world() as of:
        controller, seen = await settled(of)
        stale = seen.model_copy(update={"status": seen.status.model_copy(update={"restarts": 7})})
        newest = await written_by_the_other(of, seen)
        shown = stale.model_copy(
            update={"status": stale.status.model_copy(update={"observed_generation": 0})}
        )
        with pytest.raises(Conflict):
            await one_pass(controller, shown)
        assert (await of.session()).status == newest.status


async def test_who_came_second_looks_again_and_goes_on():
    async with world() as of:
        controller, seen = await settled(of)
        passes = iter([Conflict("the other was first")])
        update_status = of.records.update_status

        async def contested(kind, key, **given):
            if kind is Session and (conflict := next(passes, None)):
                raise conflict
            return await update_status(kind, key, **given)

        of.records.update_status = contested
        await of.change(env=(EnvVar(name="A", value="b"),))
        await of.until_ready()
        assert (await of.session()).status.revision.running != seen.status.revision.running
        assert of.calls()["application.reload"] == 2
        assert controller.queue.active == 0
