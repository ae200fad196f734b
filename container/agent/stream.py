"""The agent's changes as server-sent events, from a revision on."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

from sse_starlette import EventSourceResponse, ServerSentEvent

from container.agent.agent import Agent
from container.agent.codec import as_data

_PING = 15
"""Seconds between signs of life, for what lies between us and the browser."""
_SEND = 30.0
"""Seconds that a reader may take; one that takes longer is let go, and comes back by itself."""
_LIMIT = 100


def stream(agent: Agent, after: int) -> EventSourceResponse:
    """Everything that changed after a revision, and then each change.

    An event ``change`` has the revision as its id, and as data ``page`` (as ``GET …/transcript`` tells
    it) and ``agent`` (as ``GET …`` does). What happens while one is sent is told together in the next:
    a slow reader costs no memory.
    """
    return EventSourceResponse(_changes(agent, after), ping=_PING, send_timeout=_SEND)


async def _changes(agent: Agent, after: int) -> AsyncIterator[ServerSentEvent]:
    changed = asyncio.Event()
    changed.set()
    leaving = asyncio.get_running_loop().create_task(agent.leaving.wait())
    unsubscribe = agent.subscribe(changed.set)
    try:
        while not leaving.done():
            changed.clear()
            page = agent.since(after, limit=_LIMIT)
            after = page.revision
            data = {"page": as_data(page), "agent": as_data(agent.view())}
            yield ServerSentEvent(json.dumps(data, ensure_ascii=False), event="change", id=str(after))
            if page.more:
                continue
            waiting = asyncio.get_running_loop().create_task(changed.wait())
            try:
                await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiting.cancel()
    finally:
        unsubscribe()
        leaving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await leaving
