"""What of a program's standard error tells why it ended. Pure.

Most of what agents write there is their own log: times, levels, phases of a start. A person wants the
line that says what was wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

_LINES = 3
"""Lines that are told."""
_SHOWN = 400
"""Characters of them together."""

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC, such as a title
    r"|\x1b[PX^_][^\x1b]*\x1b\\"  # DCS, SOS, PM, APC
    r"|[\x1b\x9b]\[?[0-?]*[ -/]*[@-~]"  # CSI, such as a colour, and two-character ones
)
_TIME = re.compile(
    r"^\[?(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?\s*(?:[-|:]\s*)?"
)
_FIELDS = re.compile(
    r'^(?:(?:time|ts|timestamp)=(?:"[^"]*"|\S+)\s+)?level=(\w+)\s+(?:.*?\bmsg=)?("[^"]*"|.*)$'
)
_LEVEL = re.compile(
    r"^\[?(TRACE|DEBUG|VERBOSE|INFO|NOTICE|WARN|WARNING|ERROR|ERR|CRITICAL|FATAL|SEVERE)\]?(?=[\s:\]]|$):?\s*",
    re.IGNORECASE,
)
_QUIET = frozenset({"trace", "debug", "verbose", "info", "notice"})
_LOUD = frozenset({"error", "err", "critical", "fatal", "severe"})
_NOISE = re.compile(
    r"^(?:at \S+(?: \[as \w+\])?(?: \(.+\))?(?: \{)?|at .+:\d+:\d+\)?(?: \{)?"
    r"|\^+|\.\.\. \d+ .*|[{}()\[\]]+,?|File \".+|node:internal/.*|throw .*|Node\.js v\d.*"
    r"|note: run with `RUST_BACKTRACE.*|stack backtrace:|\d+: 0x.*|\d+: .*::.*"
    r"|\(Use `node --trace.*|\(node:\d+\) .*Warning.*|npm (?:notice|warn|http|info|verb|timing).*"
    r"|Traceback \(most recent call last\):|[-=*_~#. ]+"
    r"|\[[\w/.-]+\](?: \w+=\S+)+)$",
    re.IGNORECASE,
)
"""Frames of stacks, rulers, hints about tools, phases such as ``[session/create] phase=models totalMs=7``."""
_ERRORS = re.compile(
    r"error|exception|fatal|panic|fail|cannot|can't|could not|couldn't|unable|denied|refused|missing|invalid"
    r"|not (?:found|installed|supported|permitted|allowed|a )|no such|unauthori[sz]ed|forbidden|expired"
    r"|timed? ?out|killed|out of memory|abort|unknown|must |requires?\b|unexpected|is wrong",
    re.IGNORECASE,
)


def telling(text: str) -> str:
    """The lines that say what was wrong, short enough for a message; empty where nothing says it.

    Those that name an error come before others; what is only a log at work is left out.
    """
    lines = [line for line in map(_line, _split(text)) if line is not None]
    said = [words for words, loud in lines if loud or _ERRORS.search(words)]
    if not said:
        said = [words for words, _ in lines]
    return _short(_once(said)[-_LINES:])


def _split(text: str) -> Iterable[str]:
    for line in _ESCAPES.sub("", text).replace("\r\n", "\n").split("\n"):
        # What is written over the line before is its newest state, as in a bar of progress.
        yield line.rsplit("\r", 1)[-1].strip()


def _line(line: str) -> tuple[str, bool] | None:
    """The words of a line without time and level, and whether the level is an error's; None for noise."""
    if not line or _NOISE.fullmatch(line):
        return None
    level, words = _leveled(line)
    words = words.strip()
    if level in _QUIET or not words or _NOISE.fullmatch(words):
        return None
    return words, level in _LOUD


def _leveled(line: str) -> tuple[str, str]:
    if line.startswith("{") and (found := _from_json(line)) is not None:
        return found
    line = _TIME.sub("", line)
    if (fields := _FIELDS.match(line)) is not None:
        return fields[1].lower(), fields[2].strip('"')
    level = _LEVEL.match(line)
    return (level[1].lower(), line[level.end() :]) if level else ("", line)


def _from_json(line: str) -> tuple[str, str] | None:
    """A line of a log in JSON, by the names that most give to level and message."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    words = next(
        (found[name] for name in ("message", "msg", "error") if isinstance(found.get(name), str)), ""
    )
    return str(found.get("level", found.get("severity", ""))).lower(), words


def _once(lines: list[str]) -> list[str]:
    """Each line once, where it was said last."""
    return list(reversed(dict.fromkeys(reversed(lines))))


def _short(lines: list[str]) -> str:
    words = " / ".join(lines)
    return words if len(words) <= _SHOWN else f"{words[: _SHOWN - 1]}…"
