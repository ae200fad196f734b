"""What a container is made of: used by sessions, templates and targets alike."""

from __future__ import annotations

from pydantic import Field

from crds.base import Model
from crds.quantity import CpuQuantity, Duration, MemoryQuantity


class SecretKeyReference(Model):
    """One entry of a Secret in the session's namespace."""

    name: str
    key: str


class EnvVar(Model):
    """One environment variable: a literal value, or a reference to a secret's entry."""

    name: str
    value: str | None = None
    secret_ref: SecretKeyReference | None = None


class Build(Model):
    """An image that Dokploy builds from a git repository (FACTS 13)."""

    repository: str
    ref: str = "main"
    dockerfile: str = "Dockerfile"
    context: str = "."
    args: dict[str, str] = Field(default_factory=dict)


class Reservation(Model):
    """What is set aside for the container on its node."""

    cpu: CpuQuantity | None = None
    memory: MemoryQuantity | None = None


class Resources(Model):
    """Limits of the container."""

    cpu: CpuQuantity | None = None
    memory: MemoryQuantity | None = None
    reserve: Reservation = Reservation()


class HealthCheck(Model):
    """How the service's container is checked; the service's 1/1 counts healthy tasks only."""

    path: str = "/readyz"
    command: str | None = None
    interval: Duration = Duration("5s")
    timeout: Duration = Duration("3s")
    start_period: Duration = Duration("30s")
    retries: int = 3


class ContainerDefaults(Model):
    """What a session's container gets where the session says nothing."""

    image: str | None = None
    build: Build | None = None
    env: tuple[EnvVar, ...] = ()
    resources: Resources = Resources()
    port: int = 3000
    health_check: HealthCheck = HealthCheck()
    stop_grace: Duration = Duration("10s")
    restart_delay: Duration = Duration("2s")
