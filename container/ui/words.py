"""States as a person reads them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from container.contract import AgentState, Attention, WorkReport

_GOOD = frozenset({"Ready", "Empty", "Clean", "LoggedIn", "Idle", "Completed"})
_BAD = frozenset(
    {"Failed", "Unsaved", "Expired", "Revoked", "Invalid", "NotInstalled", "LimitReached", "LoginNeeded"}
)
_ASKING = frozenset({"NeedsApproval", "NeedsInput"})
_TROUBLED = frozenset({AgentState.FAILED, AgentState.NOT_INSTALLED})
_KIB = 1024
_UNSEEN = re.compile(r"[\0-\x1f\x7f\u200e\u200f\u2028-\u202e\u2066-\u2069\uf780-\uf7ff]")
"""What does not show, or turns others around; and bytes that are no text, as ``tree.names`` tells them."""
_TOLD_BYTE = 0xF700
_PICTURES = 0x2400
_DELETE = 0x7F


def plain(word: str) -> str:
    """``NeedsApproval``: needs approval."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", word).lower()


def tone(word: str) -> str:
    """How a state is coloured: ``good``, ``bad``, ``ask`` or ``wait``."""
    if word in _GOOD:
        return "good"
    if word in _BAD:
        return "bad"
    return "ask" if word in _ASKING else "wait"


def standing(attention: Attention, state: AgentState) -> str:
    """The one word for the agent: what it wants, or what is wrong where it can want nothing."""
    resting = attention in {Attention.IDLE, Attention.NEEDS_INPUT, Attention.UNKNOWN}
    return state.value if resting and state in _TROUBLED else attention.value


def size(count: int) -> str:
    """A number of bytes."""
    value = float(count)
    for unit in ("B", "KiB", "MiB"):
        if value < _KIB:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= _KIB
    return f"{value:.1f} GiB"


def visible(name: str) -> str:
    """A name with all that is in it to be seen: a newline, say, as ``␊``."""
    return _UNSEEN.sub(lambda match: _seen(ord(match[0])), name)


def _seen(character: int) -> str:
    if character < 0x20:  # noqa: PLR2004 - the control characters, which have pictures in this order
        return chr(_PICTURES + character)
    if character == _DELETE:
        return "␡"
    if character >= _TOLD_BYTE:
        return f"\\x{character - _TOLD_BYTE:02x}"
    return f"\\u{character:04x}"


def counted(number: int, one: str, many: str) -> str:
    """``1 change``, ``2 changes``."""
    return f"{number} {one if number == 1 else many}"


def work(report: WorkReport) -> str:
    """Whether the work is saved, as a sentence."""
    if report["state"] == "Clean":
        return "All work is saved."
    if report["state"] == "Unknown":
        return "Not known yet."
    parts = ["no remote to push to"] if report["state"] == "NoRemote" else []
    if report["uncommitted"]:
        parts.append(f"{counted(report['uncommitted'], 'change', 'changes')} not committed")
    if report["unpushed"]:
        parts.append(f"{counted(report['unpushed'], 'commit', 'commits')} not pushed")
    text = ", ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def ago(moment: str, now: datetime) -> str:
    """How long ago an RFC 3339 time was."""
    try:
        seconds = (now - datetime.fromisoformat(moment)).total_seconds()
    except ValueError:
        return ""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit} ago"
    return "just now"


def utc_now() -> datetime:
    """The time, for :func:`ago`."""
    return datetime.now(UTC)


def uploaded_name(name: str) -> str:
    """A file's name as it was before the browser wrote it into a form, which escapes three characters."""
    return name.replace("%22", '"').replace("%0A", "\n").replace("%0D", "\r")
