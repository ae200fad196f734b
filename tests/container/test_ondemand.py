from __future__ import annotations

import asyncio

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
