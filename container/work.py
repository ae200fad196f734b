"""Whether the work in the workspace is saved elsewhere: committed, and pushed to a remote."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from container.clone import STAGING
from container.contract import WorkReport
from container.git import Git
from container.git_failures import GitFailure
from container.porcelain import records

_MAX_REPOSITORIES = 20
_SILENCE = 30.0


class Saved(Enum):
    """How the work stands, the worst last."""

    CLEAN = "Clean"
    NO_REMOTE = "NoRemote"
    UNSAVED = "Unsaved"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Work:
    """Counts over all repositories of the workspace.

    ``uncommitted`` counts changed and new files, stashes, and files outside of any repository;
    ``unpushed`` the commits of local branches that no remote branch has.
    """

    saved: Saved
    uncommitted: int = 0
    unpushed: int = 0
    branch: str = ""
    head: str = ""

    def report(self) -> WorkReport:
        """As ``/healthz`` tells it."""
        return {"state": self.saved.value, "uncommitted": self.uncommitted, "unpushed": self.unpushed}


UNKNOWN = Work(Saved.UNKNOWN)


async def read_work(git: Git, workspace: Path) -> Work:
    """Look at the workspace; Unknown where git does not answer. Never raises."""
    try:
        repositories, loose = await asyncio.to_thread(survey, workspace)
        works = [await _read_repository(git, repository) for repository in repositories]
    except (GitFailure, OSError, ValueError):
        return UNKNOWN
    if loose:
        works.append(Work(Saved.NO_REMOTE, uncommitted=loose))
    return combine(works)


def combine(works: Iterable[Work]) -> Work:
    """Several as one: the worst state, and the sums; the branch of the first."""
    found = list(works)
    if not found:
        return Work(Saved.CLEAN)
    order = list(Saved)
    return Work(
        max((work.saved for work in found), key=order.index),
        sum(work.uncommitted for work in found),
        sum(work.unpushed for work in found),
        found[0].branch,
        " ".join(work.head for work in found),
    )


def survey(workspace: Path) -> tuple[list[Path], int]:
    """The repositories, and how many entries lie outside of any.

    Without one at its top, the workspace may hold several side by side.
    """
    if (workspace / ".git").exists():
        return [workspace], 0
    repositories, loose = [], 0
    for entry in sorted(workspace.iterdir()):
        if entry.name.startswith(STAGING) or entry.name == "lost+found":
            continue
        if not entry.is_symlink() and (entry / ".git").exists():
            repositories.append(entry)
        else:
            loose += 1
    if len(repositories) > _MAX_REPOSITORIES:
        raise ValueError(f"more than {_MAX_REPOSITORIES} repositories")
    return repositories, loose


async def _read_repository(git: Git, repository: Path) -> Work:
    place = ("-C", str(repository))
    status = await git.run(
        *place, "status", "--porcelain=v2", "--branch", "--show-stash", "-z", silence=_SILENCE
    )
    headers, changed = records(status)
    remotes = await git.run(*place, "remote", silence=_SILENCE)
    tips = ["--branches"] if headers.get("branch.oid") == "(initial)" else ["HEAD", "--branches"]
    counted = await git.run(*place, "rev-list", "--count", *tips, "--not", "--remotes", silence=_SILENCE)
    uncommitted, unpushed = len(changed) + int(headers.get("stash", "0")), int(counted)
    if not remotes.strip():
        saved = Saved.NO_REMOTE
    elif uncommitted or unpushed:
        saved = Saved.UNSAVED
    else:
        saved = Saved.CLEAN
    return Work(saved, uncommitted, unpushed, headers.get("branch.head", ""), headers.get("branch.oid", ""))
