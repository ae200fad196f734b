"""What went wrong inside a container is told outside: in a condition, and by an event, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from tests.controller.world import World, world

pytestmark = pytest.mark.looptime


async def say(of: World, **answer: object) -> None:
    """The session's container says this from now on; long enough to be heard."""
    name = str((await of.session()).status.dokploy.app_name)
    of.simulation.overrides.pop(name, None)
    report = of.simulation.healthz(name)
    assert report is not None
    of.simulation.overrides[name] = {**report, **answer}
    await asyncio.sleep(60)


async def told(of: World, kind: str) -> tuple[str, str, str]:
    found = next(c for c in (await of.session()).status.conditions if c.type == kind)
    return found.status, found.reason, found.message


async def warnings(of: World) -> list[tuple[str, str]]:
    return [(e.reason, e.message) for e in await of.records.list_events() if e.type == "Warning"]


@pytest.mark.parametrize(
    ("reason", "outside"),
    [
        ("SubmodulesMissing", "WorkspaceIncomplete"),
        ("LargeFilesMissing", "WorkspaceIncomplete"),
        ("OtherRepository", "WorkspaceDiffers"),
        ("NotARepository", "WorkspaceDiffers"),
    ],
)
async def test_a_workspace_that_is_not_as_declared_shows_in_conditions_and_events(reason: str, outside: str):
    async with world() as of:
        of.run_controller()
        await of.declare()
        await of.until_ready()
        notice = [{"source": "workspace", "message": "what is wrong"}]
        workspace = {"state": "Ready", "reason": reason, "message": "what is wrong"}
        await say(of, workspace=workspace, notices=notice)
        assert await of.ready() == ("True", "Running")
        assert await told(of, "WorkspaceReady") == ("True", outside, "what is wrong")
        assert await told(of, "Degraded") == ("True", outside, "what is wrong")
        assert await warnings(of) == [(outside, "what is wrong")]
        await say(of)
        assert (await told(of, "Degraded"))[:2] == ("False", "Healthy")


async def test_a_notice_of_the_container_shows_until_it_is_gone():
    async with world() as of:
        of.run_controller()
        await of.declare()
        await of.until_ready()
        await say(of, notices=[{"source": "BERTH_CONSOLE_ORIGIN", "message": "must be an origin"}])
        degraded = ("True", "ContainerNotice", "BERTH_CONSOLE_ORIGIN: must be an origin")
        assert await told(of, "Degraded") == degraded
        assert await warnings(of) == [("ContainerNotice", "BERTH_CONSOLE_ORIGIN: must be an origin")]
        before = (await of.session()).metadata.resource_version
        await asyncio.sleep(600)
        assert (await of.session()).metadata.resource_version == before
        await of.stop()
        await of.until("Stopped")
        assert (await told(of, "Degraded"))[:2] == ("False", "Healthy")


async def test_a_login_that_was_dropped_is_told_with_the_failure_that_it_leads_to():
    async with world() as of:
        of.run_controller()
        await of.declare()
        await of.until_ready()
        workspace = {"state": "Failed", "reason": "AuthenticationFailed", "message": "it wants a login"}
        notices = [{"source": "BERTH_GIT_PASSWORD", "message": "holds a line break"}]
        await say(of, workspace=workspace, notices=notices)
        assert await of.ready() == ("False", "CloneFailed")
        message = "AuthenticationFailed: it wants a login; BERTH_GIT_PASSWORD: holds a line break"
        assert await told(of, "WorkspaceReady") == ("False", "CloneFailed", message)


async def test_a_failure_that_appears_while_it_is_not_ready_has_an_event():
    async with world() as of:
        of.run_controller()
        await of.declare()
        await of.until_ready()
        await say(of, workspace={"state": "Preparing", "reason": "Cloning", "message": "cloning"})
        assert await of.ready() == ("False", "WorkspacePreparing")
        assert await warnings(of) == []
        await say(of, workspace={"state": "Failed", "reason": "RefNotFound", "message": "no branch nope"})
        assert await of.ready() == ("False", "CloneFailed")
        assert await warnings(of) == [("CloneFailed", "RefNotFound: no branch nope")]
