"""What a build becomes while nobody looks."""

from __future__ import annotations

import asyncio

import pytest

from dokploy.local.simulation import BuildScript
from tests.reliability import virtual
from tests.reliability.faults import Fault, Injection
from tests.reliability.scenarios import NAMED
from tests.reliability.search import disturbed, undisturbed
from tests.reliability.world import REPOSITORY, reliability_world


def test_a_build_that_ends_while_no_controller_runs_leads_to_ready():
    """Its container has then run for longer than it is known to be applied, and is not an old one."""

    async def absent() -> None:
        async with reliability_world({REPOSITORY: BuildScript()}) as of:
            of.run_controller()
            await NAMED["create with build"].act(of)
            await of.until("Creating")
            of.lives[-1].died.set()
            await of.kill_controller()
            await asyncio.sleep(120)
            of.run_controller()
            await of.until_ready(within=30)

    virtual.run(absent())


@pytest.mark.parametrize("fault", [Fault.FAILED, Fault.LOST_WRITE, Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_a_build_that_hangs_is_told_at_its_deadline_whatever_the_store_lost(fault: Fault):
    calls = undisturbed("hanging build").calls
    deploy = next(call.number for call in calls if call.name == "application.deploy")
    said = next(call.number for call in calls if call.number > deploy and call.name == "update_status")
    run = disturbed("hanging build", (Injection(said, fault),))
    assert not run.broken, run.told()
