"""Finds the new lines where two readings of one log overlap. Pure.

A log can be read by its end only, and its two streams are stamped apart: a line may appear late,
before lines that were there already (FACTS-2 6). So a reading goes back a little further than the
one before, and what was seen then is taken out, line by line: stamp and text together, as often
as it was seen.
"""

from __future__ import annotations

import re
from collections import Counter

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z(?= )")
_NEVER = ""


class Seam:
    """Remembers the newest reading of one log."""

    def __init__(self, first: str) -> None:
        lines = lines_of(first)
        self._seen = Counter(lines)
        self._floor = min(filter(None, map(stamp_of, lines)), default=_NEVER)

    def fresh(self, reading: str) -> list[str]:
        """The lines that the reading before did not have; none older than the first one's."""
        seen = Counter[str]()
        lines = []
        for line in lines_of(reading):
            seen[line] += 1
            stamp = stamp_of(line)
            if seen[line] > self._seen[line] and (stamp is None or stamp >= self._floor):
                lines.append(line)
        if reading:
            self._seen = seen
        return lines


def complete_lines_after(before: str, reading: str) -> str:
    """What an unstamped log (a build's) has gained: its complete lines after those seen before.

    ``before`` and ``reading`` are its end, possibly cut off at the front.
    """
    old, new = before.split("\n")[:-1], reading.split("\n")[:-1]
    for cut in range(len(old) + 1):
        if old[cut:] == new[: len(old) - cut]:
            return "".join(f"{line}\n" for line in new[len(old) - cut :])
    raise AssertionError("nothing at all is always the beginning of a log")


def lines_of(reading: str) -> list[str]:
    """The lines of a reading; a carriage return is part of its line."""
    return reading.removesuffix("\n").split("\n") if reading else []


def stamp_of(line: str) -> str | None:
    """The RFC 3339 stamp at the start of a line, with nine digits, so that stamps compare as text."""
    match = _STAMP.match(line)
    if match is None:
        return None
    seconds, _, fraction = match[0].rstrip("Z").partition(".")
    return f"{seconds}.{fraction:0<9}"
