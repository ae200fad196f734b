"""What the model costs: thousands of runs in seconds need a light one."""

from __future__ import annotations

import asyncio
import time

import pytest

from dokploy.local.dokploy import LocalDokploy
from dokploy.local.simulation import Simulation, loop_clock
from tests.dokploy.local.world import KEY

pytestmark = pytest.mark.looptime


def best(times: int, act) -> float:
    """The least CPU time of several tries: other programs can only add to it."""
    spent = []
    for _ in range(times):
        began = time.process_time()
        act()
        spent.append(time.process_time() - began)
    return min(spent)


async def test_an_instance_is_made_in_no_time():
    clock = loop_clock()

    def make() -> None:
        LocalDokploy(Simulation(clock=clock), admin_key=KEY, clock=clock)

    assert best(20, make) < 0.002


async def test_listings_of_a_thousand(world):
    rows = [await world.create(f"s-{number}") for number in range(1000)]
    database = world.dokploy.database

    def list_after_a_change() -> None:
        database.set_application(rows[500]["applicationId"], {"applicationStatus": "done"})
        assert len(database.overview()) > 300_000

    database.overview()
    assert best(5, list_after_a_change) < 0.01
    assert best(5, database.overview) < 0.001


async def test_nothing_happens_where_nothing_changes(world):
    rows = [await world.run(f"s-{number}") for number in range(50)]
    await world.until(rows[-1], "1/1")
    await asyncio.sleep(20)
    began = time.process_time()
    await asyncio.sleep(24 * 3600)
    assert time.process_time() - began < 0.05
    assert await world.replicas(rows[0]) == "1/1"


async def test_the_same_seed_draws_the_same_world():
    async def story() -> list[object]:
        clock = loop_clock()
        dokploy = LocalDokploy(Simulation(clock=clock, seed=7), admin_key=KEY, clock=clock, seed=7)

        async def call(name: str, /, **given: object) -> object:
            answer = await dokploy.call(name, "POST", given, KEY)
            return answer.body

        made = [await call("project.create", name="p")]
        environment = next(iter(dokploy.database.tables["environment"]))
        made += [await call("application.create", name=f"s{n}", environmentId=environment) for n in range(3)]
        ids = list(dokploy.database.tables["application"])
        for application_id in ids:
            await call(
                "application.update",
                applicationId=application_id,
                sourceType="docker",
                dockerImage="sim/crash:1",
            )
            await call("application.reload", applicationId=application_id, appName="x")
        await asyncio.sleep(60)
        for service in dokploy.swarm.services.values():
            made += [(task.task_id, task.state) for task in service.tasks]
        await dokploy.aclose()
        return made

    assert await story() == await story()
