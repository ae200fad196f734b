"""Keeps a panel as the world is, while somebody can see it."""

from __future__ import annotations

import time
from collections.abc import Callable

from nicegui import context, ui

from container.ui.following import Refresh, Subscribe, follow

_LOOK = 5.0
"""Seconds between two looks at what agents and terminals change: nobody tells of it."""
_GLANCE = 0.5
"""Seconds until a panel that is shown again is looked after."""


def watch(subscribe: Subscribe, refresh: Refresh) -> Callable[[], None]:
    """Refresh now, after changes, and every few seconds while the panel that is being built is shown.

    What is returned asks for one more.
    """
    place = context.slot.parent
    looked = 0.0

    async def look() -> None:
        nonlocal looked
        if place.visible:
            try:
                await refresh()
            finally:
                looked = time.monotonic()

    ask = follow(subscribe, look)

    def glance() -> None:
        nonlocal looked
        if not place.visible:
            looked = 0.0
        elif time.monotonic() - looked >= _LOOK:
            ask()

    ui.timer(_GLANCE, glance)
    return ask
