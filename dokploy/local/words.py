"""Times as Dokploy and Docker write them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

_MINUTE = 60.0
_HOUR = 3600.0
_DAY = 24 * _HOUR


@lru_cache(maxsize=4)
def stamp(at: float) -> str:
    """``2026-11-24T00:00:50.381Z``; one call writes the same moment into several rows."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(at * 1000) % 1000:03d}Z"


def log_stamp(at: float) -> str:
    """RFC 3339 with nanoseconds, as ``docker logs --timestamps`` writes it."""
    nanos = round(at % 1 * 1e9) % 1_000_000_000
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{nanos:09d}Z"


def span(seconds: float) -> str:
    """A duration as Docker words it: ``3 seconds``, ``About a minute``, ``2 hours``."""
    whole = int(seconds)
    if whole < 1:
        return "Less than a second"
    if whole == 1:
        return "1 second"
    if whole < _MINUTE:
        return f"{whole} seconds"
    minutes = int(seconds / _MINUTE)
    if minutes == 1:
        return "About a minute"
    if minutes < 60:  # noqa: PLR2004 - Docker's own thresholds, here and below
        return f"{minutes} minutes"
    hours = int(seconds / _HOUR + 0.5)
    if hours == 1:
        return "About an hour"
    if hours < 48:  # noqa: PLR2004
        return f"{hours} hours"
    days = int(seconds / _DAY)
    if days < 14:  # noqa: PLR2004
        return f"{days} days"
    return f"{days // 7} weeks" if days < 60 else f"{days // 30} months"  # noqa: PLR2004


def task_age(seconds: float) -> str:
    """``3 seconds ago``, in the lower case of ``docker service ps``."""
    words = span(max(seconds, 0.0))
    return words[0].lower() + words[1:] + " ago"
