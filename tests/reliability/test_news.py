"""What the store tells of its changes may come twice, in the wrong order, in part, or not at all:
the resync brings the same end (law L6)."""

from __future__ import annotations

import pytest

from tests.reliability.scenarios import SCENARIOS
from tests.reliability.search import attempt
from tests.reliability.world import Feed


@pytest.mark.timeout(300)
@pytest.mark.parametrize("feed", [feed for feed in Feed if feed is not Feed.TRUE])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_world_ends_as_declared_whatever_is_heard_of_it(scenario, feed):
    run = attempt(scenario, feed=feed)
    assert not run.broken, run.told()
