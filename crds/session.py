"""The Session: one declared coding workspace, and how it stands."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal

from crds.base import Condition, Model, Resource
from crds.container import Build, ContainerDefaults, EnvVar, Resources
from crds.quantity import Duration


class OperatingMode(StrEnum):
    """What a person wants of the session's container."""

    RUNNING = "Running"
    STOPPED = "Stopped"
    LEGACY = "Legacy"


class Source(Model):
    """The repository cloned into the session's workspace."""

    url: str
    ref: str | None = None
    depth: int | None = None
    credentials_secret: str | None = None


class AuthFiles(Model):
    """Which providers' login files are put into the container; null: all of the owner's."""

    providers: tuple[str, ...] | None = None


class Agent(Model):
    """The coding agent that works in the session."""

    provider: str = "codex"
    command: tuple[str, ...] = ()
    auto_approve: bool = False


class Storage(Model):
    """What becomes of the session's volumes when the session is deleted."""

    on_delete: Literal["Delete", "Retain"] = "Delete"


class Route(Model):
    """How the session is reached. A null host is made from the target's pattern."""

    host: str | None = None
    https: bool | None = None


class Idle(Model):
    """When an idle session is stopped; never while its agent works."""

    stop_after: Duration | None = None


class Lifetime(Model):
    """When a session is deleted, counted from its creation."""

    delete_after: Duration | None = None


class SessionFields(Model):
    """What a Session and a SessionTemplate have in common."""

    title: str | None = None
    image: str | None = None
    build: Build | None = None
    source: Source | None = None
    env: tuple[EnvVar, ...] = ()
    auth_files: AuthFiles = AuthFiles()
    agent: Agent = Agent()
    resources: Resources = Resources()
    storage: Storage = Storage()
    route: Route = Route()
    idle: Idle = Idle()
    lifetime: Lifetime = Lifetime()


class TargetReference(Model):
    """The target the session runs on, and what differs for this session alone."""

    name: str = "default"
    overrides: ContainerDefaults | None = None


class SessionSpec(SessionFields):
    """What a person declares."""

    operating_mode: OperatingMode = OperatingMode.RUNNING
    template: str | None = None
    restarted_at: datetime | None = None
    target: TargetReference = TargetReference()


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
    deployed_at: datetime | None = None
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
