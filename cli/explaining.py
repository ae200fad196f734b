"""Lines about conditions, plans and events: what ``why``, ``describe`` and ``diff`` have in common."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cli.ages import age
from cli.record import Record, one_line

_AT_REST = frozenset({"Stopped", "Legacy"})
"""Reasons of a session that has no container because none is declared."""


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines with their cells under each other; the last cell is not padded."""
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def condition_lines(conditions: Sequence[Record], now: datetime) -> list[str]:
    """All conditions as a table."""
    if not conditions:
        return []
    rows = [
        (
            str(each.get("type") or ""),
            str(each.get("status") or ""),
            str(each.get("reason") or ""),
            age(each.get("lastTransitionTime"), now),
            one_line(str(each.get("message") or "")),
        )
        for each in conditions
    ]
    return aligned([("TYPE", "STATUS", "REASON", "SINCE", "MESSAGE"), *rows])


def unmet_lines(conditions: Sequence[Record], now: datetime, *, said: str = "") -> list[str]:
    """The conditions that are not as they should be; those of one cause share a line.

    A message that stands in ``said``, which is shown above them, is not repeated.
    """
    rest = _rests(conditions)
    causes: dict[tuple[str, str], list[Record]] = {}
    for each in conditions:
        if not _fine(each, rest=rest):
            cause = (str(each.get("reason") or ""), one_line(str(each.get("message") or "")))
            causes.setdefault(cause, []).append(each)
    rows = [
        (
            ", ".join(f"{each.get('type')}={each.get('status')}" for each in together),
            reason,
            f"for {_longest(together, now)}",
            "" if message in said else message,
        )
        for (reason, message), together in causes.items()
    ]
    return aligned(rows)


def plan_lines(plan: Record, *, said: str = "") -> list[str]:
    """What the controller would do, and why, unless that stands in ``said``."""
    lines = [f"- {one_line(str(action))}" for action in plan.get("actions") or ()]
    if plan.get("why") and one_line(str(plan["why"])) not in said:
        lines.append(f"because {one_line(str(plan['why']))}" if lines else one_line(str(plan["why"])))
    if plan.get("waitSeconds") is not None:
        lines.append(f"looks again in {float(plan['waitSeconds']):g}s")
    return lines


def event_lines(events: Sequence[Record], now: datetime) -> list[str]:
    """Events, the oldest first."""
    rows = [
        (
            age(each.get("lastTimestamp"), now)
            + (f" (x{each['count']})" if int(each.get("count") or 1) > 1 else ""),
            str(each.get("type") or ""),
            str(each.get("reason") or ""),
            one_line(str(each.get("message") or "")),
        )
        for each in events
    ]
    return aligned(rows)


def change_lines(changes: Sequence[Record]) -> list[str]:
    """What a declaration would change, field by field."""
    return [
        f"{change.get('field')}: {_value(change.get('before'))} -> {_value(change.get('after'))}"
        for change in changes
    ]


def _value(value: object) -> str:
    from cli.jsonpath import printed  # noqa: PLC0415 - only where values are shown

    return "(absent)" if value is None else printed(value) if not isinstance(value, str) else f'"{value}"'


def _fine(condition: Record, *, rest: bool) -> bool:
    from crds.conditions import Polarity, polarity_of  # noqa: PLC0415 - only where conditions are judged

    polarity = polarity_of(str(condition.get("type")))
    if polarity is Polarity.NEUTRAL or condition.get("reason") in _AT_REST:
        return True
    if rest and condition.get("reason") == "NotReported":
        return True
    return condition.get("status") == ("False" if polarity is Polarity.NEGATIVE else "True")


def _rests(conditions: Sequence[Record]) -> bool:
    """Whether the session is declared without a container and has none, so that nobody can report."""
    return any(each.get("type") == "Ready" and each.get("reason") in _AT_REST for each in conditions)


def _longest(conditions: Sequence[Record], now: datetime) -> str:
    first = min(str(each.get("lastTransitionTime") or "") for each in conditions)
    return age(first or None, now)
