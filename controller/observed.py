"""What is known of a session's place in the world: plain data, each part possibly unknown.

``None`` always means *not known*, and an empty tuple means *known to be none*; on the former
nothing is ever created, stopped or deleted (law S7).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from container.contract import HealthReport, WorkReport
from crds.vocabulary import Reason
from dokploy.port import ApplicationDetail, ApplicationRow, Deployment, Job, ServiceRow, TaskRow


class Reading(Enum):
    """What a plan may ask to be read before it decides."""

    DETAIL = auto()
    TASKS = auto()
    ECHO = auto()
    JOBS = auto()
    DEPLOYMENTS = auto()
    LOGS = auto()
    BUILD_LOG = auto()
    GONE = auto()
    CONTAINERS = auto()
    REMAINS = auto()
    RUNS = auto()
    WORK = auto()
    """The container's report with its work read anew for a question of this pass."""


class Silence(Enum):
    """Why there is no report of the session's own container, or no list of containers from Dokploy."""

    NO_ANSWER = auto()
    NOT_OURS = auto()
    """What answered is not a session's container."""
    ANOTHER = auto()
    """The container of another session answered."""
    NAMELESS = auto()
    """A container that was given no session id: one of ours whose environment somebody emptied, or not."""
    OLD_IMAGE = auto()
    """The session's own container answered, and knows of no question."""
    TOO_LATE = auto()
    """The session's own container answered, and could not read its work in time."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why the listings cannot be used."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Observed:
    """One session's part of a snapshot, and what was read for it since."""

    applications: tuple[ApplicationRow, ...] | None = None
    """Applications that bear the session's marker: more than one is a twin."""
    services: tuple[ServiceRow, ...] | None = None
    """Services that bear it, with or without an application."""
    unknown: Unknown | None = None
    """Why ``applications`` or ``services`` is None."""
    suspect: bool = False
    """The listing shows that someone else was at work, or the time for an audit has come."""
    due: bool = False
    """The time for another look at the container's own report has come."""

    detail: ApplicationDetail | None = None
    tasks: tuple[TaskRow, ...] | None = None
    echo: HealthReport | Silence | None = None
    """The report of the session's own container: its session id was compared (law S16)."""
    work: WorkReport | Silence | None = None
    """The work as it was read for a question of this pass, or why it was not."""
    jobs: tuple[Job, ...] | None = None
    deployments: tuple[Deployment, ...] | None = None
    logs: tuple[str, ...] | None = None
    build_log: tuple[str, ...] | None = None
    gone: bool | None = None
    """Whether Dokploy, asked by its id, no longer knows the application that we know of."""
    containers: tuple[str, ...] | Silence | None = None
    """The session's containers that are on the host still, ended ones too, by name."""

    remains: tuple[str, ...] | Silence | None = None
    """Tasks and containers of the session that have not ended, by name: what may write to its volumes.
    Silence where an empty answer may be that of an engine that is down."""

    runs: str | Silence | None = None
    """The revision that the newest task was made for, as Dokploy's inspection of it tells; "" for none of
    ours, and silence where the task is not known any more."""

    @property
    def application(self) -> ApplicationRow | None:
        """The one application, where there is exactly one."""
        return self.applications[0] if self.applications and len(self.applications) == 1 else None

    @property
    def service(self) -> ServiceRow | None:
        """The service of the one application."""
        return self.service_of(self.application)

    def service_of(self, application: ApplicationRow | None) -> ServiceRow | None:
        """The service of an application, where it is known and there."""
        if application is None:
            return None
        rows = [row for row in self.services or () if row.app_name == application.ref.app_name]
        return rows[0] if rows else None

    def orphans(self) -> tuple[ServiceRow, ...]:
        """Services whose application is gone: no call of Dokploy's can remove them (FACTS 13)."""
        names = {row.ref.app_name for row in self.applications or ()}
        return tuple(row for row in self.services or () if row.app_name not in names)

    def has_job(self, application_id: str) -> bool:
        """Whether a build of this application waits or runs, as far as the queue was read."""
        return any(job.application_id == application_id for job in self.jobs or ())

    def only(self, application: ApplicationRow) -> Observed:
        """The same with this one application."""
        return replace(self, applications=(application,))
