"""What of a clone is not there yet: submodules and files of Git LFS; remembered, and tried again.

The work can begin without them, so a clone does not fail for them. What is missing is noted in the
repository's own directory and fetched at the next start, before anybody works in there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from container.directories import as_in, own_directory, submodules
from container.git_failures import GitFailure
from container.large_files import fetch_large_files
from container.submodules import Submodules

NAME = "berth-missing"
_MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class Missing:
    """Submodules by their paths, each with why; and why files of Git LFS are pointers, None if none is."""

    submodules: dict[str, str] = field(default_factory=dict)
    large_files: str | None = None

    def __bool__(self) -> bool:
        return bool(self.submodules) or self.large_files is not None

    @property
    def reason(self) -> str:
        """In one word, the submodules first."""
        return "SubmodulesMissing" if self.submodules else "LargeFilesMissing"

    @property
    def remark(self) -> str:
        """In words that follow what is there; empty where nothing is missing."""
        if not self:
            return ""
        causes: dict[str, list[str]] = {}
        for path, why in self.submodules.items():
            causes.setdefault(why, []).append(path)
        told = [f"without the submodules {_listed(paths)}: {why}" for why, paths in causes.items()]
        if self.large_files is not None:
            told.append(self.large_files)
        return f"{'; '.join(told)}; this is tried again when the session restarts"


async def fetch_rest(through: Submodules, tree: Path, *, shown: Path) -> Missing:
    """Fetch what a clone does not bring by itself, and note what could not be; raises OSError.

    ``shown`` is where the tree will be.
    """
    found = {path: as_in(shown, why) for path, why in (await through.fetch(tree)).items()}
    why = await _large_files(through, tree)
    missing = Missing(found, as_in(shown, why) if why else None)
    await asyncio.to_thread(_note, tree, missing)
    return missing


async def fetch_again(through: Submodules, tree: Path) -> Missing:
    """Fetch what an earlier start could not, and note what is still missing. Raises OSError.

    Nothing that somebody put in the place of a submodule is touched.
    """
    before = await asyncio.to_thread(_noted, tree)
    found: dict[str, str] = {}
    for path in before.submodules:
        try:
            found |= await through.fetch_one(tree, path)
        except GitFailure as failure:
            found[path] = failure.message
    why = await _large_files(through, tree) if before else None
    missing = Missing(found, why)
    if before:
        await asyncio.to_thread(_note, tree, missing)
    return missing


async def _large_files(through: Submodules, tree: Path) -> str | None:
    """Those of the repository and of its submodules."""
    below = await asyncio.to_thread(_working_trees, tree)
    whys = [
        await fetch_large_files(through.git, each, login=through.login, on_progress=through.on_progress)
        for each in (tree, *below)
    ]
    return next((why for why in whys if why is not None), None)


def _working_trees(tree: Path) -> list[Path]:
    """The working trees of all submodules that are there."""
    found = []
    try:
        directories = submodules(own_directory(tree))
    except OSError:
        return []
    for directory in directories:
        with contextlib.suppress(OSError):
            for line in (directory / "config").read_text(errors="replace").splitlines():
                name, _, value = line.strip().partition(" = ")
                if name == "worktree" and (directory / value / ".git").exists():
                    found.append((directory / value).resolve())
    return found


def _note(tree: Path, missing: Missing) -> None:
    path = own_directory(tree) / NAME
    if missing:
        path.write_text(json.dumps({"submodules": missing.submodules, "largeFiles": missing.large_files}))
    else:
        path.unlink(missing_ok=True)


def _noted(tree: Path) -> Missing:
    """What was noted; a note that cannot be read is none."""
    try:
        found = json.loads((own_directory(tree) / NAME).read_text())
        modules = {str(path): str(why) for path, why in found["submodules"].items()}
        return Missing(modules, found["largeFiles"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Missing()


def _listed(paths: list[str]) -> str:
    more = f" and {len(paths) - _MOST_TOLD} more" if len(paths) > _MOST_TOLD else ""
    return f"{', '.join(paths[:_MOST_TOLD])}{more}"
