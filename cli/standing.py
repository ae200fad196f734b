"""How a record stands, read from its status: pure functions over plain dictionaries."""

from __future__ import annotations

from collections.abc import Callable

from cli.record import Record, condition, metadata, one_line, status

Predicate = Callable[[Record | None], bool]
"""Whether a record is as wished for; None: it is gone."""


def holds(kind: str, wanted: str = "True") -> Predicate:
    """That a condition has a status, seen at the record's present generation.

    A condition that speaks of an older generation tells nothing: after a change, Ready is still
    True for what ran before.
    """

    def predicate(record: Record | None) -> bool:
        found = condition(record, kind) if record else None
        return (
            record is not None
            and found is not None
            and str(found.get("status")).lower() == wanted.lower()
            and _observed(found, record)
        )

    return predicate


def in_phase(phase: str) -> Predicate:
    """That the controller has seen the present generation and reports this phase."""

    def predicate(record: Record | None) -> bool:
        return (
            record is not None and status(record).get("phase") == phase and _observed(status(record), record)
        )

    return predicate


def gone(uid: str | None) -> Predicate:
    """That the record is gone; one of the same name and another uid is another record."""

    def predicate(record: Record | None) -> bool:
        return record is None or (uid is not None and metadata(record).get("uid") != uid)

    return predicate


def in_words(record: Record | None, *, about: str = "Ready") -> str:
    """``Creating (Starting): the container is not healthy yet``: phase, reason, message."""
    if record is None:
        return "gone"
    phase = (
        "Deleting" if metadata(record).get("deletionTimestamp") else str(status(record).get("phase") or "")
    )
    found = condition(record, about) or condition(record, "Ready") or {}
    reason = str(found.get("reason") or "")
    words = phase or str(found.get("status") or "not yet looked at")
    if reason and reason != phase:
        words = f"{words} ({reason})"
    message = one_line(str(found.get("message") or ""))
    if status(record) and not _observed(status(record), record):
        # What is reported is of before the change that is waited for.
        words = f"{words}, the newest change not yet seen"
    return f"{words}: {message}" if message else words


def _observed(holder: Record, record: Record) -> bool:
    seen = holder.get("observedGeneration")
    return seen is None or int(seen) >= int(metadata(record).get("generation") or 0)
