"""The Session: one declared coding workspace, and how it stands."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from crds.base import Condition, ConditionStatus, Model, Resource
from crds.container import Build, ContainerDefaults, EnvVar, Resources
from crds.quantity import Duration
from crds.rules import GitRef, GitUrl, HostName, ImageName, Label, Moment


class OperatingMode(StrEnum):
    """What a person wants of the session's container."""

    RUNNING = "Running"
    STOPPED = "Stopped"
    LEGACY = "Legacy"


class Source(Model):
    """The repository cloned into the session's workspace."""

    url: GitUrl
    """Where it is: https, http, ssh or git, without credentials. A file:// URL serves only where
    the container can see that path, as with the local Dokploy."""
    ref: GitRef | None = None
    """Branch, tag or commit; the repository's default branch if null."""
    depth: int | None = Field(default=None, ge=1, le=1_000_000)
    """How many commits of history; all if null."""
    credentials_secret: Label | None = None
    """A Secret with username and password, or token."""


class AuthFiles(Model):
    """Which providers' login files are put into the container."""

    providers: tuple[Label, ...] | None = Field(default=None, max_length=20)
    """Names such as codex and claude; null for all of the owner's, [] for none."""


class Agent(Model):
    """The coding agent that works in the session."""

    provider: Label = "codex"
    """Which agent: codex, claude, or a name of your own together with command."""
    command: tuple[str, ...] = Field(default=(), max_length=50)
    """The agent's command and its arguments, for one that the image does not know by name."""
    auto_approve: bool = False
    """Whether it may act without asking."""


class Storage(Model):
    """What becomes of the session's volumes when the session is deleted."""

    on_delete: Literal["Delete", "Retain"] = "Delete"
    """Delete removes workspace and data with the session; Retain leaves the volumes."""


class Route(Model):
    """How the session is reached."""

    host: HostName | None = None
    """Its host name; null for one made from the target's pattern."""
    https: bool | None = None
    """Whether by https; null as the target has it."""


class Idle(Model):
    """When an idle session is stopped; never while its agent works."""

    stop_after: Duration | None = None
    """How long without activity, such as 30m; null for never."""


class Lifetime(Model):
    """When a session is deleted, counted from its creation."""

    delete_after: Duration | None = None
    """How long it lives, such as 720h; null for ever."""


class SessionFields(Model):
    """What a Session and a SessionTemplate have in common."""

    title: str | None = Field(default=None, max_length=200)
    """What it is about, for people."""
    image: ImageName | None = None
    """A prebuilt image; null for the template's or the target's."""
    build: Build | None = None
    """An image that Dokploy builds, in place of a prebuilt one."""
    source: Source | None = None
    """The repository to work on; null for an empty workspace."""
    env: tuple[EnvVar, ...] = Field(default=(), max_length=200)
    """Variables of the container, each name once."""
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
        if self.image is not None and self.build is not None:
            raise ValueError("give either image or build")
        names = [variable.name for variable in self.env]
        double = next((name for name in names if names.count(name) > 1), None)
        if double is not None:
            raise ValueError(f"env names {double} twice")
        return self


class TargetReference(Model):
    """The target the session runs on, and what differs for this session alone."""

    name: Label = "default"
    """Name of the Target."""
    overrides: ContainerDefaults | None = None
    """What this session has in place of the target's container defaults."""


class SessionSpec(SessionFields):
    """What a person declares."""

    operating_mode: OperatingMode = OperatingMode.RUNNING
    """Running, Stopped (the container ends, its volumes stay), or Legacy (never had one)."""
    template: Label | None = None
    """A SessionTemplate of this namespace or of berth-shared; the session's own fields win."""
    restarted_at: Moment | None = None
    """Restarts the container whenever it changes, as `kubectl rollout restart` does."""
    target: TargetReference = TargetReference()
    """Where it runs."""


