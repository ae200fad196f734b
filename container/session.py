"""The one session of this container: its parts, and what they tell together."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Sequence
from importlib import metadata
from typing import NamedTuple

from container.agent.agent import Agent
from container.agent.masking import Mask
from container.agent.parts import Surroundings
from container.agent.talk import Patience
from container.auth import Placed, Placement, place
from container.changes.changes import Changes
from container.contract import (
    NOT_AS_DECLARED,
    QUESTION_SECONDS,
    AuthReport,
    HealthReport,
    NoticeReport,
    NoticeSource,
    WorkReport,
    WorkspaceState,
)
from container.database import open_database
from container.entry.entry import Entry
from container.environment import Settings, child_environment
from container.git import Git, Login
from container.given import Secrets
from container.identity import Identity, owner
from container.journal import Journal, Level
from container.logins import logins
from container.moments import now, rfc3339
from container.ondemand import OnDemand
from container.preview.previews import Previews
from container.pushed import Pushed
from container.terminal.terminals import Terminals
from container.tree.tree import Tree
from container.work import UNKNOWN, Saved, Work, read_work
from container.workspace import Workspace


class _WorkRead(NamedTuple):
    """The work, and when its reading began; "" before the first."""

    work: Work
    at: str

    def report(self) -> WorkReport:
        """As ``/healthz`` tells it."""
        report = self.work.report()
        return {**report, "readAt": self.at} if self.at else report


class Session:
    """Settings, gate, workspace, agent, logins, work, workbench and journal of one session."""

    def __init__(self, settings: Settings, given: Secrets, placed: tuple[Placed, ...]) -> None:
        self.settings = settings
        self.boot = secrets.token_hex(8)
        database, remark = open_database(settings.database, now())
        self.journal = Journal(database)
        self._database_remark = remark
        self.entry = Entry(settings, given.token_key, self.journal, database)
        self._problems = (*settings.problems, *given.problems, *self.entry.problems)
        self._placed = placed
        environ = child_environment(settings)
        self._identity = Identity(settings, environ)
        environ |= self._identity.variables
        self._git = Git(environ)
        self._pushed = Pushed(_login(settings, given))
        self.workspace = Workspace(settings, self._git, say=self._say_of_workspace)
        self._work = OnDemand(self._read_work, _WorkRead(UNKNOWN, ""))
        self._logins = OnDemand(self._read_logins, self._logins_now())
        self._seen: Work | None = None
        self._version = _version()
        self.agent = Agent(
            Surroundings(
                settings,
                self.journal,
                database,
                environ,
                usable=lambda: self.workspace.usable,
                mask=Mask(given, environ, settings.home),
                version=self._version,
                patience=Patience(opening=float(settings.agent_start_seconds)),
            )
        )
        self.terminals = Terminals(
            workspace=settings.workspace,
            home=settings.home,
            environ=environ,
            typing=lambda: self.journal.note_activity("terminal"),
        )
        # A workspace may lie in a repository that is not ours: on a plain machine, in any.
        inside = {**environ, "GIT_CEILING_DIRECTORIES": str(settings.workspace.parent)}
        self.tree = Tree(settings.workspace, Git(inside), changed=self._edited)
        self.changes = Changes(
            settings.workspace,
            inside,
            login=_login(settings, given),
            author=settings.author or owner(settings.namespace),
            changed=self._work.expire,
        )
        self.previews = Previews(environ, console_origin=settings.console_origin)

    @property
    def work(self) -> Work:
        """Whether the work is saved, as last read."""
        return self._work.ask().work

    def begin(self) -> None:
        """Note the start, and what is wrong with what it was given."""
        self.journal.begin(self.boot, self.settings.revision)
        revision = self.settings.revision or "none"
        self.journal.say(
            "container", f"started (session {self.settings.session or 'none'}, revision {revision})"
        )
        for notice in self.notices():
            self.journal.say(notice["source"], notice["message"], level="Warning")
        for file in self._placed:
            if file.placement is Placement.REFUSED:
                self.journal.say(f"login {file.provider}", file.message, level="Warning")
            elif file.placement not in {Placement.UNCHANGED, Placement.UNUSED}:  # the latter is a notice
                self.journal.say(f"login {file.provider}", file.message or f"{file.name} is in place")

    async def prepare(self, given: Secrets) -> None:
        """Bring the workspace about, and look at the work in it; the agent may work in it then."""
        await self.agent.begin()
        await self.workspace.prepare(given.git)
        author = await self._identity.look(self._git, self.settings.workspace)
        if author is not None:
            self.journal.say("git", f"commits are by {author.name}, the repository's newest author")
        self.agent.look()
        if self.workspace.report["reason"] in {"Cloned", "SubmodulesMissing", "LargeFilesMissing"}:
            self.journal.note_activity("git")
        self._work.expire()
        self._work.ask()

    def leave(self) -> None:
        """The end was asked for: what takes time to end is told at once."""
        self.agent.leave()

    async def aclose(self) -> None:
        """End what is under way and write down what is left."""
        await asyncio.gather(self.agent.aclose(), self.terminals.aclose(), self.previews.aclose())
        await self._work.aclose()
        await self._logins.aclose()
        self.journal.say("container", "stopped")
        await asyncio.to_thread(self.journal.close)

    def _of_workspace(self) -> list[NoticeReport]:
        """That the workspace can be worked in and is not wholly as declared."""
        report = self.workspace.report
        if not self.workspace.usable or report["reason"] not in NOT_AS_DECLARED:
            return []
        return [{"source": NoticeSource.WORKSPACE.value, "message": report["message"]}]

    def notices(self) -> Sequence[NoticeReport]:
        """What a person should know beside the states of the parts."""
        found: list[NoticeReport] = [
            {"source": problem.variable, "message": problem.message} for problem in self._problems
        ]
        found += self._of_workspace()
        found += [
            {"source": f"login {file.provider}", "message": file.message}
            for file in self._placed
            if file.placement is Placement.UNUSED
        ]
        if self._identity.problem:
            found.append({"source": "git", "message": self._identity.problem})
        if self._database_remark:
            found.append(
                {"source": "database", "message": f"{self.settings.database} {self._database_remark}"}
            )
        elif self.journal.trouble:
            message = f"the last record could not be written: {self.journal.trouble}"
            found.append({"source": "database", "message": message})
        return found

    def health(self) -> HealthReport:
        """The body of ``/healthz``: from memory alone."""
        notices = list(self.notices())
        workspace = self.workspace.report
        failed = workspace["state"] == WorkspaceState.FAILED
        return {
            "session": self.settings.session,
            "revision": self.settings.revision,
            "boot": self.boot,
            "status": "degraded" if failed or notices else "ok",
            "workspace": workspace,
            "agent": self.agent.report(),
            "auth": [self._as_used(login) for login in self._logins.ask()],
            "attention": self.agent.attention.value,
            "activity": self.journal.activity,
            "work": self._work.ask().report(),
            "version": self._version,
            "notices": notices,
        }

    async def answer(self, question: str) -> HealthReport:
        """The body of ``/healthz`` with the work as it is read for a question: not from memory.

        The question is repeated in the answer, unless the reading took too long.
        """
        try:
            async with asyncio.timeout(QUESTION_SECONDS):
                read = await self._work.fresh()
        except TimeoutError:
            return self.health()
        report = self.health()
        report["work"] = {**read.report(), "question": question}
        return report

    def _edited(self) -> None:
        """A person changed a file."""
        self.journal.note_activity("person")
        self._work.expire()

    def _say_of_workspace(self, message: str, level: Level) -> None:
        self.journal.say("workspace", message, level=level)

    def _as_used(self, login: AuthReport) -> AuthReport:
        """A login as its file tells of it, unless the agent just found that it does not serve."""
        if login["provider"] != self.agent.refused_login or login["state"] != "LoggedIn":
            return login
        return {
            **login,
            "state": "Revoked",
            "message": "the agent says that it no longer serves; log in again",
        }

    async def _read_work(self) -> _WorkRead:
        at = rfc3339(now())
        # Also while it is being prepared, or that failed: what is in it then may be somebody's work,
        # and where nothing is, nothing is lost.
        work = await read_work(self._git, self.settings.workspace, pushed=self._pushed)
        if not self.workspace.usable:
            return _WorkRead(work, at)
        # A change of what git tells is somebody's doing; the first look and a failed one are nobody's.
        if self._seen not in {None, work} and work.saved is not Saved.UNKNOWN:
            self.journal.note_activity("git")
        if work.saved is not Saved.UNKNOWN:
            self._seen = work
        return _WorkRead(work, at)

    async def _read_logins(self) -> list[AuthReport]:
        return await asyncio.to_thread(self._logins_now)

    def _logins_now(self) -> list[AuthReport]:
        settings = self.settings
        providers = [settings.agent_provider] if settings.agent_provider else []
        return logins(providers, self._placed, home=settings.home, environ=os.environ, now=now())


def open_session(settings: Settings, given: Secrets) -> Session:
    """Put logins in place and open the session; never raises for what it was given."""
    placed = place(given.auth_files, home=settings.home, data=settings.data, take=settings.take_logins)
    return Session(settings, given, placed)


def _login(settings: Settings, given: Secrets) -> Login | None:
    """The git credentials, for the declared repository's server and no other."""
    return Login.for_url(settings.repository.url, given.git) if settings.repository else None


def _version() -> str:
    try:
        return metadata.version("berth")
    except metadata.PackageNotFoundError:
        return "unknown"
