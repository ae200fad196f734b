"""What has changed in a repository, as git tells it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from container.porcelain import Record
from container.tree.names import text_of

MAX_CHANGES = 2000
"""Told at a time."""
_INITIAL, _DETACHED = "(initial)", "(detached)"
_SHORT = 10


class Kind(StrEnum):
    """What became of a file."""

    MODIFIED = "modified"
    ADDED = "added"
    DELETED = "deleted"
    RENAMED = "renamed"
    COPIED = "copied"
    RETYPED = "retyped"
    """It is of another kind: a link, say, in place of a file."""
    UNTRACKED = "untracked"
    CONFLICTED = "conflicted"


_LETTERS = {
    "M": Kind.MODIFIED,
    "A": Kind.ADDED,
    "D": Kind.DELETED,
    "R": Kind.RENAMED,
    "C": Kind.COPIED,
    "T": Kind.RETYPED,
    "?": Kind.UNTRACKED,
}


@dataclass(frozen=True, slots=True)
class Change:
    """One changed file, by its path from the top of the repository; ``original`` is the one it had.

    What is staged and what is not are apart, and both may be; what is conflicted or untracked is
    not staged.
    """

    path: str
    staged: Kind | None
    unstaged: Kind | None
    original: str | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """A repository. ``branch`` is None for a detached head, ``head`` before the first commit.

    ``ahead`` and ``behind`` count commits, by what was last fetched; None without an upstream.
    ``operation`` is ``merge``, ``rebase``, ``cherry-pick``, ``revert`` or ``bisect``, where one is
    under way. ``more`` tells that not all changes are told.
    """

    repository: str
    branch: str | None
    head: str | None
    upstream: str | None
    ahead: int | None
    behind: int | None
    stashes: int
    operation: str | None
    changes: tuple[Change, ...]
    more: bool


def status_of(
    repository: str,
    headers: Mapping[str, str],
    found: Sequence[Record],
    *,
    operation: str | None,
    more: bool,
) -> Status:
    """A status from what git says."""
    branch, head = headers.get("branch.head", _DETACHED), headers.get("branch.oid", _INITIAL)
    ahead, behind = _counts(headers.get("branch.ab", ""))
    return Status(
        repository,
        branch=None if branch == _DETACHED else branch,
        head=None if head == _INITIAL else head[:_SHORT],
        upstream=headers.get("branch.upstream"),
        ahead=ahead,
        behind=behind,
        stashes=int(headers.get("stash", "0")),
        operation=operation,
        changes=tuple(change_of(record) for record in found[:MAX_CHANGES]),
        more=more or len(found) > MAX_CHANGES,
    )


def change_of(record: Record) -> Change:
    """One change."""
    path = text_of(record.path)
    if record.unmerged:
        return Change(path, None, Kind.CONFLICTED)
    if record.untracked:
        return Change(path, None, Kind.UNTRACKED)
    original = None if record.original is None else text_of(record.original)
    return Change(path, _LETTERS.get(record.index), _LETTERS.get(record.tree), original)


def _counts(text: str) -> tuple[int | None, int | None]:
    """``+1 -2`` as numbers."""
    ahead, _, behind = text.partition(" ")
    return (int(ahead), -int(behind)) if behind else (None, None)
