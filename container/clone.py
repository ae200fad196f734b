"""Clones a repository into an empty workspace so that an interruption at any point is made good.

The workspace is a volume: it cannot be replaced by a rename, only filled. So the clone is made in
a staging directory inside it (the same file system), marked as complete, and its entries are then
moved up one by one, ``.git`` last. Found at a later start, a staging directory without the mark is
thrown away, and one with it is moved to its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from container.brought import note_clone
from container.directories import STAGING, TREE, as_in
from container.environment import Repository
from container.git import ALLOW_FILE, Git, Login
from container.git_failures import GitFailure
from container.large_files import LEFT_AS_POINTERS
from container.missing import Missing, fetch_rest
from container.references import Ask, Wanted, locate, missing_commit, missing_ref
from container.submodules import Submodules

_NOT_WORK = frozenset({"lost+found"})
"""What a file system itself puts at its top."""
_COMPLETE = "complete"
_SILENCE = 300.0
"""Seconds: counting a large repository takes a server minutes."""
_SEARCHED = 1000
"""How many of the newest commits of each branch are fetched to find one that a shallow clone lacks."""
_PROGRESS = re.compile(r"(?P<step>[A-Z][a-z]+(?: [a-z]+)+): +(?P<percent>\d{1,3})%")


def occupied(workspace: Path) -> bool:
    """Whether the workspace holds anything that is not ours to remove; raises OSError."""
    return any(
        entry.name not in _NOT_WORK and not entry.name.startswith(STAGING) for entry in workspace.iterdir()
    )


def resume(workspace: Path) -> bool:
    """Finish or throw away what an interrupted clone left; whether one was finished. Raises OSError."""
    finished = False
    for staging in sorted(workspace.glob(f"{STAGING}*")):
        if (staging / _COMPLETE).exists():
            _move_up(staging, workspace)
            finished = True
        _remove(staging)
    return finished


async def clone(
    git: Git,
    repository: Repository,
    workspace: Path,
    *,
    login: Login | None,
    on_progress: Callable[[str], None],
) -> Missing | None:
    """Clone into the workspace; None when something else came to be in it meanwhile.

    What is returned is missing from the clone. ``on_progress`` gets short words for people. Raises
    GitFailure and OSError, and leaves nothing.
    """
    staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=workspace))
    try:
        try:
            missing = await _fetch(git, repository, staging / TREE, login, on_progress, workspace=workspace)
        except GitFailure as failure:
            message = as_in(workspace, failure.message)
            raise GitFailure(failure.reason, message, failure.said) from None
        if await asyncio.to_thread(occupied, workspace):
            return None
        (staging / _COMPLETE).touch()
        await asyncio.to_thread(_move_up, staging, workspace)
        return missing
    finally:
        # Cut off while it moves, the mark stays with what is left, and the next start goes on.
        if not (staging / _COMPLETE).exists() or not any((staging / TREE).iterdir()):
            await asyncio.shield(asyncio.to_thread(_remove, staging))


async def _fetch(
    git: Git,
    repository: Repository,
    tree: Path,
    login: Login | None,
    on_progress: Callable[[str], None],
    *,
    workspace: Path,
) -> Missing:
    def progress(line: str) -> None:
        match = _PROGRESS.search(line)
        if match:
            on_progress(f"{match['step'].lower()}, {match['percent']} %")

    async def run(*words: str) -> bytes:
        config = (ALLOW_FILE, *LEFT_AS_POINTERS)
        return await git.run(*words, config=config, login=login, silence=_SILENCE, on_progress=progress)

    wanted = await locate(run, repository.url, repository.ref)
    depth = [f"--depth={repository.depth}"] if repository.depth else []
    choice = [f"--branch={wanted.branch}"] if wanted.branch else []
    later = ["--no-checkout"] if wanted.full or wanted.commit else []
    await run("clone", "--progress", *depth, *choice, *later, "--", repository.url, str(tree))
    inside = partial(run, "-C", str(tree))
    if wanted.full:
        await _check_out_ref(inside, wanted.full, depth)
    elif wanted.commit:
        await _check_out_commit(inside, wanted, depth)
    await note_clone(git, tree / ".git")
    rest = Submodules(git, repository.url, login, repository.depth, LEFT_AS_POINTERS, progress)
    return await fetch_rest(rest, tree, shown=workspace)


async def _check_out_ref(inside: Ask, ref: str, depth: list[str]) -> None:
    """Fetch a ref by its full name and check it out; a tag is kept under its name."""
    kept = f"+{ref}:{ref}" if ref.startswith("refs/tags/") else ref
    try:
        await inside("fetch", "--progress", *depth, "origin", kept)
    except GitFailure as failure:
        raise missing_ref(ref) if failure.reason == "RefNotFound" else failure from None
    await inside("checkout", "--progress", "--detach", "FETCH_HEAD")


async def _check_out_commit(inside: Ask, wanted: Wanted, depth: list[str]) -> None:
    """Check a commit out that the clone brought, or fetch it; raises GitFailure."""
    commit = str(wanted.commit)
    found = await _commit(inside, commit)
    if found is None and wanted.whole:
        # Not every server gives a commit by its digits.
        try:
            await inside("fetch", "--progress", *depth, "origin", commit)
        except GitFailure as failure:
            if failure.reason not in {"RefNotFound", "CloneFailed"}:
                raise
        found = await _commit(inside, commit)
    if found is None and depth:
        branches = "+refs/heads/*:refs/remotes/origin/*"
        await inside("fetch", "--progress", f"--depth={_SEARCHED}", "--tags", "origin", branches)
        found = await _commit(inside, commit)
    if found is None:
        raise missing_commit(commit, searched=_SEARCHED if depth else None)
    await inside("checkout", "--progress", "--detach", found)


async def _commit(inside: Ask, digits: str) -> str | None:
    """The whole of a commit that is here, by its first digits; raises GitFailure where several begin so."""
    try:
        output = await inside("rev-parse", "--verify", "--end-of-options", digits + "^{commit}")
    except GitFailure as failure:
        if "ambiguous" in failure.said:
            message = f"more than one commit begins with {digits}; give more of its digits in spec.source.ref"
            raise GitFailure("RefNotFound", message) from None
        return None
    return output.decode().strip()


def _move_up(staging: Path, workspace: Path) -> None:
    """Move the entries up, ``.git`` last: a workspace that has one is whole."""
    entries = sorted((staging / TREE).iterdir(), key=lambda entry: (entry.name == ".git", entry.name))
    for entry in entries:
        destination = workspace / entry.name
        if not (destination.exists() or destination.is_symlink()):
            entry.rename(destination)


def _remove(staging: Path) -> None:
    with contextlib.suppress(OSError):  # what cannot be removed now is found at the next start
        (staging / _COMPLETE).unlink(missing_ok=True)
    shutil.rmtree(staging, ignore_errors=True)
