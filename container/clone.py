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
from dataclasses import dataclass
from pathlib import Path

from container.environment import Repository
from container.git import ALLOW_FILE, Git, Login
from container.git_failures import GitFailure

STAGING = ".berth-clone-"
_NOT_WORK = frozenset({"lost+found"})
"""What a file system itself puts at its top."""
_TREE, _COMPLETE = "tree", "complete"
_SILENCE = 300.0
"""Seconds: counting a large repository takes a server minutes."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PROGRESS = re.compile(r"(?P<step>[A-Z][a-z]+(?: [a-z]+)+): +(?P<percent>\d{1,3})%")


@dataclass(frozen=True, slots=True)
class Cloned:
    """A clone in place; ``remark`` tells what of it is missing, if anything is."""

    remark: str = ""


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
) -> Cloned | None:
    """Clone into the workspace; None when something else came to be in it meanwhile.

    ``on_progress`` gets short words for people. Raises GitFailure and OSError, and leaves nothing.
    """
    staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=workspace))
    try:
        cloned = await _fetch(git, repository, staging / _TREE, login, on_progress)
        if await asyncio.to_thread(occupied, workspace):
            return None
        (staging / _COMPLETE).touch()
        await asyncio.to_thread(_move_up, staging, workspace)
        return cloned
    finally:
        # Cut off while it moves, the mark stays with what is left, and the next start goes on.
        if not (staging / _COMPLETE).exists() or not any((staging / _TREE).iterdir()):
            await asyncio.shield(asyncio.to_thread(_remove, staging))


async def _fetch(
    git: Git,
    repository: Repository,
    tree: Path,
    login: Login | None,
    on_progress: Callable[[str], None],
) -> Cloned:
    def progress(line: str) -> None:
        match = _PROGRESS.search(line)
        if match:
            on_progress(f"{match['step'].lower()}, {match['percent']} %")

    async def run(*words: str) -> None:
        config = (ALLOW_FILE,)
        await git.run(*words, config=config, login=login, silence=_SILENCE, on_progress=progress)

    named, exact = _split(repository.ref)
    depth = [f"--depth={repository.depth}"] if repository.depth else []
    choice = [f"--branch={named}"] if named else []
    checkout = ["--no-checkout"] if exact else []
    await run("clone", "--progress", *depth, *choice, *checkout, "--", repository.url, str(tree))
    if exact:
        await run("-C", str(tree), "fetch", "--progress", *depth, "origin", exact)
        await run("-C", str(tree), "checkout", "--progress", "--detach", "FETCH_HEAD")
    return await _submodules(git, tree, depth, login, progress)


def _split(ref: str | None) -> tuple[str | None, str | None]:
    """A ref as (branch or tag, anything else that can be fetched): one of them or none."""
    if ref is None:
        return None, None
    for prefix in ("refs/heads/", "refs/tags/"):
        if ref.startswith(prefix):
            return ref.removeprefix(prefix), None
    if ref.startswith("refs/") or _COMMIT.fullmatch(ref):
        return None, ref
    return ref, None


async def _submodules(
    git: Git, tree: Path, depth: list[str], login: Login | None, progress: Callable[[str], None]
) -> Cloned:
    """Fetch submodules if there are any; without them the work can begin all the same."""
    if not (tree / ".gitmodules").is_file():
        return Cloned()
    words = ("submodule", "update", "--init", "--recursive", "--progress", *depth)
    try:
        await git.run("-C", str(tree), *words, login=login, silence=_SILENCE, on_progress=progress)
    except GitFailure as failure:
        return Cloned(f"but not all of its submodules: {failure.message}")
    return Cloned()


def _move_up(staging: Path, workspace: Path) -> None:
    """Move the entries up, ``.git`` last: a workspace that has one is whole."""
    entries = sorted((staging / _TREE).iterdir(), key=lambda entry: (entry.name == ".git", entry.name))
    for entry in entries:
        destination = workspace / entry.name
        if not (destination.exists() or destination.is_symlink()):
            entry.rename(destination)


def _remove(staging: Path) -> None:
    with contextlib.suppress(OSError):  # what cannot be removed now is found at the next start
        (staging / _COMPLETE).unlink(missing_ok=True)
    shutil.rmtree(staging, ignore_errors=True)
