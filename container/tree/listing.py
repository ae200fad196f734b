"""What is in a directory."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from container.directories import STAGING
from container.moments import rfc3339
from container.refusal import Refusal
from container.tree.names import Parts, path_of, text_of
from container.tree.states import GIT, State, States
from container.tree.walk import Last, found

MAX_ENTRIES = 5000
"""Told of one directory."""
_NOT_WORK = frozenset({os.fsdecode(GIT), "lost+found"})


class Kind(StrEnum):
    """What an entry is."""

    DIRECTORY = "directory"
    FILE = "file"
    LINK = "link"
    OTHER = "other"


class GitAnswer(StrEnum):
    """Whether the entries' git states are told."""

    KNOWN = "known"
    NONE = "none"
    """The directory lies in no repository."""
    UNKNOWN = "unknown"
    """git did not answer in time, or failed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. ``bytes`` is of a file alone, ``target`` and ``leads_to`` of a link alone.

    ``leads_to`` is None for a link that leads to nothing, or out of the workspace. ``git`` is None
    for what is as it was committed, and where git is not known.
    """

    name: str
    path: str
    kind: Kind
    bytes: int | None
    modified: str
    git: State | None = None
    target: str | None = None
    leads_to: Kind | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A directory: its directories first, by name; ``more`` when not all of it is told."""

    path: str
    entries: tuple[Entry, ...]
    more: bool
    git: GitAnswer = GitAnswer.NONE


@dataclass(frozen=True, slots=True)
class Found:
    """A directory as it was found, without what git says; ``names`` are those of the entries."""

    parts: Parts
    listing: Listing
    names: tuple[bytes, ...]

    def with_git(self, states: States | None) -> Listing:
        """The listing with what git says; None where it could not say it."""
        if states is None:
            return replace(self.listing, git=GitAnswer.UNKNOWN)
        entries = tuple(
            replace(entry, git=states.of(name))
            for entry, name in zip(self.listing.entries, self.names, strict=True)
        )
        return replace(self.listing, entries=entries, git=GitAnswer.KNOWN)


def list_directory(workspace: Path, parts: Parts) -> Found:
    """List a directory; raises Refusal. git's own directory and an unfinished clone are not told."""
    with found(workspace, parts, Last.TARGET) as spot:
        descriptor = spot.open_directory()
        try:
            with os.scandir(descriptor) as entries:
                told = filter(_is_told, entries)
                pairs = [_entry(entry, parts) for entry in itertools.islice(told, MAX_ENTRIES)]
                more = next(told, None) is not None
        finally:
            os.close(descriptor)
        real = spot.parts
    pairs = [(name, _led(workspace, (*real, name), entry)) for name, entry in pairs]
    pairs.sort(key=lambda pair: (pair[1].kind is not Kind.DIRECTORY, pair[1].name.casefold(), pair[0]))
    listing = Listing(path_of(parts), tuple(entry for _, entry in pairs), more)
    return Found(real, listing, tuple(name for name, _ in pairs))


def _is_told(entry: os.DirEntry[str]) -> bool:
    return entry.name not in _NOT_WORK and not entry.name.startswith(STAGING)


def _entry(entry: os.DirEntry[str], parts: Parts) -> tuple[bytes, Entry]:
    name = os.fsencode(entry.name)
    text, path = text_of(name), path_of((*parts, name))
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:  # gone meanwhile
        return name, Entry(text, path, Kind.OTHER, None, "")
    kind = kind_of(status.st_mode)
    size = status.st_size if kind is Kind.FILE else None
    return name, Entry(text, path, kind, size, time_of(status))


def _led(workspace: Path, parts: Parts, entry: Entry) -> Entry:
    """A link with where it leads."""
    if entry.kind is not Kind.LINK:
        return entry
    target = leads_to = None
    with contextlib.suppress(Refusal), found(workspace, parts, Last.ITSELF) as spot:
        target = text_of(os.readlink(spot.name, dir_fd=spot.directory))
    with contextlib.suppress(Refusal), found(workspace, parts, Last.TARGET) as spot:
        leads_to = kind_of(spot.lstat().st_mode)
    return replace(entry, target=target, leads_to=leads_to)


def kind_of(mode: int) -> Kind:
    """What a file is."""
    if stat.S_ISDIR(mode):
        return Kind.DIRECTORY
    if stat.S_ISREG(mode):
        return Kind.FILE
    return Kind.LINK if stat.S_ISLNK(mode) else Kind.OTHER


def time_of(status: os.stat_result) -> str:
    """When it was last written."""
    try:
        return rfc3339(datetime.fromtimestamp(status.st_mtime, UTC))
    except (OverflowError, ValueError, OSError):  # a file may bear any time
        return ""
