"""Every fault at every call of every scenario: no law is broken, and the world ends as declared."""

from __future__ import annotations

import pytest

from tests.reliability.scenarios import SCENARIOS
from tests.reliability.search import disturbed, shard, singles, undisturbed

SHARDS = 4
EVERY = {"burst": 8, "two sessions": 2}
"""Where only each so many-th is tried here, and all in `make soak`: eight sessions do the same thing."""
NAMES = [scenario.name for scenario in SCENARIOS]


@pytest.mark.parametrize("name", NAMES)
def test_an_undisturbed_run_breaks_no_law(name: str):
    assert undisturbed(name).broken == ()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(SHARDS))
@pytest.mark.parametrize("name", NAMES)
def test_one_fault_anywhere_breaks_no_law(name: str, part: int):
    for injections in shard(singles(name), part, SHARDS * EVERY.get(name, 1)):
        run = disturbed(name, injections)
        assert not run.broken, f"{name}: {run.told()}"


@pytest.mark.soak
@pytest.mark.parametrize("name", EVERY)
def test_one_fault_anywhere_in_a_burst_breaks_no_law(name: str):
    for injections in singles(name):
        run = disturbed(name, injections)
        assert not run.broken, f"{name}: {run.told()}"
