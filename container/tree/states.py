"""What git says of the entries of one directory, asked once for all of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path

from container.git import Git
from container.git_failures import GitFailure
from container.porcelain import Record, records
from container.tree.names import Parts
from container.tree.walk import Last, Spot, found

_SILENCE = 10.0
GIT = b".git"


class State(StrEnum):
    """How git sees an entry; a directory is as the worst of what is in it, the worst here first."""

    CONFLICTED = "conflicted"
    MODIFIED = "modified"
    ADDED = "added"
    UNTRACKED = "untracked"
    IGNORED = "ignored"


_ORDER = list(State)


class States:
    """By name; an entry that is not told of is as it was committed."""

    def __init__(self, states: dict[bytes, State], others: State | None = None) -> None:
        self._states = states
        self._others = others
        """Of all, where the directory itself is untracked or ignored."""

    def of(self, name: bytes) -> State | None:
        """One entry's."""
        return self._others or self._states.get(name)


def repository_of(workspace: Path, parts: Parts) -> Parts | None:
    """The repository that a directory belongs to: the nearest one up to the workspace; raises Refusal."""
    for length in range(len(parts), -1, -1):
        with found(workspace, parts[:length], Last.ITSELF) as spot:
            if _holds_git(spot):
                return parts[:length]
    return None


def _holds_git(spot: Spot) -> bool:
    descriptor = spot.open_directory()
    try:
        kind = os.stat(GIT, dir_fd=descriptor, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return False
    finally:
        os.close(descriptor)
    return stat.S_ISDIR(kind) or stat.S_ISREG(kind)


async def read_states(git: Git, workspace: Path, repository: Parts, parts: Parts) -> States | None:
    """The states of a directory's entries; None where git cannot tell in time."""
    inside = b"/".join(parts[len(repository) :])
    try:
        output = await git.run(
            "-C",
            str(workspace / os.fsdecode(b"/".join(repository))),
            "--literal-pathspecs",
            "status",
            "--porcelain=v2",
            "-z",
            "--ignored=matching",
            "--untracked-files=normal",
            "--",
            os.fsdecode(inside) or ".",
            silence=_SILENCE,
        )
        changes = records(output)[1]
    except (GitFailure, ValueError):
        return None
    return states(changes, inside + b"/" if inside else b"")


def states(changes: Iterable[Record], prefix: bytes) -> States:
    """What these changes say of the entries under a prefix, which ends in ``/`` or is empty. Pure."""
    known: dict[bytes, State] = {}
    for change in changes:
        if change.path.endswith(b"/") and prefix.startswith(change.path):
            return States({}, others=state_of(change))
        for name, state in _touched(change, prefix):
            known[name] = min(state, known.get(name, state), key=_ORDER.index)
    return States(known)


def state_of(change: Record) -> State:
    """One change in one word. Pure."""
    if change.unmerged:
        return State.CONFLICTED
    if change.untracked:
        return State.UNTRACKED
    if change.ignored:
        return State.IGNORED
    return State.ADDED if change.index in {"A", "R", "C"} else State.MODIFIED


def _touched(change: Record, prefix: bytes) -> Iterator[tuple[bytes, State]]:
    """The entries under the prefix that a change shows at."""
    for path, state in ((change.path, state_of(change)), (change.original, State.MODIFIED)):
        if path is not None and path.startswith(prefix):
            name, _, below = path[len(prefix) :].partition(b"/")
            # What is ignored somewhere below says nothing of the directory.
            if not (below and change.ignored):
                yield name, state
