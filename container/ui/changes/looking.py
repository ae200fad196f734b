"""What the panel shows, read at one time."""

from __future__ import annotations

from dataclasses import dataclass

from container.changes.changes import Changes
from container.changes.history import Branch, Commit
from container.changes.status import Status

COMMITS = 50


@dataclass(frozen=True, slots=True)
class Look:
    """One of the repositories as it is; there may be others."""

    repositories: tuple[str, ...]
    status: Status
    branches: tuple[Branch, ...]
    commits: tuple[Commit, ...]

    @property
    def repository(self) -> str:
        """The one."""
        return self.status.repository


async def look(changes: Changes, chosen: str) -> Look | None:
    """The chosen repository, or another where it is gone; None without any.

    Raises Refusal and GitFailure.
    """
    repositories = await changes.repositories()
    if not repositories:
        return None
    repository = chosen if chosen in repositories else repositories[0]
    return Look(
        repositories,
        await changes.status(repository=repository),
        await changes.branches(repository=repository),
        await changes.log(COMMITS, repository=repository),
    )
