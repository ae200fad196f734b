"""The changes of a session's workspace.

A repository is named by its path in the workspace, ``""`` for the workspace itself. Without a name,
the only one is meant. Paths of files are from the top of their repository, and told as
:mod:`container.tree.names` says. Every method raises :class:`container.refusal.Refusal` for what
cannot be asked, and :class:`container.git_failures.GitFailure` with a reason where git fails.
Bounds: 2,000 changes, 1 MiB of a difference, 500 commits and branches.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path

from container.changes import staging
from container.changes.difference import Difference, Side, difference
from container.changes.failures import named
from container.changes.history import Branch, Commit, branches, commits
from container.changes.remotes import Remotes
from container.changes.repository import HOOKS_SILENCE, Repository
from container.changes.status import Status
from container.environment import Author
from container.git import TYPED, Git, Login
from container.git_failures import GitFailure
from container.refusal import Refusal, Why
from container.subscribers import Subscribers
from container.tree.names import Parts, bytes_of, parts_of, text_of
from container.work import survey


class Changes:
    """Tells and makes changes, one at a time.

    ``login`` is for the server it names, and for no other; ``author`` commits where git's
    configuration names nobody; ``changed`` is called after each change, also one that failed.
    """

    def __init__(
        self,
        workspace: Path,
        environ: Mapping[str, str],
        *,
        login: Login | None,
        author: Author,
        changed: Callable[[], None],
    ) -> None:
        self._workspace = workspace
        self._git = Git({**environ, "GIT_EDITOR": "true"}, settings=TYPED)
        self._login = login
        self._author = author
        self._changed = changed
        self._subscribers: Subscribers[[]] = Subscribers()
        self._changing = asyncio.Lock()

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Hear of each change that was made here; what is returned ends it."""
        return self._subscribers.add(callback)

    async def repositories(self) -> tuple[str, ...]:
        """The workspace itself, or the repositories side by side in it, or none."""
        try:
            found, _ = await asyncio.to_thread(survey, self._workspace)
        except FileNotFoundError:
            message = "the workspace is not there yet; wait until it is prepared"
            raise Refusal(Why.CONFLICT, "", message) from None
        except (OSError, ValueError) as error:
            raise Refusal(Why.CONFLICT, "", f"the workspace cannot be looked at: {error}") from None
        return tuple("" if path == self._workspace else text_of(os.fsencode(path.name)) for path in found)

    async def status(self, *, repository: str | None = None) -> Status:
        """Branch, upstream and changes."""
        async with self._asked(repository, "git cannot tell what has changed") as found:
            return await found.status()

    async def diff(
        self, path: str | None = None, side: Side = Side.ALL, *, repository: str | None = None
    ) -> Difference:
        """How one file differs, or all that git knows of; of all, untracked files are left out."""
        async with self._asked(repository, "git cannot tell how it differs") as found:
            return await difference(found, side, path)

    async def log(self, count: int = 50, *, repository: str | None = None) -> tuple[Commit, ...]:
        """The newest commits, the newest first."""
        async with self._asked(repository, "git cannot tell the commits") as found:
            return await commits(found, count)

    async def branches(self, *, repository: str | None = None) -> tuple[Branch, ...]:
        """All branches, the one that was committed to last first."""
        async with self._asked(repository, "git cannot tell the branches") as found:
            return await branches(found)

    async def stage(self, paths: Sequence[str] | None = None, *, repository: str | None = None) -> Status:
        """Stage files as they are, deleted ones too; None for all."""
        parts = _all_parts(paths)
        async with self._change(repository, "StageFailed", "it cannot be staged") as found:
            await staging.stage(found, parts)
            return await found.status()

    async def unstage(self, paths: Sequence[str] | None = None, *, repository: str | None = None) -> Status:
        """Take files out of what is staged, and leave them as they are; None for all."""
        parts = _all_parts(paths)
        async with self._change(repository, "StageFailed", "it cannot be taken out") as found:
            await staging.unstage(found, parts)
            return await found.status()

    async def discard(self, path: str, *, repository: str | None = None) -> Status:
        """Make a file as it is staged, or was committed; remove one that git does not know.

        Nothing is asked, and what is discarded is gone.
        """
        parts = parts_of(path)
        async with self._change(repository, "DiscardFailed", "it cannot be discarded") as found:
            await staging.discard(found, parts)
            return await found.status()

    async def commit(self, message: str, *, repository: str | None = None) -> Commit:
        """Commit what is staged; the repository's hooks run."""
        async with self._change(repository, "CommitRefused", "git or a hook refuses the commit") as found:
            return await staging.commit(found, message, self._author)

    async def fetch(self, *, repository: str | None = None) -> Status:
        """Learn what the remote has."""
        async with self._change(repository, "FetchFailed", "nothing could be fetched") as found:
            await Remotes(found, self._login).fetch()
            return await found.status()

    async def pull(self, *, repository: str | None = None) -> Status:
        """Fetch, and go forward to the upstream; where both sides have commits, no further."""
        async with self._change(repository, "PullFailed", "it could not be pulled") as found:
            await Remotes(found, self._login).pull()
            return await found.status()

    async def push(self, *, repository: str | None = None) -> Status:
        """Push the branch to its upstream; one without gets it, under its own name. Never by force."""
        async with self._change(repository, "PushFailed", "it could not be pushed") as found:
            await Remotes(found, self._login).push()
            return await found.status()

    async def switch(self, branch: str, *, repository: str | None = None) -> Status:
        """Check out a branch; one that only a remote has is made here."""
        async with self._change(repository, "SwitchFailed", "the branch cannot be checked out") as found:
            await _check_branch(found, branch)
            await found.run("switch", "--quiet", branch, silence=HOOKS_SILENCE)
            return await found.status()

    async def create_branch(self, branch: str, *, repository: str | None = None) -> Status:
        """Make a branch at what is checked out, and check it out."""
        async with self._change(repository, "SwitchFailed", "the branch cannot be made") as found:
            await _check_branch(found, branch)
            await found.run("switch", "--quiet", "--create", branch, silence=HOOKS_SILENCE)
            return await found.status()

    @contextlib.asynccontextmanager
    async def _asked(self, repository: str | None, words: str) -> AsyncIterator[Repository]:
        found = await self._find(repository)
        with _naming("GitFailed", words):
            yield found

    @contextlib.asynccontextmanager
    async def _change(self, repository: str | None, reason: str, words: str) -> AsyncIterator[Repository]:
        found = await self._find(repository)
        async with self._changing:
            try:
                with _naming(reason, words):
                    yield found
            finally:
                self._changed()
                self._subscribers.tell()

    async def _find(self, repository: str | None) -> Repository:
        names = await self.repositories()
        if not names:
            message = "the workspace holds no git repository; make one with git init"
            raise Refusal(Why.ABSENT, "repository", message)
        if repository is None and len(names) > 1:
            message = f"the workspace holds several repositories; name one of {', '.join(names)}"
            raise Refusal(Why.INVALID, "repository", message)
        name = names[0] if repository is None else repository
        if name not in names:
            message = f"there is no such repository; there is {', '.join(names) or 'the workspace itself'}"
            raise Refusal(Why.ABSENT, "repository", message)
        return Repository(name, self._workspace / os.fsdecode(bytes_of(name)), self._git)


@contextlib.contextmanager
def _naming(reason: str, words: str) -> Iterator[None]:
    try:
        yield
    except GitFailure as failure:
        raise named(failure, reason, words) from None


def _all_parts(paths: Sequence[str] | None) -> list[Parts] | None:
    if paths is None:
        return None
    parts = [parts_of(path, "paths") for path in paths]
    if not parts or not all(parts):
        raise Refusal(Why.INVALID, "paths", "must name files; leave it out for all")
    return parts


async def _check_branch(found: Repository, branch: str) -> None:
    told = ""
    if branch.isprintable():
        with contextlib.suppress(GitFailure):
            told = await found.line("check-ref-format", "--branch", branch, accepted=(0,))
    if not told or told != branch:  # git would take @{-1} for the branch before
        raise Refusal(Why.INVALID, "branch", "is no name that git takes for a branch")
