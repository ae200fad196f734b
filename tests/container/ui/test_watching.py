"""When a panel is looked after, without a panel."""

from __future__ import annotations

import pytest

from container.ui.watching import Rhythm


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rhythm(clock: Clock) -> Rhythm:
    return Rhythm(clock)


def look(rhythm: Rhythm, clock: Clock, seconds: float) -> None:
    with rhythm.looking():
        clock.now += seconds


def rest(rhythm: Rhythm, clock: Clock) -> float:
    """Seconds until it is looked after again."""
    began = clock.now
    while not rhythm.wanted(seen=True):
        clock.now += 0.5
    return clock.now - began


def test_it_is_looked_after_every_two_seconds(rhythm: Rhythm, clock: Clock):
    assert rhythm.wanted(seen=True)
    look(rhythm, clock, 0.01)
    assert rest(rhythm, clock) == 2


def test_what_takes_long_is_done_less_often(rhythm: Rhythm, clock: Clock):
    look(rhythm, clock, 0.5)
    assert rest(rhythm, clock) == 10


def test_a_look_is_not_asked_for_while_one_is_under_way(rhythm: Rhythm, clock: Clock):
    with rhythm.looking():
        clock.now += 60
        assert not rhythm.wanted(seen=True)


def test_a_look_that_failed_is_tried_again(rhythm: Rhythm, clock: Clock):
    with pytest.raises(OSError, match="gone"), rhythm.looking():
        raise OSError("gone")
    assert rest(rhythm, clock) == 2


def test_what_nobody_sees_is_left_alone_and_looked_after_once_it_is_seen(rhythm: Rhythm, clock: Clock):
    look(rhythm, clock, 0.01)
    clock.now += 60
    assert not rhythm.wanted(seen=False)
    look(rhythm, clock, 0.01)
    assert not rhythm.wanted(seen=False)
    assert rhythm.wanted(seen=True)
