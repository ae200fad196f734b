"""What a program may read of the session beside its health. Reads only."""

from __future__ import annotations

from typing import TypedDict

from container.session import Session


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
    events: list[EventView]


def overview(session: Session) -> Overview:
    """What the session is, and what happened in it, the newest first."""
    settings = session.settings
    repository = settings.repository
    return {
        "title": settings.title,
        "repository": repository.url if repository else None,
        "ref": repository.ref if repository else None,
        "branch": session.work.branch,
        "events": [
            {"at": event.at, "source": event.source, "level": event.level, "message": event.message}
            for event in reversed(session.journal.events)
        ],
    }
