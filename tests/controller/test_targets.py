"""What becomes of a connection when its target is declared anew."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from controller.errors import Failure, Next
from crds.base import Key
from crds.target import Target
from crds.vocabulary import Reason
from tests.controller.world import world

pytestmark = pytest.mark.looptime


async def test_a_target_that_moves_while_its_status_is_written_is_followed():
    async with world() as of:
        connected = []

        def connect(target, key):
            connected.append(str(target.spec.url))
            return of.connect(target, key)

        controller = dataclasses.replace(of, connect=connect).run_controller()
        while (live := controller.fleet.get("default")) is None or live.snapshot is None:
            await asyncio.sleep(0.1)
        target = await of.records.get(Target, Key("", "default"))
        spec = target.spec.model_copy(update={"url": "http://moved.test"})
        await of.records.update(target.model_copy(update={"spec": spec}))
        # Before the watch tells of it, the tick writes that the old one failed, and reads the new spec.
        live.failure = Failure(Next.RETRY, Reason.TARGET_UNREACHABLE, "no connection")
        await controller.fleet.report(live)
        await asyncio.sleep(5)
        assert connected[-1] == "http://moved.test"


class Counted:
    """A connection that tells what becomes of it."""

    def __init__(self, dokploy) -> None:
        self._dokploy = dokploy
        self.slow = 0.0
        self.closed = False
        self.called_after = []

    def __getattr__(self, name):
        real = getattr(self._dokploy, name)

        async def call(*given, **named):
            if self.slow and name == "reload_application":
                await asyncio.sleep(self.slow)
            if self.closed:
                self.called_after.append(name)
            return await real(*given, **named)

        return call

    async def aclose(self) -> None:
        self.closed = True
        await self._dokploy.aclose()


async def test_a_connection_ends_after_the_last_pass_that_was_given_it():
    async with world() as of:
        connections = []

        def connect(target, key):
            connections.append(Counted(of.connect(target, key)))
            return connections[-1]

        controller = dataclasses.replace(of, connect=connect).run_controller()
        await asyncio.sleep(2)
        (old,) = connections
        old.slow = 5.0
        await of.declare()
        await asyncio.sleep(1.5)
        target = await of.records.get(Target, Key("", "default"))
        limits = target.spec.limits.model_copy(update={"sessions": 100})
        spec = target.spec.model_copy(update={"limits": limits})
        await of.records.update(target.model_copy(update={"spec": spec}))
        await asyncio.sleep(0.5)
        assert len(connections) == 2, "the new connection takes its place at once"
        assert not old.closed, "a pass is at work on it"
        await of.until_ready()
        assert old.closed
        assert not old.called_after
        assert not connections[1].closed
        assert controller._metrics.registry.get_sample_value("berth_pass_bugs_total") == 0
        assert of.calls()["application.create"] == of.calls()["application.reload"] == 1


async def test_what_a_pass_wrote_over_the_old_connection_counts_on_the_new_one():
    """A listing over the new connection may be older than the last write over the old one (law S7)."""
    async with world() as of:
        controller = of.run_controller()
        session = await of.declare()
        await of.until_ready()
        old = controller.fleet.get("default")
        target = await of.records.get(Target, Key("", "default"))
        spec = target.spec.model_copy(update={"project": "another"})
        await of.records.update(target.model_copy(update={"spec": spec}))
        await asyncio.sleep(2)
        new = controller.fleet.get("default")
        assert new is not old
        assert not new.is_behind(session.key)
        old.wrote(session.key)
        assert new.is_behind(session.key)
