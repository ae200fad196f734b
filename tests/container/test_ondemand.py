from __future__ import annotations

import asyncio

import pytest

from container.ondemand import OnDemand


class Reader:
    def __init__(self):
        self.reads = 0
        self.now = 0.0
        self.go = asyncio.Event()
        self.go.set()

    async def read(self):
        self.reads += 1
        await self.go.wait()
        return self.reads

    def on_demand(self):
        return OnDemand(self.read, 0, every=10.0, clock=lambda: self.now)


async def _rest():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_asks_gets_the_newest_at_once_and_starts_a_reading_only_when_it_is_old():
    reader = Reader()
    reading = reader.on_demand()
    assert reading.ask() == 0
    await _rest()
    assert [reading.ask() for _ in range(100)] == [1] * 100
    reader.now = 9.9
    reading.ask()
    await _rest()
    assert reader.reads == 1
    reader.now = 10.0
    assert reading.ask() == 1
    await _rest()
    assert reading.ask() == 2


async def test_nobody_asks_nothing_is_read():
    reader = Reader()
    reader.on_demand()
    reader.now = 1000.0
    await _rest()
    assert reader.reads == 0


async def test_readings_do_not_overlap():
    reader = Reader()
    reader.go.clear()
    reading = reader.on_demand()
    for moment in range(100):
        reader.now = moment * 10.0
        reading.ask()
        await _rest()
    assert reader.reads == 1
    await reading.aclose()


async def test_expired_during_a_reading_it_is_read_again():
    reader = Reader()
    reader.go.clear()
    reading = reader.on_demand()
    reading.ask()
    await _rest()
    reading.expire()
    reader.go.set()
    await _rest()
    assert reading.ask() == 1
    await _rest()
    assert reading.ask() == 2


async def test_a_fresh_result_is_of_a_reading_that_began_after_it_was_asked_for():
    reader = Reader()
    reader.go.clear()
    reading = reader.on_demand()
    reading.ask()
    await _rest()
    assert reader.reads == 1, "under way when the question comes"
    asked = [asyncio.ensure_future(reading.fresh()) for _ in range(3)]
    await _rest()
    assert reader.reads == 1
    reader.go.set()
    assert await asyncio.gather(*asked) == [2, 2, 2], "all who asked meanwhile share the next"
    assert reading.ask() == 2
    assert await reading.fresh() == 3


async def test_who_asks_during_the_fresh_reading_waits_for_another():
    reader = Reader()
    reader.go.clear()
    reading = reader.on_demand()
    first = asyncio.ensure_future(reading.fresh())
    await _rest()
    second = asyncio.ensure_future(reading.fresh())
    await _rest()
    reader.go.set()
    assert (await first, await second) == (1, 2)


@pytest.mark.looptime
async def test_questions_without_end_keep_the_machine_busy_for_half_of_the_time():
    began = asyncio.get_running_loop().time()

    async def slow():
        await asyncio.sleep(3)

    reading = OnDemand(slow, None, clock=asyncio.get_running_loop().time)
    for _ in range(4):
        await reading.fresh()
    assert asyncio.get_running_loop().time() - began == 4 * 3 + 3 * 3


async def test_it_can_end_while_somebody_waits_for_a_fresh_result():
    reader = Reader()
    reader.go.clear()
    reading = reader.on_demand()
    asked = asyncio.ensure_future(reading.fresh())
    await _rest()
    await reading.aclose()
    with pytest.raises(asyncio.CancelledError):
        await asked
