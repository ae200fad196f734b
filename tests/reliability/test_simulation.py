"""A day of many sessions, two controllers and mixed faults; the same seed is the same day, byte for
byte.

Listings come as often as they do by default. A container's own report and the audit come less often
in short days, and in the whole one listings too: each is work of milliseconds, and 500 sessions would
ask for a report every 30 s 1.4 million times in a day. `make test` lives short days, twice each; `make
soak` the whole day of 500 sessions, and many seeds.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from dataclasses import dataclass
from typing import Any

import pytest
from structlog.testing import capture_logs

from controller.loop import Pacing
from dokploy.local.accounting import CallRecord
from tests.controller.test_walk import check_quiet, check_rest
from tests.controller.world import World, world
from tests.reliability.network import connect_through
from tests.reliability.operator import remove_orphans
from tests.reliability.people import Day, Size
from tests.reliability.virtual import run

SETTLES = 1300.0
"""Seconds after the last accident: an edit is found within two audits, an orphan by the second of two
sweeps, and the pauses between tries have grown to a minute."""
SHORT = Size(sessions=20, hours=1, accidents_per_hour=12)
WHOLE = Size(sessions=500, hours=24, poll={"slow": "60s", "idle": "60s", "audit": "8m"}, report=3600)


@dataclass(frozen=True)
class Lived:
    """A day that is over."""

    log: bytes
    calls: int
    seconds: float
    """Of real time."""

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.log).hexdigest()


def live(size: Size, seed: int) -> Lived:
    """Live a day to its end, and look at what is left."""
    began = time.perf_counter()
    with capture_logs() as log:
        day, calls = run(_day(size, seed))
    lines = [*day.told, *(_line(entry) for entry in log), *(_call(call) for call in calls)]
    mine = [entry for entry in log if entry["log_level"] == "error"]
    assert mine == [], f"seed {seed}: a pass or a tick failed for a bug"
    total = sum(day.of.calls().values())
    return Lived("\n".join(lines).encode(), total, time.perf_counter() - began)


async def _day(size: Size, seed: int) -> tuple[Day, tuple[CallRecord, ...]]:
    async with world(poll=size.poll) as of:
        of.pacing = Pacing(report=size.report)
        day = Day(of, size, seed)
        of.connect = connect_through(of.dokploy, day.weather.fate)
        day.start_controller()
        day.start_controller()
        await day.live()
        await asyncio.sleep(SETTLES)
        if await remove_orphans(of):
            await asyncio.sleep(SETTLES)
        await _check(of)
        return day, of.dokploy.call_log


async def _check(of: World) -> None:
    await check_rest(of)
    await check_quiet(of)
    assert of.simulation.violations == [], "two containers on one volume (S2)"


def _line(entry: dict[str, Any]) -> str:
    return " ".join(f"{name}={entry[name]}" for name in sorted(entry))


def _call(call: CallRecord) -> str:
    return f"{call.at:.3f} {call.procedure} {call.status} {sorted(call.told.items())}"


def tell(size: Size, seed: int, lived: Lived) -> None:
    print(
        f"seed {seed}: {size.sessions} sessions, {size.hours} h, {lived.calls} calls, "
        f"{lived.seconds:.1f} s, {lived.digest[:16]}"
    )


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", range(2))
def test_a_short_day_ends_as_declared_and_the_same_seed_is_the_same_day(seed: int):
    first, second = live(SHORT, seed), live(SHORT, seed)
    tell(SHORT, seed, first)
    assert first.log == second.log


@pytest.mark.soak
def test_a_whole_day_of_500_sessions_ends_as_declared():
    lived = live(WHOLE, 0)
    tell(WHOLE, 0, lived)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 1000 + int(os.environ.get("BERTH_SOAK_DAYS", "100"))))
def test_many_short_days_end_as_declared(seed: int):
    tell(SHORT, seed, live(SHORT, seed))
