"""Every two faults at every two calls of the short scenarios; of the long ones some, in `make soak`."""

from __future__ import annotations

import os
import random
from itertools import islice

import pytest

from tests.reliability.conftest import Counted
from tests.reliability.faults import Fault, Injection
from tests.reliability.scenarios import SCENARIOS
from tests.reliability.search import SHORT, aftermaths, all_lawful, disturbed, every_pair, pairs, undisturbed
from tests.reliability.test_singles import LONG

SHARDS = 8
SHORT_ONES = (
    "create stopped",
    "change title",
    "change route",
    "start",
    "delete stopped",
    "delete retaining",
    "at rest",
    "at rest, stopped",
)
"""Those of at most `SHORT` calls, but for what much resembles another; a test holds the list to the
scenarios."""
LARGE, OF_LARGE = frozenset({"create stopped", "start"}), 3
"""Scenarios of which so many shards are in every run, and all in `make soak`."""
THIN = 5
"""Of the faults in the wake of another, those after every fifth first fault, and of these every fifth,
are in every run."""


def test_the_short_scenarios_are_these():
    short = [s.name for s in SCENARIOS if s.name not in LONG and len(undisturbed(s.name).calls) <= SHORT]
    assert sorted(short) == sorted(SHORT_ONES)


def _shards() -> list[object]:
    """All of them in every run, but for those of the two that have by far the most pairs: some of these."""
    return [
        pytest.param(name, part, marks=[pytest.mark.soak] if name in LARGE and part >= OF_LARGE else [])
        for name in SHORT_ONES
        for part in range(SHARDS)
    ]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "part"), _shards())
def test_two_faults_anywhere_break_no_law(counted: Counted, name: str, part: int):
    counted("double faults", all_lawful(name, pairs(name, part, SHARDS)))


@pytest.mark.parametrize("name", ["change title", "at rest"])
def test_a_pair_whose_second_fault_cannot_happen_is_the_run_of_the_first(name: str):
    """So it need not be run again: `pairs` leaves out nothing that could be seen."""
    left = set(every_pair(name)) - set(pairs(name))
    alone = {one: disturbed(name, (one,)) for one, _ in left}
    for one, other in left:
        assert disturbed(name, (one, other)) == alone[one], (str(one), str(other))
    assert left


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", SHORT_ONES)
def test_some_faults_that_befall_what_another_brought_about_break_no_law(counted: Counted, name: str):
    every = islice(aftermaths(name, 0, THIN), 0, None, THIN)
    counted("faults in the wake of another", all_lawful(name, every))


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(SHARDS))
@pytest.mark.parametrize("name", SHORT_ONES)
def test_a_fault_that_befalls_what_another_brought_about_breaks_no_law(
    counted: Counted, name: str, part: int
):
    counted("faults in the wake of another", all_lawful(name, aftermaths(name, part, SHARDS)))


def test_a_listing_that_lacks_what_is_waited_for_makes_no_twin():
    """A pass is cut off at its last attachment; the next waits for that, and then sees no application."""
    attached = next(c for c in undisturbed("create stopped").calls if c.name == "domain.create")
    crash = Injection(attached.number, Fault.CRASH_AFTER)
    after = disturbed("create stopped", (crash,)).calls[attached.number + 1 :]
    listings = [call.number for call in after if call.name == "overview.services"]
    assert len(listings) > 5
    for number in listings:
        run = disturbed("create stopped", (crash, Injection(number, Fault.PARTIAL_VIEW)))
        assert not run.broken, run.told()


@pytest.mark.soak
@pytest.mark.parametrize("name", [s.name for s in SCENARIOS if s.name not in SHORT_ONES])
def test_two_faults_in_a_long_scenario_break_no_law(counted: Counted, name: str):
    every = every_pair(name)
    drawn = random.Random(name).sample(
        every, min(len(every), int(os.environ.get("BERTH_SOAK_PAIRS", "2000")))
    )
    counted("double faults", all_lawful(name, drawn))
