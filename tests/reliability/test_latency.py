"""Every call takes time, readings too: what a pass decides by is some seconds old when it acts, two
listings of one reading show different moments, and calls of several sessions overlap."""

from __future__ import annotations

from itertools import islice

import pytest

from tests.reliability.conftest import Counted
from tests.reliability.scenarios import SCENARIOS
from tests.reliability.search import disturbed, singles, undisturbed
from tests.reliability.test_singles import LONG

NAMES = [scenario.name for scenario in SCENARIOS if scenario.name not in LONG]
SLOW, SLUGGISH = 1.0, 4.0
"""Seconds that a request, and its answer, take at the most."""
EVERY = 60
"""Of the single faults, one in so many is tried in every run, and all in `make soak`."""


@pytest.mark.parametrize("latency", [SLOW, SLUGGISH])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_slow_calls_break_no_law(scenario, latency: float):
    assert undisturbed(scenario.name, latency).broken == ()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_some_faults_among_slow_calls_break_no_law(counted: Counted, name: str):
    counted("faults among slow calls", _lawful(name, SLOW, EVERY))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("latency", [SLOW, SLUGGISH])
@pytest.mark.parametrize("name", NAMES)
def test_one_fault_among_slow_calls_breaks_no_law(counted: Counted, name: str, latency: float):
    counted("faults among slow calls", _lawful(name, latency, 1))


def _lawful(name: str, latency: float, every: int) -> int:
    number = 0
    for injections in islice(singles(name, latency), len(name) % every, None, every):
        run = disturbed(name, injections, latency=latency)
        assert not run.broken, f"{name}: {run.told()}"
        number += 1
    return number
