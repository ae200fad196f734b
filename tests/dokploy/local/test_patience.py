"""A container is replaced when it is dead, and not because somebody was late."""

from __future__ import annotations

import asyncio
import time

import pytest

from controller.desired import HTTP_CHECK
from crds.container import HealthCheck
from dokploy.local.patience import Restraint, ends_within
from dokploy.local.simulation import Script
from tests.dokploy.local.world import World

CHECK = HealthCheck()
DEFAULT = {
    "Test": ["CMD-SHELL", HTTP_CHECK.format(path=CHECK.path, port=3000, seconds=10)],
    "Interval": int(CHECK.interval.seconds * 1e9),
    "Timeout": int(CHECK.timeout.seconds * 1e9),
    "StartPeriod": int(CHECK.start_period.seconds * 1e9),
    "Retries": CHECK.retries,
}
"""What a target declares that says nothing of it."""


@pytest.mark.looptime
@pytest.mark.parametrize("seconds", [20, 60, 170])
async def test_a_container_that_is_silent_for_a_while_is_kept(world, seconds):
    row = await world.run(healthCheckSwarm=DEFAULT)
    await world.until(row, "1/1")
    (container,) = world.simulation.running(row["appName"])
    container.freeze()
    await asyncio.sleep(seconds)
    container.thaw()
    await asyncio.sleep(1200)
    assert world.simulation.started == 1
    assert await world.replicas(row) == "1/1"


@pytest.mark.looptime
async def test_one_that_is_silent_for_minutes_is_replaced(world):
    row = await world.run(healthCheckSwarm=DEFAULT)
    await world.until(row, "1/1")
    (container,) = world.simulation.running(row["appName"])
    container.freeze()
    await asyncio.sleep(600)
    await world.until(row, "1/1")
    assert world.simulation.started == 2


@pytest.mark.looptime
async def test_one_that_is_dead_is_replaced_at_once(world):
    row = await world.run(healthCheckSwarm=DEFAULT)
    await world.until(row, "1/1")
    (container,) = world.simulation.running(row["appName"])
    container.exit(137)
    # The declared delay, the start, and the first look at it.
    assert await world.until(row, "0/1") < 1
    assert await world.until(row, "1/1") < 2 + 1 + CHECK.interval.seconds


async def after(*steps: float) -> None:
    for seconds in steps:
        await asyncio.sleep(seconds)


async def test_a_checker_that_was_stopped_does_not_count_its_own_delay():
    loop = asyncio.get_running_loop()
    loop.call_later(0.05, lambda: time.sleep(1.0))  # all of the patience, and nobody looked
    answer = loop.create_task(after(0.3, 0.1))
    assert await ends_within(answer, 0.9)


async def test_a_machine_that_was_suspended_does_not_count_the_time(monkeypatch):
    loop, leap = asyncio.get_running_loop(), [0.0]
    real = loop.time
    monkeypatch.setattr(loop, "time", lambda: real() + leap[0])
    answer = loop.create_future()

    def suspended() -> None:
        leap[0] = 60.0
        loop.call_later(0.3, answer.set_result, True)

    loop.call_later(0.05, suspended)
    assert await ends_within(answer, 0.8)


@pytest.mark.looptime
async def test_silence_is_counted_while_the_checker_looks():
    began = asyncio.get_running_loop().time()
    silent = asyncio.get_running_loop().create_future()
    assert not await ends_within(silent, 3.0)
    assert asyncio.get_running_loop().time() - began == pytest.approx(3.0)
    assert not silent.cancelled()


@pytest.mark.looptime
async def test_starts_under_way_are_bounded_and_all_come_up():
    world = World(restraint=Restraint(starts=2))
    await world.open()
    world.simulation.images["slow:1"] = Script(healthy_after=3.0)
    rows = [await world.run(f"s-{number}", dockerImage="slow:1") for number in range(6)]
    most = 0
    while world.simulation.started < 6 or any([await world.replicas(row) != "1/1" for row in rows]):
        await asyncio.sleep(0.25)
        starting = [row for row in rows if await world.replicas(row) == "0/1"]
        most = max(most, world.simulation.started - (6 - len(starting)))
    assert most == 2
    await world.close()


@pytest.mark.looptime
async def test_a_start_that_waits_for_its_turn_can_be_stopped():
    world = World(restraint=Restraint(starts=1, settled=3600))
    await world.open()
    world.simulation.images["slow:1"] = Script(healthy_after=3000.0)
    await world.run("s-1", dockerImage="slow:1")
    waiting = await world.run("s-2", dockerImage="slow:1")
    await asyncio.sleep(5)
    assert world.simulation.started == 1
    await world.change(waiting, replicas=0)
    await world.until(waiting, "0/0")
    await world.close()


@pytest.mark.looptime
async def test_what_keeps_ending_is_started_ever_later_and_not_all_at_once():
    world = World(restraint=Restraint(longest=30.0))
    await world.open()
    await world.run("s-1", dockerImage="sim/crash:3", healthCheckSwarm=None)
    await asyncio.sleep(600)
    assert 15 < world.simulation.started < 40, "2, 4, 8, 16 s, then every 30 s"
    await world.close()


def test_the_delay_grows_to_a_bound_and_is_drawn_by_chance():
    restraint = Restraint(longest=30.0)
    assert restraint.delay(2.0, 1) == 2.0
    for endings, expected in ((2, 4.0), (3, 8.0), (10, 30.0), (500, 30.0)):
        drawn = {restraint.delay(2.0, endings) for _ in range(50)}
        assert all(0.75 * expected <= seconds <= 1.25 * expected for seconds in drawn)
        assert len(drawn) > 1
    assert Restraint().delay(2.0, 50) == 2.0, "a real Swarm waits as long each time"
