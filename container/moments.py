"""Times as the reports tell them."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """``2026-11-23T12:00:00Z``."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
