"""Says a person why what they asked for cannot be had."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nicegui import ui

from container.refusal import Refusal


@contextmanager
def saying_why() -> Iterator[None]:
    """A refusal is said where the person looks, and nothing else happens."""
    try:
        yield
    except Refusal as refusal:
        where = f"{refusal.field}: " if refusal.field else ""
        ui.notify(f"{where}{refusal.message}", type="warning", position="top", multi_line=True, timeout=8000)
