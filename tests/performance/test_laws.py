"""The laws of performance, at numbers that a test can afford; `make bench` asks the same at thousands."""

from __future__ import annotations

import pytest

from tests.performance import life, pace, steady
from tests.performance.row import broken

pytestmark = pytest.mark.looptime


@pytest.mark.parametrize("number", [1, 10, 100])
async def test_sessions_at_rest_cost_two_calls_a_tick_and_a_restart_two_listings(number: int):
    assert broken(await steady.at_rest(number)) == []


@pytest.mark.parametrize("number", [1, 50])
async def test_a_step_of_life_costs_the_same_whatever_the_number(number: int):
    assert broken(await life.lives(number)) == []


async def test_events_of_one_key_collapse():
    assert broken(await steady.collapsing()) == []


async def test_one_that_fails_costs_the_others_nothing_and_itself_its_backoff():
    assert broken(await steady.beside_one_that_fails(50)) == []


@pytest.mark.parametrize(("in_flight", "per_second"), [(8, 1000), (8, 20)])
async def test_a_burst_takes_as_long_as_what_is_scarce(in_flight: int, per_second: float):
    assert broken(await pace.makespan(200, in_flight=in_flight, per_second=per_second)) == []


async def test_builds_take_as_long_as_dokploy_needs_for_them():
    assert broken(await pace.makespan_of_builds(6, at_once=2, lasting=60)) == []


async def test_a_change_is_looked_at_at_once_and_before_any_resync():
    assert broken([*await pace.first_call(), *await pace.next_in_line()]) == []


async def test_ready_is_told_as_soon_as_it_is_true():
    assert broken(await pace.time_to_ready(20)) == []


async def test_an_outage_is_over_when_dokploy_is_back():
    assert broken(await pace.after_an_outage(50, 300)) == []
