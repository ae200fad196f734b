"""A target's own limits hold in a burst, and with two controllers one after the other (law S6)."""

from __future__ import annotations

import asyncio

import pytest

from crds.target import Limits
from tests.reliability import virtual
from tests.reliability.scenarios import NAMED
from tests.reliability.world import reliability_world

RATE = 5


@pytest.mark.parametrize("hands_over", [False, True])
def test_no_second_has_more_calls_than_the_target_allows(hands_over: bool):
    async def burst() -> None:
        async with reliability_world(limits=Limits(calls_per_second=RATE, calls_in_flight=2)) as of:
            of.watch.rate = RATE
            of.run_controller()
            of.run_controller("standby")
            of.injector.arm()
            await NAMED["burst"].act(of)
            if hands_over:
                await asyncio.sleep(10)
                of.lives[0].died.set()
            for session in await of.sessions():
                await of.until_ready(session.metadata.name, within=300)
            of.watch.farewell()
            assert of.watch.broken == []
            assert len(of.injector.calls) > 100

    virtual.run(burst())
