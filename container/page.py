"""What the page shows beside the health report. Reads only."""

from __future__ import annotations

import itertools
import os
import stat
from html import escape
from pathlib import Path
from string import Template
from typing import Literal, TypedDict

from container.assets import asset
from container.clone import STAGING
from container.environment import Settings
from container.session import Session

_MAX_ENTRIES = 500
_HIDDEN = frozenset({".git", "lost+found"})


class Entry(TypedDict):
    """One entry of the workspace's top level; ``bytes`` is null for what is no file."""

    name: str
    kind: Literal["directory", "file", "link", "other"]
    bytes: int | None


class Listing(TypedDict):
    """The top level of the workspace; ``more`` when not all of it is shown."""

    entries: list[Entry]
    more: bool


class EventView(TypedDict):
    """One event."""

    at: str
    source: str
    level: str
    message: str


class Overview(TypedDict):
    """The body of ``/api/overview``."""

    title: str
    repository: str | None
    ref: str | None
    branch: str
    files: Listing
    events: list[EventView]


def overview(session: Session, files: Listing) -> Overview:
    """Everything the page shows that ``/healthz`` does not tell."""
    settings = session.settings
    repository = settings.repository
    return {
        "title": settings.title,
        "repository": repository.url if repository else None,
        "ref": repository.ref if repository else None,
        "branch": session.work.branch,
        "files": files,
        "events": [
            {"at": event.at, "source": event.source, "level": event.level, "message": event.message}
            for event in reversed(session.journal.events)
        ],
    }


def list_top(workspace: Path) -> Listing:
    """The top level: directories first, by name. Links are told and never followed."""
    try:
        with os.scandir(workspace) as found:
            entries = [
                _entry(entry)
                for entry in itertools.islice(found, _MAX_ENTRIES + len(_HIDDEN))
                if entry.name not in _HIDDEN and not entry.name.startswith(STAGING)
            ]
            more = next(found, None) is not None
    except OSError:
        return {"entries": [], "more": False}
    entries.sort(key=lambda entry: (entry["kind"] != "directory", entry["name"].casefold()))
    return {"entries": entries[:_MAX_ENTRIES], "more": more or len(entries) > _MAX_ENTRIES}


def _entry(entry: os.DirEntry[str]) -> Entry:
    # A file's name is any bytes but two: only what can be shown is sent.
    name = os.fsencode(entry.name).decode(errors="replace")
    name = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return {"name": name, "kind": "other", "bytes": None}
    if stat.S_ISDIR(found.st_mode):
        return {"name": name, "kind": "directory", "bytes": None}
    if stat.S_ISLNK(found.st_mode):
        return {"name": name, "kind": "link", "bytes": None}
    if stat.S_ISREG(found.st_mode):
        return {"name": name, "kind": "file", "bytes": found.st_size}
    return {"name": name, "kind": "other", "bytes": None}


def index(settings: Settings) -> str:
    """The page's HTML, with the session's title in it."""
    owner = f"{settings.namespace}/{settings.name}" if settings.namespace else settings.name
    return Template(asset("index.html")).substitute(
        title=escape(settings.title), session=escape(owner), console=escape(settings.console_origin or "")
    )
