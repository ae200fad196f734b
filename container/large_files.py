"""Files of Git LFS: a clone leaves pointers in their place; with git-lfs they are then fetched."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from container.git import Git, Login
from container.git_failures import GitFailure

_POINTER = b"version https://git-lfs.github.com/spec/"
_SILENCE = 300.0
LEFT_AS_POINTERS = ("filter.lfs.smudge=", "filter.lfs.process=", "filter.lfs.required=false")
"""Settings for a clone: one large file that cannot be had must not keep all others from being there."""


async def fetch_large_files(
    git: Git, tree: Path, *, login: Login | None, on_progress: Callable[[str], None] = lambda _: None
) -> str | None:
    """Put the files of Git LFS in place of their pointers; why some are still pointers, None if none is."""
    try:
        pointers = await _pointers(git, tree)
        if not pointers:
            return None
        if not await _has_git_lfs(git):
            return f"{_shown(pointers)}: the image has no git-lfs; take one that has it"
        await _install(git, tree)
        why = await _pull(git, tree, login, on_progress)
        pointers = await _pointers(git, tree)
    except GitFailure as failure:
        return f"files of Git LFS may be pointers: {failure.message}"
    return f"{_shown(pointers)}: {why or 'git lfs pull did not fetch them'}" if pointers else None


async def _pull(git: Git, tree: Path, login: Login | None, on_progress: Callable[[str], None]) -> str | None:
    try:
        words = ("-C", str(tree), "lfs", "pull")
        await git.run(*words, login=login, silence=_SILENCE, on_progress=on_progress)
    except GitFailure as failure:
        return failure.message
    return None


async def _pointers(git: Git, tree: Path) -> list[str]:
    """The tracked files that are of Git LFS and still pointers; raises GitFailure."""
    output = await git.run("-C", str(tree), "ls-files", "-z", "--", ":(attr:filter=lfs)")
    paths = [path for path in output.split(b"\0") if path]
    return await asyncio.to_thread(_still_pointers, tree, paths)


def _still_pointers(tree: Path, paths: list[bytes]) -> list[str]:
    found = []
    for path in paths:
        try:
            with (tree / os.fsdecode(path)).open("rb") as file:
                beginning = file.read(len(_POINTER))
        except OSError:
            continue
        if beginning == _POINTER:
            found.append(path.decode(errors="replace"))
    return found


async def _has_git_lfs(git: Git) -> bool:
    try:
        await git.run("lfs", "version")
    except GitFailure:
        return False
    return True


async def _install(git: Git, tree: Path) -> None:
    """Have this repository use git-lfs where nothing else says so, lest its files look changed."""
    if not await git.run("-C", str(tree), "config", "--get", "filter.lfs.clean", accepted=(0, 1)):
        await git.run("-C", str(tree), "lfs", "install", "--local", "--skip-repo")


def _shown(pointers: list[str]) -> str:
    more = f" and {len(pointers) - 1} more" if len(pointers) > 1 else ""
    return f"files of Git LFS are pointers ({pointers[0]}{more})"
