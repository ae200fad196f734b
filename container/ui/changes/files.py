"""The changed files as one sees them: among those that are staged, those that are not, or both. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from container.changes.difference import Side
from container.changes.status import Kind, Status
from container.ui.words import visible


@dataclass(frozen=True, slots=True)
class File:
    """One file in one group; ``side`` is that group."""

    path: str
    side: Side
    kind: Kind
    original: str | None = None

    @property
    def discardable(self) -> bool:
        """Whether its change can be thrown away from here."""
        return self.side is Side.UNSTAGED and self.kind is not Kind.CONFLICTED

    @property
    def name(self) -> str:
        """Its last name, to be read."""
        return visible(self.path.rpartition("/")[2])

    @property
    def around(self) -> str:
        """Where it is, and where it was before it was renamed."""
        before = f" ← {visible(self.original)}" if self.original else ""
        return visible(self.path.rpartition("/")[0]) + before


def files_of(status: Status, side: Side) -> tuple[File, ...]:
    """Those of one group."""
    return tuple(_files_of(status, side))


def _files_of(status: Status, side: Side) -> Iterator[File]:
    for change in status.changes:
        kind = change.staged if side is Side.STAGED else change.unstaged
        if kind is not None:
            original = change.original if kind in {Kind.RENAMED, Kind.COPIED} else None
            yield File(change.path, side, kind, original)


def found_again(file: File | None, status: Status) -> File | None:
    """A file by now: in its group, or in the other one; None where it has no changes any more."""
    if file is None:
        return None
    others = [*files_of(status, Side.UNSTAGED), *files_of(status, Side.STAGED)]
    by_side = {each.side: each for each in others if each.path == file.path}
    return by_side.get(file.side) or next(iter(by_side.values()), None)
