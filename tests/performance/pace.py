"""P6 and P7: how long things take in virtual time, beside what the calls and the containers take."""

from __future__ import annotations

import asyncio

from controller.queue import Priority, WorkQueue
from crds.container import Build, ContainerDefaults, HealthCheck
from crds.quantity import Duration, PollPeriod
from crds.target import Limits, Poll
from dokploy.local.simulation import BuildScript
from dokploy.local.timings import Timings
from tests.controller.world import world
from tests.performance.row import Row
from tests.performance.scene import declare, slowly, until, until_all_are_ready

LATENCY = 0.05
CHANGES = 6
"""Calls that a create takes, with two volumes and a route."""
CALLS = CHANGES + 1
"""... and the one look at its tasks, without which nobody knows that the right one runs."""
START = 1.5
"""Seconds from an apply to a healthy container in the simulation, its first health check included."""
BACKOFF_CAP = 60.0
_REPOSITORY = "https://git.test/image"


def now() -> float:
    return asyncio.get_running_loop().time()


def ideal_makespan(number: int, *, in_flight: int, per_second: float) -> float:
    """Whatever is scarcer: places in flight, or starts in a second."""
    seconds = CALLS * LATENCY + 2 * Timings().engine  # of a create and a reload, beside the way
    return max(number * seconds / in_flight, number * CALLS / per_second) + START


async def makespan(number: int, *, in_flight: int, per_second: float) -> list[Row]:
    """P6: from the declaration of so many sessions at once to the last one's Ready."""
    limits = Limits(calls_in_flight=in_flight, calls_per_second=per_second)
    async with world(limits=limits, poll=Poll(fast=PollPeriod("2s"))) as of:
        slowly(of, LATENCY)
        of.run_controller()
        await asyncio.sleep(5)
        began = now()
        await declare(of, number)
        await until_all_are_ready(of)
        ours = now() - began
    what = f"makespan of {number:,} creates, {in_flight} calls in flight, {per_second:g} a second"
    ideal = ideal_makespan(number, in_flight=in_flight, per_second=per_second)
    return [Row("P6", what, ours, ideal, "s", bound=1.05)]


async def makespan_of_builds(number: int, *, at_once: int, lasting: float) -> list[Row]:
    """P6: the same where Dokploy must build, so many at once."""
    async with world() as of:
        of.dokploy.set_concurrency(at_once)
        of.simulation.builds[_REPOSITORY] = BuildScript(seconds=lasting)
        slowly(of, LATENCY)
        of.run_controller()
        await asyncio.sleep(5)
        began = now()
        await declare(of, number, image=None, build=Build(repository=_REPOSITORY))
        await until_all_are_ready(of)
        ours = now() - began
    what = f"makespan of {number} builds of {lasting:g} s, {at_once} at once"
    return [Row("P6", what, ours, number * lasting / at_once + START, "s", bound=1.05)]


async def first_call() -> list[Row]:
    """P6: from the declaration to the first call, nothing else being under way."""
    async with world() as of:
        transport = slowly(of, LATENCY)
        of.run_controller()
        await asyncio.sleep(5)
        began = now()
        await of.declare()
        await of.until_ready()
        waited = next(at for at, name in transport.began if name == "application.create") - began
        return [Row("P6", "declaration to first call, idle pool", round(waited, 3), 0, "s", bound="exact")]


async def next_in_line() -> list[Row]:
    """P6: how many of a thousand resyncs go before a person's change."""
    queue: WorkQueue[str] = WorkQueue()
    for index in range(1000):
        queue.add(f"resync-{index}")
    queue.add("person", Priority.PERSON)
    before = 0
    while await queue.get() != "person":
        before += 1
    return [Row("P6", "keys before a person's, 1,000 resyncs queued", before, 0, bound="exact")]


async def time_to_ready(start: float) -> list[Row]:
    """P7: one session whose container takes so long to be healthy."""
    patient = ContainerDefaults(
        health_check=HealthCheck(interval=Duration("1s"), start_period=Duration("60s"))
    )
    async with world(poll=Poll(fast=PollPeriod("1s")), container=patient) as of:
        slowly(of, LATENCY)
        of.run_controller()
        await asyncio.sleep(5)
        began = now()
        await of.declare(image=f"sim/slow-start:{start:g}")
        await until(lambda: any(c.serving for c in of.simulation.containers), step=0.01)
        container = now() - began
        await of.until_ready()
        ours = now() - began
    what = f"time to Ready, listed each second, a container of {start:g} s"
    return [Row("P7", what, ours, container + 2 * LATENCY, "s", bound=1.1)]


async def after_an_outage(number: int, lasting: float) -> list[Row]:
    """P7: so many sessions are declared while Dokploy is down for so long."""
    per_second = 20
    async with world(limits=Limits(calls_per_second=per_second)) as of:
        transport = slowly(of, LATENCY)
        of.run_controller()
        await of.declare("first")
        await of.until_ready("first")
        of.dokploy.up = False
        began = now()
        await asyncio.sleep(lasting / 2)
        await declare(of, number)
        await asyncio.sleep(lasting / 2)
        of.dokploy.up = True
        await until_all_are_ready(of)
        ours = now() - began
        most = most_in_a_second([at for at, _ in transport.began])
    ideal = lasting + BACKOFF_CAP + ideal_makespan(number, in_flight=8, per_second=per_second)
    what = f"after an outage of {lasting:g} s, {number} creates"
    return [
        Row("P7", f"recovery {what}", ours, ideal, "s", bound=1),
        Row("P7", f"most calls in a second {what}", most, per_second, bound=1),
    ]


def most_in_a_second(times: list[float]) -> int:
    """The most of these moments, in their order, that lie within any second."""
    most = first = 0
    for last, time in enumerate(times):
        while time - times[first] >= 1 - 1e-6:
            first += 1
        most = max(most, last - first + 1)
    return most
