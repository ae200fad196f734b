"""How a session stands: what the controller reports, and nobody declares.

Terms: *phase* is one word for people, derived from the conditions; programs read conditions
(:mod:`crds.conditions`). *Attention* is what the agent inside wants of its owner, and says nothing
of the container.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from crds.base import Condition, ConditionStatus, Model
from crds.quantity import CpuQuantity, MemoryQuantity


class Phase(StrEnum):
    """For people, derived from conditions; never a program counter. The first that fits counts."""

    DELETING = "Deleting"
    """Its deletion was asked for."""
    LEGACY = "Legacy"
    """Declared without a container, and has none."""
    STOPPED = "Stopped"
    """No container runs, as declared."""
    RUNNING = "Running"
    """Ready is True."""
    PENDING = "Pending"
    """It waits for something else: a secret, a template, a target, room, a host."""
    ERROR = "Error"
    """It fails, or nothing more happens until a person acts."""
    STOPPING = "Stopping"
    """Its container is ending, as declared."""
    CREATING = "Creating"
    """It is on its way to Running."""


class Attention(StrEnum):
    """What the session's agent wants of its owner."""

    WORKING = "Working"
    """Nothing: it works."""
    NEEDS_INPUT = "NeedsInput"
    """An answer."""
    NEEDS_APPROVAL = "NeedsApproval"
    """Leave to do something."""
    IDLE = "Idle"
    """Something to do."""
    LIMIT_REACHED = "LimitReached"
    """Its provider's limit is used up."""
    UNKNOWN = "Unknown"
    """The container has not said, or is stopped."""


class Revision(Model):
    """The digest of everything that needs a new container."""

    desired: str | None = None
    """Of what is declared."""
    running: str | None = None
    """As the container itself last echoed it; null while there is none."""


class Intent(Model):
    """Written before the first changing call of a pass, removed by the pass's own status write.

    Found at the start of a pass, it says that an earlier one was cut off: what Dokploy holds is
    then read before anything is done.
    """

    actions: tuple[str, ...]
    """What the pass was going to do, in order."""
    at: datetime
    """When it began."""


class BuildStatus(Model):
    """The build that Dokploy ran last for this session."""

    deployment_id: str | None = None
    """Dokploy's id of it, once its row is seen."""
    # FACTS 13: Dokploy gives no id when a build is asked for.
    previous: str | None = None
    """The newest deployment before it: ours is the first that follows."""
    inputs: str
    """Digest of what it was built from."""
    started_at: datetime
    """When it was asked for."""
    outcome: Literal["Running", "Done", "Failed"]
    """How it ended, or that it has not."""


class TargetPlace(Model):
    """The target on which a session's application and volumes are."""

    name: str
    """Name of the Target."""
    uid: str
    """Its uid: that of the record which last led there."""
    url: str
    """Its address then."""
    organization_id: str
    """Dokploy's id of the organisation there: another one is another Dokploy, whatever the name."""


class AppliedFrom(Model):
    """What the configuration that was last applied was made from."""

    revision: str
    """Its revision."""
    inputs: dict[str, str] = Field(default_factory=dict)
    """Keyed digests of what went into it, by name: its own spec, its template, its target, each Secret."""


