"""Names and titles in Dokploy's own page: kept as declared, by one call, and worth no restart."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.controller.world import KEY, World, world

pytestmark = pytest.mark.looptime

ONE_UPDATE = Counter({"application.update": 1})
POLL = {"fast": "1s", "slow": "10s", "idle": "30s", "audit": "2m"}


def row(of: World) -> dict[str, Any]:
    """The one application, as Dokploy's page has it."""
    (found,) = of.dokploy.database.tables["application"].values()
    return found


async def running(of: World, **spec: object) -> None:
    of.run_controller()
    await of.declare(title="Fix the login bug", **spec)
    await of.until_ready()
    assert (row(of)["name"], row(of)["description"]) == ("alice/fix-login", "Fix the login bug")


@pytest.mark.parametrize("target", [{}, {"route": {"pattern": None}}], ids=["routed", "unrouted"])
async def test_a_new_title_is_one_call_and_the_container_runs_on(target: dict[str, object]):
    async with world(**target) as of:
        await running(of)
        before, started, was = of.calls(), of.simulation.started, await of.session()
        await of.change(title="Fix the logout bug")
        told: set[tuple[str, str]] = set()
        for _ in range(300):
            await asyncio.sleep(0.1)
            told.add(await of.ready())
        assert of.changes_since(before) == ONE_UPDATE
        assert row(of)["description"] == "Fix the logout bug"
        assert of.simulation.started == started
        assert told == {("True", "Running")}, "it was Ready throughout"
        now = await of.session()
        assert now.status.revision == was.status.revision
        assert now.status.observed_generation == now.metadata.generation
        await of.restart()
        await asyncio.sleep(20)
        env = of.simulation.containers[0].spec.env
        assert env["BERTH_SESSION_TITLE"] == "Fix the logout bug"


async def test_a_new_title_of_a_stopped_session_starts_nothing():
    async with world() as of:
        await running(of)
        await of.stop()
        await of.until("Stopped")
        before = of.calls()
        await of.change(title="Fix the logout bug")
        await asyncio.sleep(60)
        assert of.changes_since(before) == ONE_UPDATE
        assert row(of)["description"] == "Fix the logout bug"
        assert of.simulation.containers == []


async def test_a_title_changed_with_something_else_costs_no_call_of_its_own():
    async with world() as of:
        await running(of)
        before = of.calls()
        await of.change(title="Fix the logout bug", image="sim/other")
        await of.until_ready()
        assert of.changes_since(before) == Counter({"application.update": 1, "application.reload": 1})
        assert of.simulation.containers[0].spec.env["BERTH_SESSION_TITLE"] == "Fix the logout bug"


async def rename(of: World, **fields: str) -> None:
    given = {"applicationId": row(of)["applicationId"], **fields}
    await of.dokploy.call("application.update", "POST", given, KEY)


async def test_a_name_changed_by_an_outsider_is_put_back_at_the_next_tick():
    async with world(poll=POLL) as of:
        await running(of)
        before, started = of.calls(), of.simulation.started
        await rename(of, name="mine", description="hands off")
        await asyncio.sleep(25)
        assert (row(of)["name"], row(of)["description"]) == ("alice/fix-login", "Fix the login bug")
        assert of.changes_since(before) == Counter({"application.update": 2}), "theirs and ours"
        await asyncio.sleep(400)
        assert of.changes_since(before) == Counter({"application.update": 2})
        assert of.simulation.started == started
        assert await of.ready() == ("True", "Running")


async def test_a_description_changed_by_an_outsider_is_put_back_by_the_audit():
    async with world(poll=POLL) as of:
        await running(of)
        before, started = of.calls(), of.simulation.started
        await rename(of, description="hands off")
        await asyncio.sleep(400)
        assert row(of)["description"] == "Fix the login bug"
        assert of.changes_since(before) == Counter({"application.update": 2}), "theirs and ours"
        assert of.simulation.started == started
