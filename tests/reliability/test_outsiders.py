"""An outsider's every deed before every call of ours: the world ends as declared, and what is a
foreigner's is left alone."""

from __future__ import annotations

import pytest

from tests.reliability.search import disturbed, shard, tamperings

SHARDS = 4
NAMES = ("create", "create with build", "change environment", "stop", "start", "delete")


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(SHARDS))
@pytest.mark.parametrize("name", NAMES)
def test_an_outsider_between_any_two_calls_breaks_no_law(name: str, part: int):
    for injections in shard(tamperings(name), part, SHARDS):
        run = disturbed(name, injections)
        assert not run.broken, f"{name}: {run.told()}"
