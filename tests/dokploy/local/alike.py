"""When two answers are alike."""

from __future__ import annotations

import json
import re
from typing import Any

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_ID = re.compile(r"[A-Za-z0-9_-]{21}")
_CHANGING = (
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "<container>"),
    (re.compile(r"\[<container>(, <container>)*\]"), "[<containers>]"),
    (re.compile(r"params: [A-Za-z0-9_-]{21},"), "params: <id>,"),
)


def plain(body: Any) -> Any:
    """An error's body without the identifiers of the moment."""
    text = body if isinstance(body, str) else json.dumps(body)
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return text


def kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list | dict):
        return "list" if isinstance(value, list) else "object"
    if _TIME.fullmatch(value):
        return "time"
    return "id" if _ID.fullmatch(value) else "text"


def differences(recorded: Any, ours: Any, path: str = "$") -> list[str]:
    """Where two successful answers are not alike; an id may look like any other text."""
    kinds = kind(recorded), kind(ours)
    if kinds[0] != kinds[1] and not set(kinds) <= {"id", "text"}:
        return [f"{path}: {kinds[0]} recorded, {kinds[1]} here"]
    if isinstance(recorded, dict):
        missing = [f"{path}.{name}: missing here" for name in recorded if name not in ours]
        more = [f"{path}.{name}: not recorded" for name in ours if name not in recorded]
        both = [
            differences(recorded[name], ours[name], f"{path}.{name}") for name in recorded if name in ours
        ]
        return [*missing, *more, *(entry for entries in both for entry in entries)]
    if isinstance(recorded, list) and recorded:
        if not ours:
            return [f"{path}: empty here"]
        return differences(recorded[0], ours[0], f"{path}[0]")
    return []
