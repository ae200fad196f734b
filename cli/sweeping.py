"""Lines about sweeps, freezes and what is missing: what ``sweep`` and ``describe`` have in common."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from cli.ages import age, moment
from cli.explaining import aligned
from cli.record import Record, one_line, status

NONE = "<none>"
TITLES = ("FINDING", "NAME", "SESSION", "AGE", "OUTCOME")


def finding_rows(findings: Sequence[Record], now: datetime) -> list[tuple[str, ...]]:
    """One row for each finding, under :data:`TITLES`."""
    return [
        (
            str(each.get("finding") or ""),
            str(each.get("name") or ""),
            str(each.get("session") or NONE),
            age(each.get("createdAt"), now) if each.get("createdAt") else NONE,
            one_line(str(each.get("outcome") or "")),
        )
        for each in findings
    ]


def command_lines(findings: Sequence[Record]) -> list[str]:
    """What to run on the Dokploy host, one command a line."""
    return [str(each["command"]) for each in findings if each.get("command")]


def report_lines(report: Record, now: datetime) -> list[str]:
    """A sweep's report, for reading."""
    if not report:
        return []
    if report.get("unfinished"):
        return [f"not finished: {one_line(str(report['unfinished']))}"]
    findings: list[Record] = report.get("findings") or []
    counts: Record = report.get("counts") or {}
    lines = [f"{age(report.get('at'), now)} ago: {counted(counts)}, {report.get('deleted') or 0} deleted"]
    if findings:
        lines += aligned([TITLES, *finding_rows(findings, now)])
    rest = sum(int(number) for number in counts.values()) - len(findings)
    if rest > 0:
        lines.append(f"and {rest} more: berth sweep --dry-run")
    return lines + [f"on the Dokploy host: {command}" for command in command_lines(findings)]


def counted(counts: Record) -> str:
    """``2 OrphanVolume, 1 Twin``."""
    return ", ".join(f"{number} {finding}" for finding, number in counts.items()) or "nothing found"


def freeze_lines(record: Record, now: datetime) -> list[str]:
    """Why nothing is done on a target, since when, and what ends it."""
    freeze: Record = status(record).get("freeze") or {}
    if not freeze:
        return []
    return [
        f"{freeze.get('reason')} for {age(freeze.get('since'), now)}: {one_line(str(freeze.get('message')))}",
        one_line(str(freeze.get("release") or "")),
    ]


def absence_text(record: Record) -> str:
    """``4 of 5 applications and 0 of 5 services``; empty while nothing is missing."""
    absence: Record = status(record).get("absence") or {}
    if not absence:
        return ""
    until = moment(absence.get("acceptedUntil"))
    accepted = f" (accepted until {until.astimezone(UTC):%H:%M:%S} UTC)" if until else ""
    return (
        f"{absence.get('applications') or 0} of {absence.get('applicationsExpected') or 0} applications and "
        f"{absence.get('services') or 0} of {absence.get('servicesExpected') or 0} services{accepted}"
    )


def missing(record: Record) -> int:
    """How many things a target lacks."""
    absence: Record = status(record).get("absence") or {}
    return int(absence.get("applications") or 0) + int(absence.get("services") or 0)
