"""The port: what Berth asks of a Dokploy, in Berth's own types.

The controller knows this module and :mod:`dokploy.errors`, and nothing of HTTP. Each method is
one call (:meth:`Dokploy.connect` and the set-up ones apart); none repeats a change by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Installation:
    """Which Dokploy answered, and what our key may do there."""

    version: str
    role: str
    organization_id: str
    image_cleanup: bool
    """The nightly image prune is on (FACTS 7.7)."""
    builds_concurrency: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where applications are created."""

    project_id: str
    environment_id: str


@dataclass(frozen=True, slots=True)
class ApplicationRef:
    """The two names of an application; ``app_name`` is set at creation and never changes."""

    application_id: str
    app_name: str


@dataclass(frozen=True, slots=True)
class ApplicationRow:
    """An application in the listing. ``status`` is a record of the last command (FACTS 7.3)."""

    ref: ApplicationRef
    name: str
    status: str
    environment_id: str
    created_at: datetime
    last_deploy_at: datetime | None


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service that really exists: healthy tasks and wanted ones."""

    app_name: str
    running: int
    wanted: int
    image: str


_ENDED = frozenset({"Complete", "Failed", "Orphaned", "Rejected", "Remove", "Shutdown"})
"""States of a task that Swarm does not take back."""


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One row of a service's task history, the newest first.

    ``wanted`` is Swarm's desired state, ``state`` the first word of the current one, ``age`` the
    seconds since it was reached, as coarse as Docker words it ("about a minute ago").
    """

    task_id: str
    wanted: str
    state: str
    age: float | None
    error: str

    @property
    def has_ended(self) -> bool:
        """Whether it runs nothing, and never will again."""
        return self.state in _ENDED


@dataclass(frozen=True, slots=True)
class ContainerRow:
    """A container that is on the host, whether it runs or has ended.

    One of a service is named after it: ``<appName>.<slot>.<task>``.
    """

    name: str
    state: str


class VolumeRole(StrEnum):
    """The volumes of a session."""

    WORKSPACE = "workspace"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class VolumeMount:
    """A mount of an application; ``mount_id`` is empty before it is attached.

    ``volume`` is the name of a named volume, and empty for a bind or a file, which Berth never makes.
    """

    volume: str
    path: str
    mount_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Domain:
    """A route to an application; ``domain_id`` is empty before it is created."""

    host: str
    port: int
    https: bool
    certificate: str = "none"
    resolver: str | None = None
    path: str = "/"
    domain_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class DockerSource:
    """A prebuilt image."""

    image: str
    username: str | None = None
    password: SecretStr | None = None
    registry_url: str | None = None


@dataclass(frozen=True, slots=True)
class GitSource:
    """An image built by Dokploy from a repository (FACTS 13)."""

    url: str
    branch: str
    build_path: str
    dockerfile: str
    context: str
    build_args: SecretStr


@dataclass(frozen=True, slots=True)
class Health:
    """The service's health check, times in nanoseconds."""

    test: tuple[str, ...]
    interval: int
    timeout: int
    start_period: int
    retries: int


