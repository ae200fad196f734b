"""Keeps a panel as the world is, while somebody can see it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nicegui import context, ui

from container.ui.following import Refresh, Subscribe, follow

_LOOK = 2.0
"""Seconds between two looks at what agents and terminals change: nobody tells of it."""
_SHARE = 20
"""A panel rests so many times as long as a look took: a large workspace is looked at less often."""
_GLANCE = 0.5
"""Seconds until a panel that is shown again is looked after."""
_NOW, _LATER = float("-inf"), float("inf")


class Rhythm:
    """When a panel is due to be looked after."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due = _NOW

    def wanted(self, *, seen: bool) -> bool:
        """Whether to look now: never unseen, at once when it is seen again, and then every few seconds."""
        if not seen:
            self._due = _NOW
        return seen and self._clock() >= self._due

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Around a look."""
        began, self._due = self._clock(), _LATER
        try:
            yield
        finally:
            ended = self._clock()
            self._due = ended + max(_LOOK, _SHARE * (ended - began))


def watch(subscribe: Subscribe, refresh: Refresh) -> Callable[[], None]:
    """Refresh now, after changes, and every few seconds while the panel that is being built is shown.

    What is returned asks for one more.
    """
    place, client = context.slot.parent, context.client
    rhythm = Rhythm()

    async def look() -> None:
        if place.visible:
            with rhythm.looking():
                await refresh()

    ask = follow(subscribe, look)

    def glance() -> None:
        # A page whose browser is gone is kept for a while: nobody sees it.
        if rhythm.wanted(seen=place.visible and client.has_socket_connection):
            ask()

    ui.timer(_GLANCE, glance)
    return ask
