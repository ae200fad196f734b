"""The workspace: brought about in the background, tried again when it fails, never touched twice."""

from __future__ import annotations

import asyncio
import errno
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from container import contract
from container.addresses import same_repository, shown
from container.clone import clone, occupied, resume
from container.contract import WorkspaceReport, WorkspaceState
from container.directories import own_directory, remote_urls
from container.environment import Repository, Settings
from container.git import Git, Login
from container.git_failures import GitFailure
from container.given import Credentials
from container.journal import Level
from container.log import one_line
from container.missing import fetch_again
from container.submodules import Submodules


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds between attempts: the first, and the most after doubling."""

    first: float = 2.0
    most: float = 300.0

    def after(self, failures: int) -> float:
        """The pause after so many failures, spread a little so that containers do not march in step."""
        exact = min(self.first * 2.0 ** min(failures - 1, 30), self.most)
        return min(exact * random.uniform(0.9, 1.1), self.most)  # noqa: S311 - no secret


class Workspace:
    """One session's workspace and how far it is."""

    def __init__(
        self,
        settings: Settings,
        git: Git,
        *,
        say: Callable[[str, Level], None],
        backoff: Backoff | None = None,
    ) -> None:
        self._settings = settings
        self._git = git
        self._say = say
        self._backoff = backoff or Backoff()
        self._report: WorkspaceReport = _report(
            WorkspaceState.PREPARING, "Starting", "looking at the workspace"
        )

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._settings.workspace

    @property
    def report(self) -> WorkspaceReport:
        """How far it is."""
        return self._report

    @property
    def usable(self) -> bool:
        """Whether work can be done in it."""
        return self._report["state"] in {WorkspaceState.READY, WorkspaceState.EMPTY}

    async def prepare(self, credentials: Credentials | None) -> None:
        """Bring the workspace about; returns once it is usable or only a person can mend it."""
        failures = 0
        while True:
            try:
                await self._attempt(credentials)
            except GitFailure as failure:
                reason, message = failure.reason, failure.message
            except OSError as error:
                reason, message = _of_system(error, self.path)
            else:
                return
            failures += 1
            pause = self._backoff.after(failures)
            self._report = _report(WorkspaceState.FAILED, reason, f"{message}; it is tried again")
            self._say(f"{reason}: {message}; the next attempt is in {pause:.0f} seconds", "Warning")
            await asyncio.sleep(pause)

    def give_up(self, defect: str) -> None:
        """Tell that preparing ended by a defect of ours, named by its type."""
        self._enter(
            WorkspaceState.FAILED, "Defect", f"preparing the workspace ended by a defect ({defect}); restart"
        )

    async def _attempt(self, credentials: Credentials | None) -> None:
        settings, path = self._settings, self.path
        await asyncio.to_thread(path.mkdir, parents=True, exist_ok=True)
        finished = await asyncio.to_thread(resume, path)
        if finished:
            self._say("an interrupted clone was brought to its end", "Normal")
        if await asyncio.to_thread(occupied, path):
            await self._found(credentials)
            return
        problem = settings.problem_of(contract.REPOSITORY_URL, contract.REPOSITORY_REF)
        if problem is not None:
            self._enter(WorkspaceState.FAILED, "InvalidRepository", f"{problem.variable} {problem.message}")
        elif settings.repository is None:
            self._enter(WorkspaceState.EMPTY, "NoRepository", "no repository is declared")
        else:
            await self._clone(settings.repository, credentials)

    async def _clone(self, repository: Repository, credentials: Credentials | None) -> None:
        what = describe(repository)

        def progress(words: str) -> None:
            self._report = _report(WorkspaceState.PREPARING, "Cloning", f"cloning {what}: {words}")

        self._enter(WorkspaceState.PREPARING, "Cloning", f"cloning {what}")
        login = Login.for_url(repository.url, credentials)
        missing = await clone(self._git, repository, self.path, login=login, on_progress=progress)
        if missing is None:
            await self._found(credentials)
        elif missing:
            self._enter(WorkspaceState.READY, missing.reason, f"cloned {what}, {missing.remark}", "Warning")
        else:
            self._enter(WorkspaceState.READY, "Cloned", f"cloned {what}")

    async def _found(self, credentials: Credentials | None) -> None:
        """A workspace with something in it is as its owner left it."""
        repository = self._settings.repository
        if repository is None:
            self._enter(WorkspaceState.READY, "Found", "the workspace is as it was left")
            return
        if not await asyncio.to_thread((self.path / ".git").exists):
            message = (
                "the workspace holds files and no repository at its top; "
                "empty it and restart to have it cloned"
            )
            self._enter(WorkspaceState.READY, "NotARepository", message, "Warning")
            return
        try:
            directory = await asyncio.to_thread(own_directory, self.path)
            remotes = await remote_urls(self._git, directory)
        except (GitFailure, OSError):
            remotes = []
        if remotes and not any(same_repository(remote, repository.url) for remote in remotes):
            message = (
                f"the workspace holds another repository than the declared one and is left as it is: "
                f"{one_line(shown(remotes[0]))}, and {repository.url} is declared; declare that one, "
                "or delete the session and declare it anew"
            )
            self._enter(WorkspaceState.READY, "OtherRepository", message, "Warning")
            return
        rest = Submodules(self._git, repository.url, Login.for_url(repository.url, credentials))
        missing = await fetch_again(rest, self.path)
        if missing:
            message = f"the workspace is as it was left, {missing.remark}"
            self._enter(WorkspaceState.READY, missing.reason, message, "Warning")
        else:
            self._enter(WorkspaceState.READY, "Found", "the workspace is as it was left")

    def _enter(self, state: WorkspaceState, reason: str, message: str, level: Level | None = None) -> None:
        self._report = _report(state, reason, message)
        self._say(message, level or ("Warning" if state is WorkspaceState.FAILED else "Normal"))


def describe(repository: Repository) -> str:
    """A repository in words: its URL, and the ref if one is declared."""
    return f"{repository.url} (ref {repository.ref})" if repository.ref else repository.url


def _report(state: WorkspaceState, reason: str, message: str) -> WorkspaceReport:
    return {"state": state.value, "reason": reason, "message": message}


def _of_system(error: OSError, path: Path) -> tuple[str, str]:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "NoSpace", "there is no room left on the volume; free some"
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return "NotWritable", f"{path} cannot be written to: {error.strerror}"
    return "Unusable", one_line(f"{path} cannot be used: {error.strerror}")
