from __future__ import annotations

import asyncio

import pytest

from tests.dokploy.local.world import World


@pytest.fixture
async def world():
    made = World()
    await made.open()
    yield made
    await made.close()
    # What was cancelled has been told so by now; nothing may be left over.
    leftovers = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not [task for task in leftovers if "dokploy" in repr(task.get_coro())]
