"""The work queue, in virtual time (laws P3, P6)."""

from __future__ import annotations

import asyncio

import pytest

from controller.queue import Priority, WorkQueue

pytestmark = pytest.mark.looptime


def now() -> float:
    return asyncio.get_running_loop().time()


async def take(queue: WorkQueue[str]) -> str:
    key = await queue.get()
    queue.done(key)
    return key


async def test_additions_collapse():
    queue: WorkQueue[str] = WorkQueue()
    for _ in range(10_000):
        queue.add("a")
    assert len(queue) == 1


async def test_a_hundred_events_for_a_key_at_work_are_one_further_pass():
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    key = await queue.get()
    for _ in range(100):
        queue.add("a")
    assert len(queue) == 0, "a key is worked on by one worker at a time"
    queue.done(key)
    assert await take(queue) == "a"
    assert len(queue) == 0


async def test_a_persons_change_goes_before_a_thousand_resyncs():
    queue: WorkQueue[str] = WorkQueue()
    for number in range(1000):
        queue.add(f"resync-{number}")
    queue.add("resync-999", Priority.PERSON)
    assert await take(queue) == "resync-999"
    remaining = {await take(queue) for _ in range(999)}
    assert len(remaining) == 999
    assert len(queue) == 0


async def test_a_persons_change_to_a_key_at_work_keeps_its_priority():
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    key = await queue.get()
    queue.add("b")
    queue.add("a", Priority.PERSON)
    queue.add("a")
    queue.done(key)
    assert await take(queue) == "a"


async def test_delays_are_kept_and_the_earliest_wins():
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 10)
    queue.add_after("a", 3)
    queue.add_after("a", 5)
    assert await take(queue) == "a"
    assert now() == 3
    assert len(queue) == 0


async def test_backoff_doubles_up_to_its_cap_and_is_forgotten_on_success():
    queue: WorkQueue[str] = WorkQueue(base_delay=1, max_delay=60)
    delays = []
    for _ in range(9):
        delays.append(queue.retry("a"))
        await take(queue)
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    queue.settle("a")
    assert queue.retry("a") == 1


async def test_a_forgotten_key_does_not_come_back():
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 1)
    queue.forget("a")
    queue.add_after("b", 2)
    assert await take(queue) == "b"
    assert now() == 2


async def test_a_waiting_worker_is_woken_at_once():
    queue: WorkQueue[str] = WorkQueue()
    worker = asyncio.create_task(take(queue))
    await asyncio.sleep(5)
    queue.add("a")
    assert await worker == "a"
    assert now() == 5
