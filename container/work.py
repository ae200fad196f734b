"""Whether the work in the workspace is saved elsewhere: committed, and pushed to a remote."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from container.brought import brought, cloned_by_hand, learn
from container.contract import WorkReport
from container.directories import STAGING, at, own_directory, remote_urls, submodules
from container.git import Git
from container.git_failures import GitFailure
from container.porcelain import records
from container.pushed import Pushed

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
    ``unpushed`` the commits that came into being after the clone and that no remote branch has. Files
    that git is told to ignore are not counted.
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


async def read_work(git: Git, workspace: Path, *, pushed: Pushed | None = None) -> Work:
    """Look at the workspace; Unknown where git does not answer. Never raises.

    ``pushed`` asks remotes for what git here cannot tell.
    """
    try:
        repositories, loose = await asyncio.to_thread(survey, workspace)
        works = [await _read_repository(git, repository, pushed) for repository in repositories]
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


async def _read_repository(git: Git, repository: Path, pushed: Pushed | None) -> Work:
    place = ("-C", str(repository))
    # Said in full: what a person configured for their own eyes must hide no work.
    words = ("status", "--porcelain=v2", "--branch", "--show-stash", "--untracked-files=normal")
    status = await git.run(*place, *words, "--ignore-submodules=none", "-z", silence=_SILENCE)
    headers, changed = records(status)
    directory = await asyncio.to_thread(own_directory, repository)
    unpushed, has_remote = await _unpushed(git, directory, pushed)
    uncommitted = len(changed) + int(headers.get("stash", "0"))
    for submodule in await asyncio.to_thread(submodules, directory):
        # The files of those that are in the tree were looked at above, their commits and stashes were not.
        unpushed += (await _unpushed(git, submodule, pushed))[0]
        uncommitted += await asyncio.to_thread(_stashes, submodule)
    if not has_remote:
        saved = Saved.NO_REMOTE
    elif uncommitted or unpushed:
        saved = Saved.UNSAVED
    else:
        saved = Saved.CLEAN
    return Work(saved, uncommitted, unpushed, headers.get("branch.head", ""), headers.get("branch.oid", ""))


async def _unpushed(git: Git, directory: Path, pushed: Pushed | None) -> tuple[int, bool]:
    """How many commits only this repository has, and whether it has a remote to push them to.

    Not counted is what a branch of a remote has, and what the clone or a fetch brought.
    """
    remotes = await remote_urls(git, directory)
    others = await learn(git, directory, remotes)
    counted = await _count(git, directory, others if remotes else None)
    if counted and remotes and pushed and await pushed.learn(git, directory, remotes[0]):
        counted = await _count(git, directory, others)
    return counted, bool(remotes)


async def _count(git: Git, directory: Path, others: Iterable[str] | None) -> int:
    """The commits that neither a remote's branch has nor the clone brought, nor are ``others``.

    None for others: all count. Tags are looked at where the clone was noted: only then is it known
    which of them came with it.
    """
    known = await asyncio.to_thread(brought, directory)
    tips = ["--exclude=refs/*", "--all", "--branches"]  # every working tree's HEAD, and all branches
    if known is None:
        known = await asyncio.to_thread(cloned_by_hand, directory)
    else:
        tips.append("--tags")
    not_work = set() if others is None else {*known, *others}
    given = "".join(f"^{commit}\n" for commit in not_work).encode()
    words = ("rev-list", "--count", "--ignore-missing", "--stdin", *tips, "--not", "--remotes")
    return int(await git.run(*at(directory), *words, given=given, silence=_SILENCE))


def _stashes(directory: Path) -> int:
    try:
        return len((directory / "logs" / "refs" / "stash").read_bytes().splitlines())
    except OSError:
        return 0
