"""Those who want to hear of changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from container.log import LOG

T = TypeVar("T")


class Subscribers(Generic[T]):
    """Callbacks, each called in the event loop with every change from its subscription on."""

    def __init__(self) -> None:
        self._callbacks: dict[object, Callable[[T], None]] = {}

    def add(self, callback: Callable[[T], None]) -> Callable[[], None]:
        """Subscribe; the function that is returned ends it, and may be called twice."""
        key = object()
        self._callbacks[key] = callback
        return lambda: void(self._callbacks.pop(key, None))

    def tell(self, change: T) -> None:
        """Tell all; one that fails is no reason for the others not to hear of it."""
        for callback in tuple(self._callbacks.values()):
            try:
                callback(change)
            except Exception:  # noqa: BLE001 - the defect is the subscriber's
                LOG.exception("a subscriber failed")


def void(_: object) -> None:
    """Nothing, of anything."""
