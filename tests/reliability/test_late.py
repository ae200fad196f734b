"""Calls that take effect in the moment of their time-out, and long after all that is waited for."""

from __future__ import annotations

import pytest

from tests.reliability.conftest import Counted
from tests.reliability.faults import LATE_EFFECTS, Fault, Injection, Kind
from tests.reliability.scenarios import SCENARIOS
from tests.reliability.search import all_lawful, undisturbed

NAMES = [s.name for s in SCENARIOS if s.name not in {"burst", "hanging build"}]
TRIED = ("create", "change environment", "delete", "create and delete")
"""Those whose late effects are tried in every run; of all others in `make soak`."""


def late(name: str, *faults: Fault) -> list[tuple[Injection, ...]]:
    changes = [call.number for call in undisturbed(name).calls if call.kind is Kind.CHANGE]
    return [(Injection(number, fault),) for number in changes for fault in faults]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", TRIED)
def test_an_effect_after_all_that_is_waited_for_breaks_no_law(counted: Counted, name: str):
    counted("late effects", all_lawful(name, late(name, Fault.LATE, Fault.LATEST)))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", NAMES)
def test_any_late_effect_breaks_no_law(counted: Counted, name: str):
    counted("late effects", all_lawful(name, late(name, *LATE_EFFECTS)))
