"""Every mutant of the controller dies, and by a law: the suite sees what it says it sees."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.reliability.mutants import MUTANTS, Mutant, first_law_broken
from tests.reliability.mutants_of_text import OF_TEXT


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutant", MUTANTS + OF_TEXT, ids=lambda mutant: mutant.name)
def test_a_mutant_dies(
    mutant: Mutant, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
):
    broken = first_law_broken(mutant, monkeypatch)
    assert broken is not None, f"{mutant.name} lives: no law was broken"
    law = broken.partition("] ")[2].partition(":")[0]
    record_property("killed", f"{mutant.name!r} died of {law}")
