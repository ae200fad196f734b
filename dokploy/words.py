"""Docker's words made into numbers: ages, replicas, percentages, sizes, and errors of tasks."""

from __future__ import annotations

import re
from functools import lru_cache

_SECONDS = {
    "second": 1.0,
    "minute": 60.0,
    "hour": 3600.0,
    "day": 86_400.0,
    "week": 604_800.0,
    "month": 2_592_000.0,
    "year": 31_536_000.0,
}
_AGE = re.compile(
    r"(?P<less>less than an? )?(?:about )?(?P<count>an?|\d+)?\s*"
    r"(?P<unit>second|minute|hour|day|week|month|year)s? ago$",
    re.IGNORECASE,
)
_REPLICAS = re.compile(r"(\d+)/(\d+)(?: \(.*\))?")
_SIZE = re.compile(r"([\d.]+)\s*([kKMGTP]?)(i?)B")
_POWERS = " kMGTP"

_KNOWN_ERRORS = (
    re.compile(r"No such image: [\w.:/@-]+…?"),
    re.compile(r"task: non-zero exit \(\d+\)(?:: dockerexec: unhealthy container$)?(?=$|:)"),
    re.compile(r"(?:dockerexec: )?unhealthy container(?: shutdown failed)?(?=$|:)"),
    re.compile(r"no suitable node(?: \([a-z0-9 ;,]+\))?"),
    re.compile(r"starting container failed(?=$|:)"),
    re.compile(r"invalid mount config for type \"[a-z]+\"(?=$|:)"),
)
"""The shapes of errors that are kept, as far as they go; what follows them is foreign."""
_OTHER_ERROR = "the task failed for a reason that Dokploy shows"


def age_of(current_state: str) -> float | None:
    """Seconds since a task reached its state: "Running about a minute ago" → 60.0.

    As coarse as Docker words it; None where no age is told.
    """
    found = _AGE.search(current_state)
    if found is None:
        return None
    if found["less"]:
        return 0.0
    count = found["count"] or "1"
    return _SECONDS[found["unit"].lower()] * (int(count) if count.isdigit() else 1)


def state_of(current_state: str) -> str:
    """The first word: "Running 2 hours ago" → "Running"."""
    return current_state.split(maxsplit=1)[0] if current_state.strip() else ""


def error_of_task(text: str | None) -> str:
    """A task's error where its shape is known, our own words where it is not.

    The bare ``Error:`` is an artefact of Dokploy's parsing and means none (FACTS-2 2).
    """
    bare = (text or "").strip().strip('"').strip()
    if bare in {"", "Error:"}:
        return ""
    for known in _KNOWN_ERRORS:
        if found := known.match(bare):
            return found[0]
    return _OTHER_ERROR


@lru_cache(maxsize=64)  # a listing has hundreds of them, and nearly all are alike
def replicas_of(text: str) -> tuple[int, int]:
    """Healthy tasks and wanted ones: "1/1", "0/1 (max 1 per node)"; raise ValueError for others."""
    found = _REPLICAS.fullmatch(text.strip())
    if found is None:
        raise ValueError("replicas are told as healthy/wanted")
    return int(found[1]), int(found[2])


def cpus_of(percent: str) -> float | None:
    """CPUs in use: "2.27%" → 0.0227; None for a container that has just gone ("--")."""
    try:
        return float(percent.strip().removesuffix("%")) / 100
    except ValueError:
        return None


def bytes_of(usage: str) -> int | None:
    """Bytes in use: "2.621MiB / 64MiB" → 2748317; None where none are told."""
    found = _SIZE.match(usage.strip())
    if found is None:
        return None
    power = _POWERS.index(found[2].replace("K", "k") or " ")
    unit: int = (1024 if found[3] else 1000) ** power
    return round(float(found[1]) * unit)
