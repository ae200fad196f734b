"""Stages, discards and commits in one repository. Raises GitFailure, and Refusal for what cannot be asked."""

from __future__ import annotations

import os

from container.changes.history import Commit, commits
from container.changes.repository import HOOKS_SILENCE, Repository
from container.changes.status import Kind, change_of
from container.environment import Author
from container.refusal import Refusal, Why
from container.tree.names import Parts

MAX_MESSAGE = 64 * 1024


async def stage(repository: Repository, paths: list[Parts] | None) -> None:
    """Stage files as they are, deleted ones too; None for all."""
    if paths is None:
        await repository.run("add", "--all")
    else:
        await repository.run_on(paths, "add", "--all")


async def unstage(repository: Repository, paths: list[Parts] | None) -> None:
    """Take files out of what is staged; None for all."""
    if paths is None:
        await repository.run("reset", "--quiet")
    else:
        await repository.run_on(paths, "reset", "--quiet")


async def discard(repository: Repository, parts: Parts) -> None:
    """Make a file as it is staged, or was committed; remove one that git does not know."""
    record = await repository.record(parts)
    if record is None:
        raise Refusal(Why.CONFLICT, "path", "has no changes")
    match change_of(record).unstaged:
        case None:
            raise Refusal(Why.CONFLICT, "path", "is staged as it is; unstage it first")
        case Kind.CONFLICTED:
            message = "is in conflict; resolve it, or end the merge in a terminal"
            raise Refusal(Why.CONFLICT, "path", message)
        case Kind.UNTRACKED:
            await repository.run("clean", "--force", "--quiet", "--", os.fsdecode(b"/".join(parts)))
        case _:
            await repository.run_on([parts], "restore", "--worktree")


async def commit(repository: Repository, message: str, author: Author) -> Commit:
    """Commit what is staged; the repository's hooks run."""
    given = message.encode("utf-8", "replace")
    if not message.strip() or len(given) > MAX_MESSAGE or "\0" in message:
        raise Refusal(Why.INVALID, "message", f"must be a text of up to {MAX_MESSAGE // 1024} KiB")
    status = await repository.status()
    if not any(change.staged for change in status.changes) and status.operation is None:
        raise Refusal(Why.CONFLICT, "", "nothing is staged; stage what is to be committed")
    identity = await _identity(repository, author)
    await repository.run("commit", "--file=-", config=identity, silence=HOOKS_SILENCE, given=given)
    return (await commits(repository, 1))[0]


async def _identity(repository: Repository, author: Author) -> tuple[str, ...]:
    """Settings that name the author where git's configuration does not."""
    wanted = {"user.name": author.name, "user.email": author.email}
    return tuple(
        [
            f"{key}={value}"
            for key, value in wanted.items()
            if not await repository.line("config", "--get", key)
        ]
    )
