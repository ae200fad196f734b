"""Every two faults at every two calls of the short scenarios, in every run but for the two longest
of them, a third of whose pairs is; all of these, and some of the long scenarios, in `make soak`."""

from __future__ import annotations

import os
import random

import pytest

from tests.reliability.conftest import Counted
from tests.reliability.scenarios import SCENARIOS
from tests.reliability.search import SHORT, all_lawful, pairs, shard, undisturbed

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
THINNED, THIN = ("create stopped", "start"), 3
"""The longest of them have three thousand pairs each: a third of these in every run, so that it stays
within its quarter of an hour."""


def test_the_short_scenarios_are_these():
    short = [s.name for s in SCENARIOS if len(undisturbed(s.name).calls) <= SHORT]
    assert sorted(short) == sorted(SHORT_ONES)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(SHARDS))
@pytest.mark.parametrize("name", [name for name in SHORT_ONES if name not in THINNED])
def test_two_faults_anywhere_break_no_law(counted: Counted, name: str, part: int):
    counted("double faults", all_lawful(name, shard(pairs(name), part, SHARDS)))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(SHARDS))
@pytest.mark.parametrize("name", THINNED)
def test_some_two_faults_break_no_law(counted: Counted, name: str, part: int):
    counted("double faults", all_lawful(name, shard(pairs(name), part, THIN * SHARDS)))


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(THIN * SHARDS))
@pytest.mark.parametrize("name", THINNED)
def test_any_two_faults_break_no_law(counted: Counted, name: str, part: int):
    counted("double faults", all_lawful(name, shard(pairs(name), part, THIN * SHARDS)))


@pytest.mark.soak
@pytest.mark.parametrize("name", [s.name for s in SCENARIOS if s.name not in SHORT_ONES])
def test_two_faults_in_a_long_scenario_break_no_law(counted: Counted, name: str):
    every = list(pairs(name))
    drawn = random.Random(name).sample(
        every, min(len(every), int(os.environ.get("BERTH_SOAK_PAIRS", "2000")))
    )
    counted("double faults", all_lawful(name, drawn))
