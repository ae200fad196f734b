"""Keeps what a page shows as the session is, until the page is closed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from nicegui import background_tasks, context

from container.log import LOG

Subscribe = Callable[[Callable[[], None]], Callable[[], None]]
Refresh = Callable[[], Awaitable[None]]

_PAUSE = 0.05
"""Seconds between two refreshes of one thing."""
_REST = 4
"""A page rests so many times as long as a refresh took: however much happens, others get their turn."""


def follow(subscribe: Subscribe, refresh: Refresh) -> Callable[[], None]:
    """Refresh once now and after changes, one at a time, in the place where this is called.

    Changes that come meanwhile are one: the refresh reads the state. What is returned asks for one more.
    """
    changed = asyncio.Event()
    changed.set()
    end = subscribe(changed.set)
    slot, client = context.slot, context.client

    async def run() -> None:
        while True:
            await changed.wait()
            changed.clear()
            began = time.monotonic()
            try:
                with slot:
                    await refresh()
            except Exception:  # noqa: BLE001 - the next change is another try
                if client.is_deleted:
                    return
                LOG.exception("a page could not be refreshed")
            await asyncio.sleep(max(_PAUSE, _REST * (time.monotonic() - began)))

    task = background_tasks.create(run(), name="follow")

    def leave() -> None:
        end()
        task.cancel()

    client.on_delete(leave)
    return changed.set
