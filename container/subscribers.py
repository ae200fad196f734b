"""Those who want to hear of changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, ParamSpec

from container.log import LOG

P = ParamSpec("P")


class Subscribers(Generic[P]):
    """Callbacks, each called in the event loop with every change from its subscription on."""

    def __init__(self) -> None:
        self._callbacks: dict[object, Callable[P, None]] = {}

    def add(self, callback: Callable[P, None]) -> Callable[[], None]:
        """Subscribe; the function that is returned ends it, and may be called twice."""
        key = object()
        self._callbacks[key] = callback

        def end() -> None:
            self._callbacks.pop(key, None)

        return end

    def tell(self, *change: P.args, **named: P.kwargs) -> None:
        """Tell all; one that fails is no reason for the others not to hear of it."""
        for callback in tuple(self._callbacks.values()):
            try:
                callback(*change, **named)
            except Exception:  # noqa: BLE001 - the defect is the subscriber's
                LOG.exception("a subscriber failed")