class Phase(StrEnum):
    """For people, derived from conditions; never a program counter."""

    PENDING = "Pending"
    CREATING = "Creating"
    RUNNING = "Running"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    ERROR = "Error"
    DELETING = "Deleting"
    LEGACY = "Legacy"


class Attention(StrEnum):
    """What the session's agent wants of its owner."""

    WORKING = "Working"
    NEEDS_INPUT = "NeedsInput"
    NEEDS_APPROVAL = "NeedsApproval"
    IDLE = "Idle"
    LIMIT_REACHED = "LimitReached"
    UNKNOWN = "Unknown"


class Revision(Model):
    """The hash of everything that needs a redeploy: as declared, and as the container echoes it."""

    desired: str | None = None
    running: str | None = None


class Intent(Model):
    """Written before the first changing call of a pass, removed by the pass's own status write.

    Found at the start of a pass, it says that an earlier one was cut off: what Dokploy holds is
    then read before anything is done (laws L5, S7).
    """

    actions: tuple[str, ...]
    at: datetime


class BuildStatus(Model):
    """The build that Dokploy ran last for this session."""

    deployment_id: str | None = None
    """Dokploy's id of it, once its row is seen."""
    previous: str | None = None
    """The newest deployment before it: ours is the first that follows (FACTS 13)."""
    inputs: str
    """Digest of what it was built from."""
    started_at: datetime
    outcome: Literal["Running", "Done", "Failed"]


class DokployStatus(Model):
    """Where the session stands in Dokploy, as far as our own accepted writes go."""

    application_id: str | None = None
    app_name: str | None = None
    environment_id: str | None = None
    configured: str | None = None
    applied: str | None = None
    restarted: datetime | None = None
    storage: tuple[str, ...] = ()
    route: str | None = None
    """The attached route as ``https://host:port``, with the container's port."""
    task: str | None = None
    """The task that ran when the session was last seen settled."""
    replaced: str | None = None
    """The task that the last apply replaces; while it runs, the new container does not."""
    boot: str | None = None
    """What the container drew at its start, as it last reported: another one is a restart."""
    lost_at: datetime | None = None
    """When its application was first missed; its container may run on for its stop grace."""
    deployed_at: datetime | None = None
    """When its configuration was last applied."""
    build: BuildStatus | None = None
    intent: Intent | None = None


class LastFailure(Model):
    """The newest failure of the container or of its build; kept after recovery."""

    reason: str
    message: str
    log_tail: tuple[str, ...] = ()
    at: datetime


class SessionStatus(Model):
    """How a session stands; written by the controller alone."""

    phase: Phase = Phase.PENDING
    url: str | None = None
    revision: Revision = Revision()
    dokploy: DokployStatus = DokployStatus()
    conditions: tuple[Condition, ...] = ()
    attention: Attention = Attention.UNKNOWN
    stopped_by: Literal["user", "idle", "lifetime", "quota", "admin", "platform"] | None = None
    restarts: int = 0
    last_failure: LastFailure | None = None
    observed_generation: int = 0
    """The newest generation that the rest speaks of."""

    @property
    def is_ready(self) -> bool:
        """Whether Ready was True at the last pass."""
        return any(c.type == "Ready" and c.status is ConditionStatus.TRUE for c in self.conditions)


class Session(Resource):
    """One container per coding session."""

    KIND: ClassVar[str] = "Session"
    PLURAL: ClassVar[str] = "sessions"
    SHORT_NAMES: ClassVar[tuple[str, ...]] = ("sess", "se")

    kind: Literal["Session"] = "Session"
    spec: SessionSpec = SessionSpec()
    status: SessionStatus = SessionStatus()


class SessionTemplate(Resource):
    """A Session's spec without identity, to be shared."""

    KIND: ClassVar[str] = "SessionTemplate"
    PLURAL: ClassVar[str] = "sessiontemplates"
    SHORT_NAMES: ClassVar[tuple[str, ...]] = ("sesst",)

    kind: Literal["SessionTemplate"] = "SessionTemplate"
    spec: SessionFields = SessionFields()
