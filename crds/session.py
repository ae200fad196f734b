"""The Session: one declared coding workspace.

Terms: *operatingMode* is what a person wants; *phase*, in the status, is how things stand. A mode
is never written by the controller, and a phase never by a person.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal, Self

from pydantic import ConfigDict, Field, StrictBool, StrictInt, model_validator

from crds.base import Model, Resource
from crds.container import ONE_IMAGE, Build, ContainerDefaults, EnvVar, Resources, check_one_image
from crds.environment import MOST_VARIABLES, check_variables
from crds.git import AuthorEmail, AuthorName, GitRef, GitUrl
from crds.quantity import PositiveDuration
from crds.rules import HostName, ImageName, Label, Moment, Title
from crds.session_status import (
    AppliedFrom,
    Attention,
    BuildStatus,
    DokployStatus,
    IdleStatus,
    Intent,
    LastFailure,
    Phase,
    Revision,
    SessionStatus,
    TargetPlace,
    Usage,
)

ORPHAN_ANNOTATION = "berth.dev/orphan"
"""Set to "true": a deletion ends without Dokploy, where that cannot be reached, and leaves there what is."""

__all__ = [
    "ORPHAN_ANNOTATION",
    "Agent",
    "AppliedFrom",
    "Attention",
    "AuthFiles",
    "Author",
    "BuildStatus",
    "DokployStatus",
    "Idle",
    "IdleStatus",
    "Intent",
    "LastFailure",
    "Lifetime",
    "OperatingMode",
    "Phase",
    "Revision",
    "Route",
    "Session",
    "SessionFields",
    "SessionSpec",
    "SessionStatus",
    "SessionTemplate",
    "Source",
    "Storage",
    "TargetPlace",
    "TargetReference",
    "Usage",
]


class OperatingMode(StrEnum):
    """What a person wants of the session's container."""

    RUNNING = "Running"
    """A container runs."""
    STOPPED = "Stopped"
    """None runs; the volumes are kept."""
    LEGACY = "Legacy"
    """Declared, and deliberately without a container."""


class Source(Model):
    """The repository cloned into the session's workspace."""

    url: GitUrl
    """Where it is: https://, http://, ssh://, git:// or [user@]host:path, without a password.
    A file:// URL serves only where the container sees that path: with the local Dokploy."""
    ref: GitRef | None = Field(default=None, examples=["main"])
    """Branch, tag or commit; left out, the repository's default branch. A full name such as
    refs/tags/v1 means that very ref; a commit may be given by its first digits."""
    depth: int | None = Field(default=None, ge=1, le=1_000_000, strict=True, examples=[1])
    """How many commits of history; left out, all."""
    credentials_secret: Label | None = Field(default=None, examples=["github"])
    """A Secret of the session's namespace with the keys username and password, or token alone."""


class Author(Model):
    """Who commits in a session."""

    name: AuthorName = Field(examples=["Ann Lee"])
    """The name of the author and committer."""
    email: AuthorEmail = Field(examples=["ann@example.com"])
    """Their address."""


class AuthFiles(Model):
    """Which login files are put into the container."""

    providers: tuple[Label, ...] | None = Field(default=None, max_length=20, examples=[["codex", "claude"]])
    """The providers; left out, all of which the owner has login files; [] for none."""
    secrets: tuple[Label, ...] | None = Field(default=None, max_length=20, examples=[["codex-work"]])
    """Names of the Secrets of type berth.dev/auth-file to take, and no others; left out, all of the
    owner's. Needed where two Secrets hold the same file of one provider, such as a login for work
    and a private one."""
    take_given_at: Moment | None = Field(default=None, examples=["2026-11-23T12:00:00Z"])
    """Whenever it changes, the next start puts newer login files in place of those that were refreshed
    or made in the container: berth restart --take-logins."""


class Agent(Model):
    """The coding agent that works in the session."""

    provider: Label = "codex"
    """Which agent: codex, claude, or a name of your own together with command."""
    command: tuple[str, ...] = Field(default=(), max_length=50, examples=[["my-agent", "--acp"]])
    """The agent's command, word by word, for one that the image does not know by name."""
    auto_approve: StrictBool = False
    """Whether it may act without asking.

    False puts it into the mode in which it asks a person: codex and claude do; other agents decide
    themselves what they ask, which the condition AgentReady says. True puts it into the mode that asks
    nothing, and allows what is asked nevertheless.
    """
    start_seconds: StrictInt = Field(default=60, ge=1, le=3600)
    """Seconds for which it may do nothing before it has answered at its start; while it works it has ten
    times as long. On a machine that is busy, or for an agent that is fetched at its start, more."""


class Storage(Model):
    """What becomes of the session's volumes when the session is deleted."""

    on_delete: Literal["Delete", "Retain"] = "Delete"
    """Delete removes workspace and data with the session, unless work in them is saved nowhere
    else; Retain leaves the volumes where they are."""


