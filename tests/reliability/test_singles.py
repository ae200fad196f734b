"""Every fault at every call of every scenario: no law is broken, and the world ends as declared."""

from __future__ import annotations

import pytest

from tests.reliability.conftest import Counted
from tests.reliability.scenarios import SCENARIOS
from tests.reliability.search import all_lawful, shard, singles, undisturbed

SHARDS = 4
NAMES = [scenario.name for scenario in SCENARIOS]
LONG = {
    "burst": 8,
    "hanging build": 16,
    "stop unhealthy and start": 6,
    "change secret": 16,
    "change template": 16,
    "change target": 12,
    "change key": 12,
    "retain and delete": 12,
    "delete without template": 12,
    "delete with work": 6,
    "edit and delete": 3,
    "delete and save": 6,
    "delete and undelete": 12,
    "delete by force": 12,
    "stop and delete": 8,
    "create and delete": 8,
    "build and delete": 12,
    "hand over a deletion": 8,
    "empty a namespace": 16,
}
"""Those of hundreds of calls that much resemble each other, or those of another scenario: of their
faults one in so many is tried in every run, and all are in `make soak`."""


@pytest.mark.parametrize("name", NAMES)
def test_an_undisturbed_run_breaks_no_law(name: str):
    assert undisturbed(name).broken == ()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(SHARDS))
@pytest.mark.parametrize("name", [name for name in NAMES if name not in LONG])
def test_one_fault_anywhere_breaks_no_law(counted: Counted, name: str, part: int):
    counted("single faults", all_lawful(name, shard(singles(name), part, SHARDS)))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", LONG)
def test_some_faults_in_a_long_scenario_break_no_law(counted: Counted, name: str):
    counted("single faults", all_lawful(name, shard(singles(name), 0, LONG[name])))


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "part"), [(name, part) for name in LONG for part in range(LONG[name])])
def test_one_fault_anywhere_in_a_long_scenario_breaks_no_law(counted: Counted, name: str, part: int):
    counted("single faults", all_lawful(name, shard(singles(name), part, LONG[name])))
