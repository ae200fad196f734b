"""Every two faults at every two calls of the short scenarios; of the long ones some, in `make soak`."""

from __future__ import annotations

import os
import random

import pytest

from tests.reliability.conftest import Counted
from tests.reliability.scenarios import SCENARIOS
from tests.reliability.search import SHORT, all_lawful, disturbed, every_pair, pairs, undisturbed

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
"""Those of at most `SHORT` calls; a test holds the list to the scenarios."""


def test_the_short_scenarios_are_these():
    short = [s.name for s in SCENARIOS if len(undisturbed(s.name).calls) <= SHORT]
    assert sorted(short) == sorted(SHORT_ONES)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(SHARDS))
@pytest.mark.parametrize("name", SHORT_ONES)
def test_two_faults_anywhere_break_no_law(counted: Counted, name: str, part: int):
    counted("double faults", all_lawful(name, pairs(name, part, SHARDS)))


@pytest.mark.parametrize("name", ["change title", "at rest"])
def test_a_pair_whose_second_fault_cannot_happen_is_the_run_of_the_first(name: str):
    """So it need not be run again: `pairs` leaves out nothing that could be seen."""
    left = 0
    for one, other in set(every_pair(name)) - set(pairs(name)):
        assert disturbed(name, (one, other)) == disturbed(name, (one,)), (str(one), str(other))
        left += 1
    assert left


@pytest.mark.soak
@pytest.mark.parametrize("name", [s.name for s in SCENARIOS if s.name not in SHORT_ONES])
def test_two_faults_in_a_long_scenario_break_no_law(counted: Counted, name: str):
    every = every_pair(name)
    drawn = random.Random(name).sample(
        every, min(len(every), int(os.environ.get("BERTH_SOAK_PAIRS", "2000")))
    )
    counted("double faults", all_lawful(name, drawn))
