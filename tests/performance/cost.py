"""P8: what sessions at rest cost the controller in CPU and in memory.

CPU is the process's own, the least of several tries with the garbage collector off; bytes are those
that tracemalloc finds allocated by the controller, its client and its types.
"""

from __future__ import annotations

import asyncio
import gc
import math
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from controller.fleet import Fleet
from controller.loop import Controller
from controller.targets import LiveTarget
from dokploy import readings
from dokploy.answers import remembering
from dokploy.port import ApplicationRow, ServiceRow
from tests.controller.world import KEY, World
from tests.performance.row import Row
from tests.performance.scene import converged, until
from tests.performance.steady import running_controller, ticks_of

_TRIES = 30
_OURS = ("*/controller/*", "*/crds/*", "*/dokploy/*.py")
_LOCAL = "*/dokploy/local/*"


class Listings:
    """Both bodies as Dokploy sends them: in place of the client, its way left out."""

    def __init__(self, applications: bytes, services: bytes) -> None:
        self.applications, self.services = applications, services
        self._read_applications = remembering(readings.applications)
        self._read_services = remembering(readings.services)

    async def list_applications(self) -> tuple[ApplicationRow, ...]:
        return self._read_applications(self.applications)

    async def list_services(self) -> tuple[ServiceRow, ...]:
        return self._read_services(self.services)

    def change(self) -> None:
        """Make them other answers than the ones before, of the same meaning."""
        self.applications += b" "
        self.services += b" "

    async def decode(self) -> None:
        """What a listing costs that is not the one before it."""
        readings.applications(self.applications)
        readings.services(self.services)


class Ticks:
    """The ticks of a controller over sessions at rest, what it is listed being in our hands."""

    def __init__(self, fleet: Fleet, live: LiveTarget, listings: Listings) -> None:
        self._fleet, self._live, self._listings = fleet, live, listings

    async def new(self) -> None:
        """A tick whose listings are read: they are not byte for byte the ones before."""
        self._listings.change()
        await self.same()

    async def same(self) -> None:
        """What the loop does at each tick, without the wait for the next."""
        await self._live.refresh([view.expected for _, view in self._fleet._views.of_target("default")])
        await self._fleet.report(self._live)
        self._fleet._after_tick(self._live)

    async def decode(self) -> None:
        """Reading both listings, and nothing else."""
        await self._listings.decode()


async def cpu(number: int) -> list[Row]:
    """Ticks over so many sessions at rest, and over four times as many."""
    four = 4 * number
    async with converged(number) as of, converged(four) as of_four:
        for each in (of, of_four):
            await _past_the_next_tick(running_controller(each))
        async with _ticks(of) as few, _ticks(of_four) as many:
            new, four_new, same, four_same, decoding = await _least_of(
                few.new, many.new, few.same, many.same, many.decode
            )
    beside = f"{four:,} sessions, beside {number:,}"
    return [
        Row("P8", f"CPU of a tick, {beside}", four_new, new, "ms", bound=5),
        Row("P8", f"CPU of a tick whose listings are the ones before, {beside}", four_same, same, "ms",
            bound=5),
        Row("P8", f"CPU of a tick beside decoding its listings, {four:,} sessions", four_new, decoding, "ms",
            bound=2),
    ]  # fmt: skip


async def _past_the_next_tick(controller: Controller) -> None:
    """Until those have been looked at whose time came while the others were still being made."""
    number = ticks_of(controller)
    await until(lambda: ticks_of(controller) > number)
    await asyncio.sleep(1)


@asynccontextmanager
async def _ticks(of: World) -> AsyncIterator[Ticks]:
    fleet = running_controller(of).fleet
    live = fleet.get("default")
    assert live is not None
    bodies = [
        await of.dokploy.call(name, "GET", {}, KEY) for name in ("overview.services", "swarm.getNodeApps")
    ]
    listings = Listings(*(answer.body for answer in bodies))
    client, live.dokploy = live.dokploy, listings  # type: ignore[assignment]
    try:
        yield Ticks(fleet, live, listings)
    finally:
        live.dokploy = client


async def _least_of(*acts: Callable[[], Awaitable[None]]) -> list[float]:
    """Milliseconds of each. They take turns: whatever else the machine does slows down all alike."""
    least = [math.inf] * len(acts)
    with _no_collection():
        for _ in range(_TRIES):
            for index, act in enumerate(acts):
                began = time.process_time()
                await act()
                least[index] = min(least[index], (time.process_time() - began) * 1e3)
    return least


@contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def held_by_restarted(of: World, *, ticks: tuple[int, ...]) -> dict[int, int]:
    """Bytes that a restarted controller holds after so many ticks."""
    await of.kill_controller()
    gc.collect()
    tracemalloc.start()
    try:
        of.run_controller("weighed")
        return {tick: await _held_after(of, tick) for tick in ticks}
    finally:
        tracemalloc.stop()


async def _held_after(of: World, ticks: int) -> int:
    controller = running_controller(of)
    while ticks_of(controller) < ticks:
        await asyncio.sleep(1)
    gc.collect()
    taken = tracemalloc.take_snapshot().filter_traces(
        [tracemalloc.Filter(inclusive=False, filename_pattern=_LOCAL)]
    )
    ours = taken.filter_traces([tracemalloc.Filter(inclusive=True, filename_pattern=name) for name in _OURS])
    return sum(statistic.size for statistic in ours.statistics("filename"))


def memory(few: dict[int, int], many: dict[int, int], *, numbers: tuple[int, int]) -> list[Row]:
    """Bytes per session at two numbers, after the same ticks."""
    first, (less, more) = min(few), numbers
    what = f"bytes per session, {more:,} sessions beside {less:,}"
    return [Row("P8", what, many[first] / more, few[first] / less, "B", bound=1.1)]


def growth(held: dict[int, int], *, number: int) -> list[Row]:
    """Bytes after many ticks beside those after a few."""
    first, last = min(held), max(held)
    what = f"bytes held after {last} ticks beside {first}, {number:,} sessions"
    return [Row("P8", what, held[last] / 1e3, held[first] / 1e3, "kB", bound=1.02)]
