"""Branches and commits, as git tells them."""

from __future__ import annotations

from dataclasses import dataclass

from container.changes.repository import Repository

MAX_COMMITS = 500
MAX_BRANCHES = 500
_COMMIT = "--format=%H%x1f%an%x1f%ae%x1f%aI%x1f%s"
_BRANCH = "%(refname)%00%(objectname)%00%(upstream:short)%00%(committerdate:iso-strict)%00%(symref)"
_LOCAL, _REMOTE = "refs/heads/", "refs/remotes/"


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; ``pushed`` tells whether a branch of a remote has it, by what was last fetched."""

    id: str
    author: str
    email: str
    at: str
    subject: str
    pushed: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch: here, or (``remote``) as it was last fetched."""

    name: str
    remote: bool
    current: bool
    upstream: str | None
    commit: str
    at: str


async def commits(repository: Repository, count: int) -> tuple[Commit, ...]:
    """The newest commits, the newest first; raises GitFailure."""
    if not await repository.line("rev-parse", "--quiet", "--verify", "HEAD"):
        return ()
    bound = f"--max-count={min(count, MAX_COMMITS)}"
    ahead = set((await repository.line("rev-list", bound, "HEAD", "--not", "--remotes")).split())
    output = await repository.run("log", "-z", bound, _COMMIT, "HEAD", "--")
    lines = output.decode(errors="replace").split("\0")
    return tuple(_commit(line, ahead) for line in lines if line)


def _commit(line: str, ahead: set[str]) -> Commit:
    id_, author, email, at, subject = line.split("\x1f", 4)
    return Commit(id_, author, email, at, subject, id_ not in ahead)


async def branches(repository: Repository) -> tuple[Branch, ...]:
    """All branches, the one that was committed to last first; raises GitFailure."""
    current = await repository.line("symbolic-ref", "--quiet", "HEAD")
    bound = f"--count={MAX_BRANCHES}"
    words = ("for-each-ref", bound, "--sort=-committerdate", f"--format={_BRANCH}", _LOCAL, _REMOTE)
    output = (await repository.run(*words)).decode(errors="replace")
    found = []
    for line in output.splitlines():
        ref, commit, upstream, at, alias = line.split("\0")
        if not alias:  # such as origin/HEAD
            name = ref.removeprefix(_LOCAL).removeprefix(_REMOTE)
            found.append(Branch(name, ref.startswith(_REMOTE), ref == current, upstream or None, commit, at))
    return tuple(found)
