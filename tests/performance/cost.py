"""P8: what sessions at rest cost the controller in CPU and in memory.

CPU is the process's own, the least of several tries with the garbage collector off; bytes are those
that tracemalloc finds allocated by the controller, its client and its types.
"""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from controller.fleet import Fleet
from controller.targets import LiveTarget
from dokploy import readings
from dokploy.answers import remembering
from dokploy.port import ApplicationRow, ServiceRow
from tests.controller.world import KEY, World
from tests.performance.row import Row
from tests.performance.scene import converged
from tests.performance.steady import running_controller, ticks_of

_TRIES = 9
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

    async def decode(self) -> None:
        """What a listing costs that is not the one before it."""
        readings.applications(self.applications)
        readings.services(self.services)


@dataclass(frozen=True, slots=True)
class Tick:
    """Seconds of CPU of a tick that shows nothing new, and of decoding its two listings alone."""

    whole: float
    decoding: float


async def quiet_tick(number: int) -> Tick:
    """Measure the tick of so many sessions at rest."""
    async with converged(number) as of:
        fleet = running_controller(of).fleet
        live = fleet.get("default")
        assert live is not None
        bodies = [
            await of.dokploy.call(name, "GET", {}, KEY) for name in ("overview.services", "swarm.getNodeApps")
        ]
        listings = Listings(*(answer.body for answer in bodies))
        client, live.dokploy = live.dokploy, listings  # type: ignore[assignment]

        try:
            return Tick(await _least(lambda: _tick(fleet, live)), await _least(listings.decode))
        finally:
            live.dokploy = client


async def _tick(fleet: Fleet, live: LiveTarget) -> None:
    """What the loop does at each tick, without the wait for the next."""
    await live.refresh([view.expected for _, view in fleet._views.of_target("default")])
    await fleet.report(live)
    fleet._after_tick(live)


async def _least(act: Callable[[], Awaitable[None]]) -> float:
    spent = []
    with _no_collection():
        for _ in range(_TRIES):
            began = time.process_time()
            await act()
            spent.append(time.process_time() - began)
    return min(spent)


@contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def cpu(few: Tick, many: Tick, *, number: int) -> list[Row]:
    """The rows of two measurements, at ``number`` sessions and at four times as many."""
    four = 4 * number
    return [
        Row("P8", f"CPU of a quiet tick, {four:,} sessions, beside {number:,}", many.whole * 1e3,
            few.whole * 1e3, "ms", bound=5),
        Row("P8", f"CPU of a quiet tick beside decoding its listings, {four:,} sessions", many.whole * 1e3,
            many.decoding * 1e3, "ms", bound=2),
    ]  # fmt: skip


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
