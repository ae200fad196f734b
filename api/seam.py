"""Finds the new lines where two readings of one log overlap. Pure.

A log can be read by its end only, and its two streams are stamped apart: a line may appear late,
before lines that were there already (FACTS-2 6). So a reading goes back a little further than the
one before, and what was seen then is taken out, line by line: stamp and text together, as often
as it was seen.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice

MOST_LINES = 10_000
"""Dokploy gives no more at a time (FACTS-2 6)."""

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z(?= )")
_NEVER = ""


class Seam:
    """Remembers the lines of one log that a later reading may show again."""

    def __init__(self, first: str) -> None:
        lines = lines_of(first)
        self._stamped, self._bare = Counter[str](), Counter[str]()
        self._remember(Counter(lines))
        self._floor = min(filter(None, map(stamp_of, lines)), default=_NEVER)

    def fresh(self, reading: str) -> list[str]:
        """The lines that no reading before had; none older than the first one's."""
        seen = Counter[str]()
        lines = []
        for line in lines_of(reading):
            seen[line] += 1
            stamp = stamp_of(line)
            known = self._bare if stamp is None else self._stamped
            if seen[line] > known[line] and (stamp is None or stamp >= self._floor):
                lines.append(line)
        self._remember(seen)
        return lines

    def _remember(self, seen: Counter[str]) -> None:
        """Add what was seen, and forget what is too old to be shown again.

        The next reading may go back further than this one, so its stamped lines are added to those
        before; the lines seen last stand last. A line without a stamp may be written again at any
        time, so only those of the newest reading are known.
        """
        if seen:
            self._bare = Counter({line: count for line, count in seen.items() if stamp_of(line) is None})
        for line, count in seen.items():
            if line not in self._bare:
                self._stamped[line] = max(count, self._stamped.pop(line, 0))
        for line in list(islice(self._stamped, max(0, len(self._stamped) - MOST_LINES))):
            del self._stamped[line]


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
