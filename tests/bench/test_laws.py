"""What `make bench` measures of the laws of performance, at thousands of sessions."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.performance import cost, life, pace, steady, store
from tests.performance.scene import converged
from tests.performance.table import Table

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]


@pytest.fixture(autouse=True)
def only_errors_are_logged() -> Iterator[None]:
    """A line for each of ten thousand actions would hide the progress, and cost more than they do."""
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.configure(wrapper_class=before)


_held: dict[int, dict[int, int]] = {}


@pytest.mark.looptime
@pytest.mark.parametrize("number", [1, 10, 100, 500, 1000, 5000])
async def test_rest_restart_and_memory(table: Table, number: int):
    async with converged(number) as of:
        table.take(await steady.quiet_ticks(of, number))
        table.take(await steady.restarted(of, number))
        if number == 100:
            table.take(cost.growth(await cost.held_by_restarted(of, ticks=(10, 100)), number=number))
        if number in {500, 5000}:
            _held[number] = await cost.held_by_restarted(of, ticks=(3,))
    if number == 5000 and 500 in _held:
        table.take(cost.memory(_held[500], _held[5000], numbers=(500, 5000)))


@pytest.mark.looptime
@pytest.mark.parametrize("number", [1, 500])
async def test_life(table: Table, number: int):
    table.take(await life.lives(number))


@pytest.mark.looptime
async def test_collapsing(table: Table):
    table.take(await steady.collapsing())


@pytest.mark.looptime
async def test_one_that_fails(table: Table):
    table.take(await steady.beside_one_that_fails(1000))


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("number", "in_flight", "per_second"), [(200, 8, 1000), (200, 8, 20), (1000, 16, 1000), (1000, 8, 20)]
)
async def test_bursts(table: Table, number: int, in_flight: int, per_second: float):
    table.take(await pace.makespan(number, in_flight=in_flight, per_second=per_second))


@pytest.mark.looptime
async def test_promptness(table: Table):
    table.take(await pace.makespan_of_builds(10, at_once=2, lasting=60))
    table.take(await pace.first_call())
    table.take(await pace.next_in_line())
    table.take(await pace.time_to_ready(20))
    table.take(await pace.after_an_outage(50, 300))


@pytest.mark.looptime
async def test_cpu(table: Table):
    table.take(await cost.cpu(500))


@pytest.mark.parametrize("number", [1, 1000, 10_000])
async def test_store(table: Table, open_empty, number: int):
    on, opened = open_empty
    records = await opened()
    table.take(await store.rows(records, number, on=on))
    await records.aclose()


async def test_listing(table: Table, open_empty):
    on, opened = open_empty
    records = await opened()
    table.take(await store.listing(records, 5000, on=on))
    await records.aclose()
