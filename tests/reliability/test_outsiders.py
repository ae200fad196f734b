"""An outsider's every deed before every call of ours: the world ends as declared, and what is a
foreigner's is left alone."""

from __future__ import annotations

import pytest

from tests.reliability.conftest import Counted
from tests.reliability.faults import Tamper
from tests.reliability.scenarios import SCENARIOS
from tests.reliability.search import all_lawful, tamperings
from tests.reliability.test_pairs import SHORT_ONES
from tests.reliability.test_singles import LONG

NAMES = [scenario.name for scenario in SCENARIOS if scenario.name not in LONG]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SHORT_ONES)
def test_an_outsider_between_any_two_calls_breaks_no_law(counted: Counted, name: str):
    counted("outsiders' deeds", all_lawful(name, tamperings(name)))


def test_a_restart_of_dokploy_during_a_build_breaks_no_law(counted: Counted):
    """What waits in its queue is lost, and what runs is cancelled (FACTS-2 7)."""
    every = (one for one in tamperings("create with build") if one[0].fault is Tamper.RESTARTS)
    counted("outsiders' deeds", all_lawful("create with build", every))


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in SHORT_ONES])
def test_an_outsider_in_a_longer_scenario_breaks_no_law(counted: Counted, name: str):
    counted("outsiders' deeds", all_lawful(name, tamperings(name)))