class DokployStatus(Model):
    """Where the session stands in Dokploy, as far as our own accepted writes go."""

    target: TargetPlace | None = None
    """Where its application and volumes are; null while nothing was made for it."""
    application_id: str | None = None
    """Dokploy's id of its application."""
    app_name: str | None = None
    """Dokploy's name of it, which begins with the session's marker."""
    environment_id: str | None = None
    """Dokploy's id of the environment it is in."""
    configured: str | None = None
    """Digest of the configuration that was last written, as far as a container takes it up."""
    described: str | None = None
    """Digest of what is for people in it: the application's name and description, the title."""
    applied: str | None = None
    """Digest of the configuration that was last applied."""
    applied_from: AppliedFrom | None = None
    """What that was made from."""
    restarted: datetime | None = None
    """The spec.restartedAt that was last carried out."""
    restarted_when_idle: datetime | None = None
    """The spec.restartWhenIdleAt that was last carried out, or overtaken by another restart."""
    storage: tuple[str, ...] = ()
    """Names of the volumes that are attached."""
    route: str | None = None
    """The attached route as https://host:port, with the container's port."""
    task: str | None = None
    """The task that ran when the session was last seen settled."""
    replaced: str | None = None
    """The task that the last apply replaces; while it runs, the new container does not."""
    counted: str | None = None
    """The newest task that ended by itself and is counted in restarts."""
    boot: str | None = None
    """What the container drew at its start, as it last reported: another one is a restart."""
    removing_since: datetime | None = None
    """When the first step of its deletion was about to be taken: from then on it cannot be undone."""
    lost_at: datetime | None = None
    """When its application was first missed; its container may run on for its stop grace."""
    deployed_at: datetime | None = None
    """When its configuration was last applied."""
    down_since: datetime | None = None
    """Since when no healthy container is seen, though one was since the last apply."""
    build: BuildStatus | None = None
    """The build that ran last."""
    intent: Intent | None = None
    """What a pass is about to do; gone when it is done."""


class LastFailure(Model):
    """The newest failure of the container or of its build; kept after recovery."""

    reason: str
    """Why, as in the condition of that time."""
    message: str
    """Why, for people."""
    log_tail: tuple[str, ...] = ()
    """The last lines of its log, at most 20, without the session's secrets."""
    at: datetime
    """When it was first seen."""


class IdleStatus(Model):
    """How long the session has been left alone, and what follows from it."""

    last_activity_time: datetime | None = None
    """The newest activity that the container reported; a look at it from outside is none."""
    source: str | None = None
    """What it was: agent, person, terminal or git."""
    stops_at: datetime | None = None
    """When it will be stopped if nothing happens until then; null if it will not."""
    because: str | None = None
    """Which rule says so, or which keeps it running; for people."""


class Usage(Model):
    """What the container used when that was last read."""

    cpu: CpuQuantity | None = None
    """CPUs, in cores or thousandths of one."""
    memory: MemoryQuantity | None = None
    """Memory, in bytes or with a unit."""
    at: datetime
    """When it was read."""


class SessionStatus(Model):
    """How a session stands; written by the controller alone."""

    phase: Phase = Phase.PENDING
    """One word for people."""
    url: str | None = None
    """Where it is reached; null if it has no route."""
    revision: Revision = Revision()
    """What is declared and what runs."""
    dokploy: DokployStatus = DokployStatus()
    """Where it stands in Dokploy."""
    conditions: tuple[Condition, ...] = ()
    """Every type, from the first visit on: see the list of conditions."""
    attention: Attention = Attention.UNKNOWN
    """What its agent wants of its owner."""
    idle: IdleStatus | None = None
    """How long it has been left alone; null where nothing is known of it."""
    stopped_by: Literal["user", "idle", "lifetime", "quota", "admin", "platform"] | None = None
    """Who stopped it; null while it is not stopped."""
    usage: Usage | None = None
    """What it used when that was last read; null where it was not."""
    restarts: int = 0
    """How often its container was replaced though nobody asked Berth for it: its program ended, Docker
    killed it, or somebody restarted it in Dokploy. Each has an event, ContainerReplaced, with Docker's own
    reason. A restart, stop or change that was asked for does not count, nor does a container that could
    not be started."""
    last_failure: LastFailure | None = None
    """Its newest failure."""
    observed_generation: int = 0
    """The newest generation that the rest speaks of."""

    @property
    def is_ready(self) -> bool:
        """Whether Ready was True at the last pass."""
        return self._is_true("Ready")

    @property
    def is_suspended(self) -> bool:
        """Whether the last pass knew that no container of it was left."""
        return self._is_true("Suspended")

    def _is_true(self, kind: str) -> bool:
        return any(c.type == kind and c.status is ConditionStatus.TRUE for c in self.conditions)