@dataclass(frozen=True, slots=True)
class ApplicationConfig:
    """All that one ``application.update`` writes, and just what a reading gives back.

    The two are compared for equality: an edit behind our back shows as a difference.
    ``env`` is already encoded by :func:`dokploy.dotenv.encode`. ``name`` and ``description`` are
    what Dokploy's own page shows.
    """

    name: str
    description: str
    source: DockerSource | GitSource
    env: SecretStr
    replicas: int
    health: Health
    cpu_limit: int | None
    cpu_reservation: int | None
    memory_limit: int | None
    memory_reservation: int | None
    stop_grace: int
    restart_delay: int
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ApplicationDetail:
    """One application read whole.

    ``config`` is None where what is there is none of our making (another source type, fields we
    never write).
    """

    ref: ApplicationRef
    config: ApplicationConfig | None
    mounts: tuple[VolumeMount, ...]
    domains: tuple[Domain, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """A build waiting or active in Dokploy's in-memory queue."""

    application_id: str
    state: Literal["waiting", "active"]
    title: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """A row of an application's build history."""

    deployment_id: str
    title: str
    status: Literal["running", "done", "error", "cancelled"]
    created_at: datetime


class Dokploy(Protocol):
    """What Berth asks of a Dokploy. Every method raises :class:`dokploy.errors.DokployError`."""

    async def connect(self) -> Installation:
        """Read version, role and settings; raise Unsupported for what we refuse."""
        ...

    async def ensure_place(self, project: str, environment: str | None) -> Place:
        """Find the project and the environment by name, or make them."""
        ...

    async def list_applications(self) -> tuple[ApplicationRow, ...]:
        """Every application of the organisation, in one call (FACTS 3)."""
        ...

    async def list_services(self) -> tuple[ServiceRow, ...]:
        """Every service, orphans included; an empty answer may mean a dead engine (FACTS 14)."""
        ...

    async def read_application(self, application_id: str) -> ApplicationDetail:
        """One application whole."""
        ...

    async def read_tasks(self, app_name: str) -> tuple[TaskRow, ...]:
        """The task history of one service."""
        ...

    async def read_task_variable(self, task_id: str, name: str) -> str | None:
        """What one task has for this variable, "" if it has none; None for a task that is not known.

        All else that Docker tells of the task, its other variables above all, is dropped.
        """
        ...

    async def list_containers(self, part: str) -> tuple[ContainerRow, ...]:
        """Every container with this in its name, ended ones and those of others too (FACTS 4).

        An empty answer may mean a dead engine (FACTS-2 2).
        """
        ...

    async def list_jobs(self) -> tuple[Job, ...]:
        """The queue of builds."""
        ...

    async def list_deployments(self, application_id: str) -> tuple[Deployment, ...]:
        """The build history of one application, the newest first."""
        ...

    async def read_build_log(self, deployment_id: str, *, tail: int) -> str:
        """The end of a build's log."""
        ...

    async def read_logs(self, application_id: str, *, tail: int, since: str | None) -> str:
        """The end of the newest container's output; '' when it is stopped or never ran.

        ``since`` is like ``10s`` or ``5m``; None for all.
        """
        ...

    async def create_application(
        self, *, name: str, app_name: str, environment_id: str, description: str, server_id: str | None
    ) -> ApplicationRef:
        """Create; not idempotent: after Ambiguous or Failed, list before trying again."""
        ...

    async def update_application(self, application_id: str, config: ApplicationConfig) -> None:
        """Write the whole configuration in one call; changes nothing that runs."""
        ...

    async def attach_volume(self, application_id: str, mount: VolumeMount) -> None:
        """Attach a named volume; not idempotent."""
        ...

    async def detach_volume(self, mount_id: str) -> None:
        """Remove a mount from an application; one that is gone is success. Its volume stays."""
        ...

    async def create_domain(self, application_id: str, domain: Domain) -> None:
        """Add a route, effective at once; not idempotent."""
        ...

    async def delete_domain(self, domain_id: str) -> None:
        """Remove a route; one that is gone is success."""
        ...

    async def reload_application(self, ref: ApplicationRef) -> None:
        """Apply the configuration: create or update the service, and roll a new task."""
        ...

    async def deploy_application(self, application_id: str, *, title: str) -> None:
        """Enqueue a build."""
        ...

    async def delete_application(self, application_id: str) -> None:
        """Delete; one that is gone is success. Volumes stay."""
        ...

    async def remove_volume(self, volume: str) -> None:
        """Remove a volume; one that is gone is success; raises VolumeInUse."""
        ...

    async def list_volumes(self) -> tuple[str, ...]:
        """The names of all volumes."""
        ...

    async def usage(self) -> dict[str, tuple[float, int]]:
        """CPU (in CPUs) and memory (in bytes) by container name; slow (FACTS 3)."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...
