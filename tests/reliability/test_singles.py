"""Every fault at every call of every scenario: no law is broken, and the world ends as declared."""

from __future__ import annotations

import pytest

from tests.reliability.scenarios import SCENARIOS
from tests.reliability.search import disturbed, shard, singles, undisturbed

SHARDS = 4
NAMES = [scenario.name for scenario in SCENARIOS]
WALKED = (
    "create",
    "create stopped",
    "change title",
    "change route",
    "stop",
    "start",
    "restart",
    "delete stopped",
    "delete retaining",
    "at rest",
)
"""Those of which every fault is tried in every run; the others are for `make soak`."""


@pytest.mark.parametrize("name", NAMES)
def test_an_undisturbed_run_breaks_no_law(name: str):
    assert undisturbed(name).broken == ()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(SHARDS))
@pytest.mark.parametrize("name", WALKED)
def test_one_fault_anywhere_breaks_no_law(name: str, part: int):
    for injections in shard(singles(name), part, SHARDS):
        run = disturbed(name, injections)
        assert not run.broken, f"{name}: {run.told()}"


@pytest.mark.soak
@pytest.mark.parametrize("name", [name for name in NAMES if name not in WALKED])
def test_one_fault_anywhere_in_the_others_breaks_no_law(name: str):
    for injections in singles(name):
        run = disturbed(name, injections)
        assert not run.broken, f"{name}: {run.told()}"
