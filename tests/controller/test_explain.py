"""A plan in words that a person understands."""

from __future__ import annotations

from controller.explain import READINGS
from controller.observed import Reading


def test_every_reading_has_words():
    assert set(READINGS) == set(Reading)
    assert len(set(READINGS.values())) == len(Reading)
