"""Remembers what a clone brought: commits that are known to the remote, though no branch of it has them.

A tag, a commit or the ref of a pull request may be on no branch that a clone fetches, and the history
of a shallow clone ends somewhere. Work is what came into being after the clone, so the commits that
it brought are listed in a file of the repository's own directory and are never counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from container.addresses import same_repository
from container.directories import at
from container.git import Git

NAME = "berth-brought"
_MOST_FETCHED = 64 * 1024
"""Bytes of FETCH_HEAD that are read."""
_CLONED = "\tclone: from "


async def note_clone(git: Git, directory: Path) -> None:
    """List what a fresh repository holds beyond the branches of its remotes; raises GitFailure, OSError.

    ``directory`` is the repository's own, usually ``.git``.
    """
    tips = await git.run(*at(directory), "for-each-ref", "--format=%(objectname) %(*objectname)", "refs/tags")
    head = await git.run(*at(directory), "rev-parse", "--quiet", "--verify", "HEAD", accepted=(0, 1))
    found = {*tips.decode().split(), *head.decode().split()}
    _write(directory, sorted(await _beyond(git, directory, found)))


def brought(directory: Path) -> tuple[str, ...] | None:
    """The commits that the clone and later fetches brought; None where no clone of ours was noted."""
    try:
        return tuple((directory / NAME).read_text().split())
    except OSError:
        return None


def cloned_by_hand(directory: Path) -> tuple[str, ...]:
    """The commit that a clone of a person's began with, by the repository's own log of HEAD."""
    try:
        with (directory / "logs" / "HEAD").open(errors="replace") as log:
            first = log.readline()
    except OSError:
        return ()
    words = first.split(" ", 2)
    return (words[1],) if _CLONED in first and len(words) > 2 else ()  # noqa: PLR2004 - from, to, rest


async def learn(git: Git, directory: Path, remotes: Iterable[str]) -> tuple[str, ...]:
    """What the newest fetch from one of the remotes' URLs brought beyond their branches.

    Such as the ref of a pull request. It is added to a noted clone, since the next fetch forgets it.
    Raises GitFailure, OSError.
    """
    return await add(git, directory, _fetched(directory, tuple(remotes)))


async def add(git: Git, directory: Path, commits: set[str]) -> tuple[str, ...]:
    """Add to a noted clone what is new of some commits that a remote has, and is here.

    Returns what was new, also where no clone was noted. Raises GitFailure, OSError.
    """
    known = brought(directory)
    beyond = await _beyond(git, directory, commits - set(known or ()))
    if known is not None and beyond:
        _write(directory, sorted({*known, *beyond}))
    return tuple(sorted(beyond))


def _fetched(directory: Path, remotes: tuple[str, ...]) -> set[str]:
    """The commits in FETCH_HEAD that came from one of the remotes and may be on no branch of it here."""
    try:
        with (directory / "FETCH_HEAD").open(errors="replace") as file:
            lines = file.read(_MOST_FETCHED).splitlines()
    except OSError:
        return set()
    found = set()
    for line in lines:
        commit, _, rest = line.partition("\t")
        mark, _, what = rest.partition("\t")
        source, _, url = what.rpartition(" of ")
        # Branches that a fetch only takes notice of are branches of the remote here, too.
        if mark == "not-for-merge" and source.startswith("branch "):
            continue
        if source and any(same_repository(url, remote) for remote in remotes):
            found.add(commit)
    return found


async def _beyond(git: Git, directory: Path, commits: set[str]) -> set[str]:
    """Those of some commits that no branch of a remote has; raises GitFailure."""
    if not commits:
        return set()
    words = ("rev-list", "--ignore-missing", "--stdin", "--not", "--remotes")
    output = await git.run(*at(directory), *words, given="\n".join(commits).encode())
    return commits & set(output.decode().split())


def _write(directory: Path, commits: list[str]) -> None:
    path = directory / NAME
    temporary = path.with_suffix(".new")
    temporary.write_text("".join(f"{commit}\n" for commit in commits))
    temporary.replace(path)
