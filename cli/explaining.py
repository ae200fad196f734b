"""Lines about conditions, plans and events: what ``why``, ``describe`` and ``diff`` have in common."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cli.ages import age
from cli.record import Record, one_line

# Of these, False is the good news; of all others, True (LAWS, status laws).
_SHADOWS = frozenset({"Degraded", "Progressing", "Suspended", "Stalled"})


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


def unmet_lines(conditions: Sequence[Record], now: datetime) -> list[str]:
    """The conditions that are not as one would wish."""
    rows = [
        (
            f"{each.get('type')}={each.get('status')}",
            str(each.get("reason") or ""),
            f"for {age(each.get('lastTransitionTime'), now)}",
            one_line(str(each.get("message") or "")),
        )
        for each in conditions
        if not _fine(each)
    ]
    return aligned(rows)


def plan_lines(plan: Record) -> list[str]:
    """What the controller would do, and why."""
    lines = [f"- {one_line(str(action))}" for action in plan.get("actions") or ()]
    if plan.get("why"):
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


def _fine(condition: Record) -> bool:
    good = "False" if condition.get("type") in _SHADOWS else "True"
    return condition.get("status") == good
