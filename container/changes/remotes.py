"""Fetches, pulls and pushes in one repository. Raises GitFailure, and Refusal for what cannot be asked."""

from __future__ import annotations

from dataclasses import dataclass

from container.changes.repository import HOOKS_SILENCE, Repository
from container.changes.status import Status
from container.git import Login
from container.refusal import Refusal, Why

_SILENCE = 300.0


@dataclass(frozen=True, slots=True)
class Remotes:
    """The remotes of a repository; ``login`` is for the server that it names, and for no other."""

    repository: Repository
    login: Login | None

    async def fetch(self) -> None:
        """Learn what the remote has."""
        await self._fetch(await self._of(await self.repository.status()))

    async def pull(self) -> None:
        """Fetch, and go forward to the upstream; where both sides have commits, no further."""
        status = await self.repository.status()
        if status.upstream is None:
            raise Refusal(Why.CONFLICT, "", "the branch has no upstream; push it first")
        await self._fetch(await self._of(status))
        await self.repository.run("merge", "--ff-only", "--quiet", "@{upstream}", silence=HOOKS_SILENCE)

    async def push(self) -> None:
        """Push the branch to its upstream; one without gets it, under its own name. Never by force."""
        status = await self.repository.status()
        if status.head is None:
            raise Refusal(Why.CONFLICT, "", "there is no commit yet")
        if status.branch is None:
            raise Refusal(Why.CONFLICT, "", "no branch is checked out; create one")
        remote = await self._of(status)
        here = f"refs/heads/{status.branch}"
        there = await self.repository.line("config", "--get", f"branch.{status.branch}.merge") or here
        login = await self._login_for(remote, "--push")
        words = ("push", "--set-upstream", "--", remote, f"{here}:{there}")
        await self.repository.run(*words, login=login, silence=_SILENCE)

    async def _fetch(self, remote: str) -> None:
        login = await self._login_for(remote)
        await self.repository.run("fetch", "--", remote, login=login, silence=_SILENCE)

    async def _of(self, status: Status) -> str:
        """The remote that is meant; raises Refusal where none is, or it is not clear which."""
        if status.branch is not None:
            configured = await self.repository.line("config", "--get", f"branch.{status.branch}.remote")
            if configured not in {"", "."}:
                return configured
        remotes = (await self.repository.line("remote")).splitlines()
        if "origin" in remotes:
            return "origin"
        if len(remotes) == 1:
            return remotes[0]
        message = "which remote is meant is not clear; set an upstream in a terminal"
        raise Refusal(
            Why.CONFLICT, "", message if remotes else "the repository has no remote; add one in a terminal"
        )

    async def _login_for(self, remote: str, *side: str) -> Login | None:
        """Our login, if it is for this remote's server; else the person's own helpers are asked."""
        if self.login is None:
            return None
        url = await self.repository.line("remote", "get-url", *side, "--", remote, accepted=(0, 2, 128))
        theirs = Login.for_url(url or remote, self.login.credentials)
        return self.login if theirs is not None and theirs.server == self.login.server else None
