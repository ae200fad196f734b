"""A day of many sessions, two controllers and mixed faults; the same seed is the same day, byte for
byte.

Who does what when is drawn from the seed, and so is what befalls each call. Every law of safety is held
at every call, and those of liveness at the end. What is simulated has longer periods than the defaults,
such as an operator of hundreds of quiet sessions might choose: with the default ones, running containers
alone would be asked for their reports 1.4 million times in a day. The whole day lists its target every
10 s while anything is in motion and every 60 s otherwise, reads each application whole every hour and
each container's report every 30 minutes, sweeps and lists all records every 15 minutes; short days are
lived faster. Still all of it comes tens of times for each session.

`make test` lives the whole day once and short ones twice each; `make soak` lives many.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from structlog.testing import capture_logs

from controller.loop import Pacing
from crds.quantity import PollPeriod, PositiveDuration
from crds.session import Session
from crds.target import Poll
from dokploy.local.accounting import CallRecord
from dokploy.local.behaviours import REAL, Behaviour
from tests import laws
from tests.controller.test_walk import check_rest
from tests.reliability.accidents import Accidents
from tests.reliability.operator import remove_orphans
from tests.reliability.people import People
from tests.reliability.virtual import run
from tests.reliability.weather import DayWorld, Weather
from tests.reliability.world import reliability_world

HOUR = 3600.0


def _poll(fast: str, slow: str, audit: str) -> Poll:
    """What is in no hurry is listed as often as what is at rest: a slow tick finds an outsider's start."""
    periods = {"fast": PollPeriod(fast), "slow": PollPeriod(slow), "idle": PollPeriod(slow)}
    return Poll(**periods, audit=PositiveDuration(audit))


@dataclass(frozen=True)
class Size:
    """How large a day is, and how it is looked after."""

    sessions: int
    hours: float
    poll: Poll
    pacing: Pacing
    deeds: int = 4
    """What people and outsiders do to a session after it was declared."""
    accidents_per_hour: float = 1.0

    @property
    def settles(self) -> float:
        """Seconds after the last accident: an edit is found within two audits."""
        return 2 * self.poll.audit.seconds + self.is_swept

    @property
    def is_swept(self) -> float:
        """Seconds in which an orphan is found by the second of two sweeps, and what failed is tried again:
        the pauses between tries have grown to a minute."""
        return 2 * self.pacing.sweep + 120

    @property
    def quiet(self) -> float:
        """Seconds in which each session is looked at in every way there is."""
        return max(self.poll.audit.seconds, self.pacing.report) + 2 * self.poll.slow.seconds


SHORT = Size(20, 1, _poll("1s", "10s", "5m"), Pacing(report=120.0), accidents_per_hour=12)
MIDDLE = Size(60, 6, _poll("2s", "20s", "20m"), Pacing(report=300.0), accidents_per_hour=6)
WHOLE = Size(500, 24, _poll("15s", "60s", "1h"), Pacing(report=3600.0, sweep=900.0, resync=900.0, lease=15.0))


@dataclass(frozen=True)
class Lived:
    """A day that is over: its log, and what it had."""

    log: bytes = field(repr=False)
    calls: int
    changes: int
    faults: int
    deeds: Counter[str]
    accidents: Counter[str]
    handovers: int
    hours: float
    seconds: float
    """Of CPU."""

    def __str__(self) -> str:
        return (
            f"{self.hours:.1f} simulated hours; {self.calls} calls, {self.changes} of them changes; "
            f"{self.faults} faults; {self.deeds.total()} deeds {dict(self.deeds)}; "
            f"{self.accidents.total()} accidents {dict(self.accidents)}; {self.handovers} hand-overs; "
            f"{self.seconds:.1f} s of CPU; log {hashlib.sha256(self.log).hexdigest()[:16]}"
        )


def live(size: Size, seed: int) -> Lived:
    """Live a day to its end, and tell what it had."""
    began = time.process_time()
    try:
        with capture_logs() as log, seldom_collected():
            of, people, accidents, hours = run(_day(size, seed, log))
        bugs = [entry for entry in log if entry["log_level"] == "error"]
        assert bugs == [], "a pass, a tick or a sweep failed for a bug"
    except BaseException as error:
        error.add_note(f"seed {seed} of {size}")
        raise
    lines = [*of.told, *(_line(entry) for entry in log), *(_call(call) for call in of.dokploy.call_log)]
    lived = Lived(
        "\n".join(lines).encode(),
        of.calls().total(),
        of.made().total(),
        of.weather.befallen.total(),
        people.done,
        accidents.happened,
        sum(entry["event"] == "leading" for entry in log) - 1,
        hours,
        time.process_time() - began,
    )
    print(f"seed {seed}: {size.sessions} sessions, {size.hours} h: {lived}")
    return lived


_BEHAVIOURS = REAL - {Behaviour.START_OVERLAPS_STOP}
"""The outsiders of a day stop and deploy at any moment, also between our last look and an apply: two
containers that they bring together are nothing that a controller could prevent."""


async def _day(size: Size, seed: int, log: list[Any]) -> tuple[DayWorld, People, Accidents, float]:
    async with reliability_world(
        kind=DayWorld, poll=size.poll, pacing=size.pacing, behaviours=_BEHAVIOURS
    ) as of:
        of.weather = Weather(random.Random(f"{seed} weather"))
        people, accidents = People(of, seed), Accidents(of, seed)
        span = size.hours * HOUR
        with accidents.with_two_controllers():
            await asyncio.gather(
                *(people.live_with(f"s-{n}", seconds=span, deeds=size.deeds) for n in range(size.sessions)),
                accidents.happen(seconds=span, number=round(size.hours * size.accidents_per_hour)),
            )
            of.weather.clear_up()
            await asyncio.sleep(size.settles)
            if await remove_orphans(of):
                await asyncio.sleep(size.is_swept)
            await check_rest(of)
            await _check_quiet(of, size.quiet)
            of.logged = [_line(entry) for entry in log]
            of.watch.farewell()
            assert not (broken := of.broken()), "; ".join(broken)
        return of, people, accidents, asyncio.get_running_loop().time() / HOUR


async def _check_quiet(of: DayWorld, seconds: float) -> None:
    """L2, of the sessions: the report of a sweep is renewed every hour."""
    before, written = of.calls(), len(of.records.writes)
    await asyncio.sleep(seconds)
    writes = [write for write in of.records.writes[written:] if write[1].startswith(Session.KIND)]
    laws.l2(list(of.changes_since(before)), writes)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """All that a day makes is kept to its end, and to look through it for garbage again and again would
    be a fifth of its cost."""
    usual = gc.get_threshold()
    gc.set_threshold(200_000, 5, 1000)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _line(entry: dict[str, Any]) -> str:
    return " ".join(f"{name}={entry[name]}" for name in sorted(entry))


def _call(call: CallRecord) -> str:
    return f"{call.at:.3f} {call.procedure} {call.status} {sorted(call.told.items())}"


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", range(2))
def test_a_short_day_ends_as_declared_and_the_same_seed_is_the_same_day(seed: int):
    assert live(SHORT, seed).log == live(SHORT, seed).log


@pytest.mark.timeout(400)
def test_a_whole_day_of_500_sessions_ends_as_declared():
    live(WHOLE, 0)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 1000 + int(os.environ.get("BERTH_SOAK_DAYS", "100"))))
@pytest.mark.parametrize("size", [SHORT, MIDDLE], ids=["short", "middle"])
def test_many_days_end_as_declared(size: Size, seed: int):
    live(size, seed)
