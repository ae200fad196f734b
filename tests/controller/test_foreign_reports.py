"""Nothing is believed of a container before its session id was compared (law S16), in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from crds.session import Session
from tests.controller.world import World, world

pytestmark = pytest.mark.looptime

THEIRS = {
    "boot": "another boot",
    "workspace": {"state": "Failed", "reason": "CloneFailed", "message": "their clone"},
    "agent": {"state": "Failed", "message": "their agent"},
    "auth": [{"provider": "codex", "state": "Expired", "message": "their login"}],
    "attention": "NeedsApproval",
    "work": {"state": "Unsaved", "uncommitted": 7, "unpushed": 7},
}
"""What another session's container says of itself."""


def told(of: Session) -> dict[str, tuple[str, str, str]]:
    """What only a container can tell, as the session's status has it."""
    reported = {"WorkspaceReady", "AgentReady", "AuthReady", "WorkSaved"}
    return {c.type: (c.status, c.reason, c.message) for c in of.status.conditions if c.type in reported}


async def answering(of: World, **answer: object) -> Session:
    """A running session whose route leads to a container that says this; its record after a while."""
    of.run_controller()
    await of.declare()
    await of.until_ready()
    name = str((await of.session()).status.dokploy.app_name)
    report = of.simulation.healthz(name)
    assert report is not None
    of.simulation.overrides[name] = {**report, **THEIRS, **answer}
    before = await of.session()
    await asyncio.sleep(45)
    after = await of.session()
    assert told(after) == told(before)
    assert after.status.attention == before.status.attention == "Idle"
    assert after.status.dokploy.boot == before.status.dokploy.boot
    assert after.status.revision.running == before.status.revision.running
    assert after.status.restarts == 0
    return after


async def test_what_another_sessions_container_says_is_in_no_word_of_the_status():
    async with world() as of:
        after = await answering(of, session="somebody-else", revision="r9")
        assert await of.ready() == ("False", "HostTaken")
        route = next(c for c in after.status.conditions if c.type == "RouteReady")
        assert (route.status, route.reason) == ("False", "HostTaken")


async def test_another_sessions_report_of_the_declared_revision_is_no_proof_either():
    async with world() as of:
        await answering(of, session="somebody-else")
        assert await of.ready() == ("False", "HostTaken")


async def test_a_container_without_a_session_id_is_replaced_and_not_believed():
    async with world() as of:
        of.run_controller()
        await of.declare()
        await of.until_ready()
        before = await of.session()
        name = str(before.status.dokploy.app_name)
        report = of.simulation.healthz(name)
        assert report is not None
        emptied = {**report, **THEIRS, "session": "", "revision": ""}
        of.simulation.overrides[name] = emptied
        applies = of.calls()["application.reload"]
        async with asyncio.timeout(120):
            while of.calls()["application.reload"] == applies:
                await asyncio.sleep(0.5)
                assert (await of.session()).status.attention == "Idle"
                assert told(await of.session()) == told(before)
        del of.simulation.overrides[name]
        await of.until_ready()
