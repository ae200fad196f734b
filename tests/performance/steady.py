"""What many sessions cost that run as declared: at rest, after a restart, beside one that fails."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import httpx

from controller.loop import Controller
from controller.queue import WorkQueue
from tests.controller.world import Transport, World, world
from tests.performance.row import Row
from tests.performance.scene import converged, declare, reached_by, until, until_all_are_ready, watching

TICKS = 10
_WINDOW = 600.0
_UNTIL_CAPPED = 150.0
"""Seconds after which the backoff has reached its cap of a minute."""


def ticks_of(controller: Controller) -> int:
    found = controller._metrics.registry.get_sample_value("berth_tick_seconds_count", {"target": "default"})
    return int(found or 0)


def running_controller(of: World) -> Controller:
    return of._controllers[-1][0]


async def at_rest(number: int) -> list[Row]:
    """P1 and P4: ten ticks of nothing, and a restart into nothing."""
    async with converged(number) as of:
        return [*await quiet_ticks(of, number), *await restarted(of, number)]


async def quiet_ticks(of: World, number: int) -> list[Row]:
    """P1: what is asked and written while nothing happens."""
    controller = running_controller(of)
    began = ticks_of(controller)
    with watching(of) as made:
        await until(lambda: ticks_of(controller) - began >= TICKS)
    calls = made.listings + sum(made.changes.values()) + sum(made.readings.values())
    what = f"a tick, {number:,} sessions at rest"
    return [
        Row("P1", f"calls {what}", calls / TICKS, 2, bound="exact"),
        Row("P1", f"changing calls {what}", sum(made.changes.values()) / TICKS, 0, bound="exact"),
        Row("P1", f"writes to the records {what}", made.writes / TICKS, 0, bound="exact"),
    ]


async def restarted(of: World, number: int) -> list[Row]:
    """P4: what connecting costs is three readings of version, key and settings, and one of projects."""
    await of.kill_controller()
    with watching(of) as made:
        of.run_controller("two")
        await asyncio.sleep(9)  # less than a slow tick: the first listing alone
    what = f"after a restart, {number:,} sessions"
    return [
        Row("P4", f"listings {what}", made.listings, 2, bound="exact"),
        Row("P4", f"calls to connect {what}", sum(made.readings.values()), 4, bound="exact"),
        Row("P4", f"changing calls {what}", sum(made.changes.values()), 0, bound="exact"),
        Row("P4", f"writes to the records {what}", made.writes, 0, bound="exact"),
    ]


async def passes_for(events: int, *, at_work: bool) -> int:
    """P3: how many passes follow so many requests for one key."""
    queue: WorkQueue[str] = WorkQueue()
    passes = 0

    async def work() -> None:
        nonlocal passes
        while True:
            key = await queue.get()
            passes += 1
            await asyncio.sleep(1)
            queue.done(key)

    worker = asyncio.create_task(work())
    if at_work:
        queue.add("a")
        await asyncio.sleep(0.5)
    before = passes
    for number in range(events):
        queue.add("a")
        if number % 100 == 0:
            await asyncio.sleep(0)  # let the worker see it in the middle of the burst
    await asyncio.sleep(60)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    return passes - before


async def collapsing() -> list[Row]:
    return [
        Row("P3", "further passes for 100 events of a key at work", await passes_for(100, at_work=True), 1,
            bound="exact"),
        Row("P3", "passes for 10,000 duplicates", await passes_for(10_000, at_work=False), 1, bound=2),
    ]  # fmt: skip


class RefusingTransport(Transport):
    """One session's container is never applied: Dokploy answers 500."""

    refused = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        reload = request.url.path.endswith("application.reload")
        if reload and "-session-0-" in json.loads(request.content)["appName"]:
            self.refused += 1
            return httpx.Response(500, json={"message": "Error reloading application"})
        return await super().handle_async_request(request)


async def beside_one_that_fails(number: int) -> list[Row]:
    """P5: one of so many fails for ten minutes."""
    async with world() as of:
        transport = reached_by(of, RefusingTransport)
        of.run_controller()
        await declare(of, number)
        await until_all_are_ready(of, but=1, step=1.0)
        await asyncio.sleep(_UNTIL_CAPPED)
        controller = running_controller(of)
        ticks, tries, log = ticks_of(controller), transport.refused, len(of.dokploy.call_log)
        with watching(of) as made:
            await asyncio.sleep(_WINDOW)
        ticks, tries = ticks_of(controller) - ticks, transport.refused - tries
        changed = Counter(call.told.get("applicationId") for call in of.dokploy.call_log[log:])
        failing = next(row for row in of.dokploy.database.tables["application"].values()
                       if "-session-0-" in row["appName"])["applicationId"]  # fmt: skip
        del changed[None], changed[failing]
        what = f"in ten minutes beside one that fails, {number:,} sessions"
        return [
            Row("P5", f"calls for the others {what}", sum(changed.values()), 0, bound="exact"),
            Row("P5", f"listings a tick {what}", made.listings / ticks, 2, bound="exact"),
            Row("P5", f"ticks {what}", ticks, _WINDOW / 10, bound=1.05),
            Row("P5", f"tries of the one that fails {what}", tries, _WINDOW / 60, bound=1.1),
        ]
