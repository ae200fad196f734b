"""Records as they travel: plain dictionaries of the Kubernetes object shape.

The server validates them; the command line reads the few fields it shows, each of which may be
missing.
"""

from __future__ import annotations

from typing import Any

from cli.output import visible

Record = dict[str, Any]


def metadata(record: Record) -> Record:
    """The record's metadata, empty if it has none."""
    found: Record = record.get("metadata") or {}
    return found


def spec(record: Record) -> Record:
    """The record's spec, empty if it has none."""
    found: Record = record.get("spec") or {}
    return found


def status(record: Record) -> Record:
    """The record's status, empty if it has none."""
    found: Record = record.get("status") or {}
    return found


def conditions(record: Record) -> list[Record]:
    """The record's conditions."""
    found: list[Record] = status(record).get("conditions") or []
    return found


def condition(record: Record, kind: str) -> Record | None:
    """The condition of this type; the type's case does not matter."""
    return next((each for each in conditions(record) if str(each.get("type")).lower() == kind.lower()), None)


def identity(record: Record) -> tuple[str, str]:
    """Namespace and name of a record."""
    return str(metadata(record).get("namespace") or ""), str(metadata(record).get("name") or "")


def one_line(text: str) -> str:
    """Text for a line or a cell: white space collapsed, control characters written out."""
    return visible(" ".join(text.split()), kept="")
