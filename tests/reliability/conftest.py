"""Counts the runs of the search; tests/conftest.py tells them at the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Counted = Callable[[str, int], None]


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Counted:
    """Adds to what is told: a kind of run, and how many of them there were."""

    def count(kind: str, number: int) -> None:
        record_property(f"runs: {kind}", number)

    return count