class Route(Model):
    """How the session is reached."""

    host: HostName | None = Field(default=None, examples=["fix-login.sessions.example.com"])
    """Its host name, in lower case; left out, one made from the target's pattern."""
    https: StrictBool | None = None
    """Whether by https; left out, as the target has it."""


class Idle(Model):
    """When an idle session is stopped; never while its agent works."""

    stop_after: PositiveDuration | None = None
    """How long without activity; left out, it is not stopped."""


class Lifetime(Model):
    """When a session is deleted, counted from its creation."""

    delete_after: PositiveDuration | None = Field(default=None, examples=["720h"])
    """How long it lives; left out, for ever."""


class SessionFields(Model):
    """What a Session and a SessionTemplate have in common."""

    model_config = ConfigDict(json_schema_extra=ONE_IMAGE)

    title: Title | None = Field(default=None, examples=["Fix the login bug"])
    """What it is about, for people: one line of at most 200 characters."""
    image: ImageName | None = Field(default=None, examples=["ghcr.io/acme/session:1"])
    """A prebuilt image; left out together with build, the template's or the target's."""
    build: Build | None = None
    """An image that Dokploy builds, in place of a prebuilt one."""
    source: Source | None = None
    """The repository to work on; left out, the workspace begins empty."""
    author: Author | None = None
    """Who commits, where git's own configuration in the session does not say it; left out, the newest
    author of the repository, and before its first commit the session's namespace."""
    env: tuple[EnvVar, ...] = Field(default=(), max_length=MOST_VARIABLES)
    """Variables of the container, at most 200, each name once."""
    auth_files: AuthFiles = AuthFiles()
    """Login files of the owner's providers."""
    agent: Agent = Agent()
    """The agent that works in it."""
    resources: Resources = Resources()
    """Limits and reservations."""
    storage: Storage = Storage()
    """What becomes of its volumes."""
    route: Route = Route()
    """How it is reached."""
    idle: Idle = Idle()
    """When it is stopped for idleness."""
    lifetime: Lifetime = Lifetime()
    """When it is deleted for age."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check_one_image(self.image, self.build)
        check_variables(self.env)
        return self


class TargetReference(Model):
    """The target the session runs on, and what differs for this session alone."""

    name: Label = "default"
    """Name of the Target."""
    overrides: ContainerDefaults | None = None
    """What this session has in place of the target's container defaults, field by field."""


class SessionSpec(SessionFields):
    """What a person declares."""

    operating_mode: OperatingMode = OperatingMode.RUNNING
    """Running; Stopped: the container ends, its volumes stay; Legacy: declared, deliberately
    without a container."""
    template: Label | None = Field(default=None, examples=["python"])
    """A SessionTemplate of this namespace or of berth-shared; the session's own fields win."""
    restarted_at: Moment | None = Field(default=None, examples=["2026-11-23T12:00:00Z"])
    """Restarts the container whenever it changes, as kubectl rollout restart does."""
    restart_when_idle_at: Moment | None = Field(default=None, examples=["2026-11-23T12:00:00Z"])
    """Restarts the container once for each change, at the next moment at which its agent is at rest:
    berth restart --when-idle."""
    target: TargetReference = TargetReference()
    """Where it runs."""


class Session(Resource):
    """One container per coding session."""

    KIND: ClassVar[str] = "Session"
    PLURAL: ClassVar[str] = "sessions"
    SHORT_NAMES: ClassVar[tuple[str, ...]] = ("sess", "se")

    kind: Literal["Session"] = "Session"
    """Always Session."""
    spec: SessionSpec = SessionSpec()
    """What is declared."""
    status: SessionStatus = SessionStatus()
    """How it stands."""

    @property
    def is_placed(self) -> bool:
        """Whether something was made for it on a target, which it then cannot leave."""
        known = self.status.dokploy
        # Records of earlier versions do not say where: they are where they are declared to be.
        return known.target is not None or known.application_id is not None

    @property
    def target_name(self) -> str:
        """The target on which it is; before anything was made for it, the one that it names."""
        place = self.status.dokploy.target
        return self.spec.target.name if place is None else place.name

    @property
    def left_behind(self) -> str:
        """What stays in Dokploy when its record goes without it, for people."""
        known = self.status.dokploy
        volumes = f"the volumes {', '.join(known.storage)}" if known.storage else "its volumes, if any"
        return f"the application {known.app_name or '(if one was made)'} and {volumes}"


class SessionTemplate(Resource):
    """A Session's spec without identity, to be shared: in one namespace, or in berth-shared by all."""

    KIND: ClassVar[str] = "SessionTemplate"
    PLURAL: ClassVar[str] = "sessiontemplates"
    SHORT_NAMES: ClassVar[tuple[str, ...]] = ("sesst",)

    kind: Literal["SessionTemplate"] = "SessionTemplate"
    """Always SessionTemplate."""
    spec: SessionFields = SessionFields()
    """What sessions that name this template get where they say nothing."""
