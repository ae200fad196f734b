"""Reads ``git status --porcelain=v2 -z``. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_HEADER = b"# "
_FIELDS = {b"1": 8, b"2": 9, b"u": 10}
"""By the kind of a record: how many fields come before its path."""
_BY_ITSELF = {b"?": "?", b"!": "!"}


@dataclass(frozen=True, slots=True)
class Record:
    """One changed path, from the top of the repository; ``original`` is the name it had.

    ``index`` and ``tree`` are git's letters for the staged and the unstaged change, ``.`` for none;
    both are ``?`` for what git does not know and ``!`` for what it ignores.
    """

    path: bytes
    index: str
    tree: str
    unmerged: bool = False
    original: bytes | None = None

    @property
    def untracked(self) -> bool:
        """Whether git does not know it."""
        return self.index == "?"

    @property
    def ignored(self) -> bool:
        """Whether git is told to leave it alone."""
        return self.index == "!"


def records(output: bytes) -> tuple[dict[str, str], list[Record]]:
    """The headers, and the changes; raises ValueError for what is no such output."""
    headers: dict[str, str] = {}
    changes: list[Record] = []
    lines = iter(output.split(b"\0"))
    for line in lines:
        if line.startswith(_HEADER):
            name, _, value = line[len(_HEADER) :].decode(errors="replace").partition(" ")
            headers[name] = value
        elif line:
            changes.append(_record(line, lines))
    return headers, changes


def _record(line: bytes, following: Iterator[bytes]) -> Record:
    kind = line[:1]
    if kind in _BY_ITSELF:
        return Record(line[2:], _BY_ITSELF[kind], _BY_ITSELF[kind])
    fields = line.split(b" ", _FIELDS.get(kind, 0))
    if len(fields) == 1:
        raise ValueError("git status tells of something unknown")
    letters = fields[1].decode()
    original = next(following, None) if kind == b"2" else None
    return Record(fields[-1], letters[:1], letters[1:], unmerged=kind == b"u", original=original)
