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
