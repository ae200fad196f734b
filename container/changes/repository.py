"""One repository of the workspace, and how git is run in it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from container.changes.status import Status, status_of
from container.git import Git, Login
from container.git_failures import GitFailure
from container.porcelain import Record, records
from container.tree.names import Parts

HOOKS_SILENCE = 900.0
"""Seconds: a hook may run a project's tests."""
_MAX_STATUS = 4 * 1024 * 1024
_STATUS = ("status", "--porcelain=v2", "--branch", "--show-stash", "-z", "--untracked-files=all")
_OPERATIONS = {
    "MERGE_HEAD": "merge",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "BISECT_LOG": "bisect",
}
_PATHS_AS_INPUT = ("--pathspec-from-file=-", "--pathspec-file-nul")


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository by its path in the workspace, ``""`` for the workspace itself."""

    name: str
    path: Path
    git: Git

    async def run(
        self,
        *words: str,
        config: tuple[str, ...] = (),
        login: Login | None = None,
        silence: float = 60.0,
        given: bytes = b"",
        most: int | None = None,
        accepted: tuple[int, ...] = (0,),
    ) -> bytes:
        """Run git in it; paths are taken literally. Raises GitFailure."""
        return await self.git.run(
            "-C",
            str(self.path),
            "--literal-pathspecs",
            *words,
            config=config,
            login=login,
            silence=silence,
            given=given,
            most=most,
            accepted=accepted,
        )

    async def run_on(self, paths: Sequence[Parts], *words: str) -> None:
        """Run git on paths, however many and however named; raises GitFailure."""
        given = b"".join(b"/".join(parts) + b"\0" for parts in paths)
        await self.run(*words, *_PATHS_AS_INPUT, given=given)

    async def line(self, *words: str, accepted: tuple[int, ...] = (0, 1)) -> str:
        """The one line that git answers; empty where it has none."""
        return (await self.run(*words, accepted=accepted)).decode(errors="replace").strip()

    async def status(self) -> Status:
        """What has changed; raises GitFailure."""
        output = await self.run(*_STATUS, most=_MAX_STATUS)
        cut = len(output) >= _MAX_STATUS
        headers, found = _records(output.rpartition(b"\0")[0] if cut else output)
        return status_of(self.name, headers, found, operation=await self._operation(), more=cut)

    async def record(self, parts: Parts) -> Record | None:
        """The change of one path; None for a file that has none. Raises GitFailure."""
        path = b"/".join(parts)
        output = await self.run(*_STATUS, "--", os.fsdecode(path))
        return next(
            (record for record in _records(output)[1] if path in {record.path, record.original}), None
        )

    async def _operation(self) -> str | None:
        """What is under way; raises GitFailure."""
        directory = Path(await self.line("rev-parse", "--absolute-git-dir"))
        return next((word for name, word in _OPERATIONS.items() if (directory / name).exists()), None)

    async def newest(self) -> str:
        """The newest commit, or the tree with nothing in it before the first; raises GitFailure."""
        head = await self.line("rev-parse", "--quiet", "--verify", "HEAD")
        return head or await self.line("hash-object", "-t", "tree", "/dev/null")


def _records(output: bytes) -> tuple[dict[str, str], list[Record]]:
    try:
        return records(output)
    except ValueError as error:
        raise GitFailure("GitFailed", str(error)) from None
