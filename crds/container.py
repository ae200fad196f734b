"""What a container is made of: used by sessions, templates and targets alike."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from crds.base import Model
from crds.quantity import CpuQuantity, Duration, MemoryQuantity
from crds.rules import (
    BuildUrl,
    EnvName,
    GitRef,
    ImageName,
    Label,
    RelativePath,
    SecretKey,
    check_unreserved,
)

_MIN_MEMORY = 6 * 2**20


class SecretKeyReference(Model):
    """One entry of a Secret in the session's namespace."""

    name: Label
    """Name of the Secret."""
    key: SecretKey
    """Which of its entries."""


class EnvVar(Model):
    """One environment variable: a literal value, or a reference to a secret's entry."""

    name: Annotated[EnvName, AfterValidator(check_unreserved)]
    """Its name; those that Berth itself sets are refused."""
    value: str | None = Field(default=None, max_length=65_536)
    """The value as it is written here; for what others must not see, use secretRef."""
    secret_ref: SecretKeyReference | None = None
    """The secret's entry that is the value."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.value is None) == (self.secret_ref is None):
            raise ValueError("give either value or secretRef")
        return self


class Build(Model):
    """An image that Dokploy builds from a git repository (FACTS 13)."""

    repository: BuildUrl
    """Where the Dockerfile lives: an http(s) URL without credentials."""
    ref: GitRef = "main"
    """Branch or tag to build."""
    dockerfile: RelativePath = "Dockerfile"
    """The Dockerfile's path within the repository."""
    context: RelativePath = "."
    """The build context's path within the repository."""
    args: dict[EnvName, str] = Field(default_factory=dict, max_length=100)
    """Build arguments. They show in the build's log and in the image: no secrets here."""


class Reservation(Model):
    """What is set aside for the container on its node."""

    cpu: CpuQuantity | None = None
    """CPUs set aside, such as 250m."""
    memory: MemoryQuantity | None = None
    """Memory set aside, such as 512Mi."""


class Resources(Model):
    """Limits of the container; none where nothing is said."""

    cpu: CpuQuantity | None = None
    """The most CPU it may use, such as 500m or 2."""
    memory: MemoryQuantity | None = None
    """The most memory it may use, such as 2Gi; above it the container is killed. At least 6Mi."""
    reserve: Reservation = Reservation()
    """What is set aside for it."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.memory is not None and self.memory.bytes < _MIN_MEMORY:
            raise ValueError("memory is at least 6Mi: the engine refuses less")
        if self.cpu is not None and self.cpu.nano_cpus == 0:
            raise ValueError("cpu is more than 0")
        reserve = self.reserve
        if self.cpu and reserve.cpu and reserve.cpu.nano_cpus > self.cpu.nano_cpus:
            raise ValueError("reserve.cpu is at most cpu")
        if self.memory and reserve.memory and reserve.memory.bytes > self.memory.bytes:
            raise ValueError("reserve.memory is at most memory")
        return self


class HealthCheck(Model):
    """How the service's container is checked; the service counts its healthy tasks only."""

    path: str = Field(default="/readyz", pattern=r"^/[A-Za-z0-9._~/-]*$")
    """The path that answers 200 while the container is fit to serve."""
    command: str | None = None
    """A shell command in place of the request to path."""
    interval: Duration = Duration("5s")
    """How often it is checked."""
    timeout: Duration = Duration("3s")
    """How long one check may take."""
    start_period: Duration = Duration("30s")
    """How long failures do not count after a start."""
    retries: int = Field(default=3, ge=1, le=100)
    """How many failures in a row make it unhealthy."""


class ContainerDefaults(Model):
    """What a session's container gets where the session says nothing."""

    image: ImageName | None = None
    """A prebuilt image."""
    build: Build | None = None
    """An image that Dokploy builds, in place of a prebuilt one."""
    env: tuple[EnvVar, ...] = Field(default=(), max_length=200)
    """Variables that every container gets; a session's own of the same name win."""
    resources: Resources = Resources()
    """Limits and reservations."""
    port: int = Field(default=3000, ge=1, le=65_535)
    """The port on which the container serves."""
    health_check: HealthCheck = HealthCheck()
    """How it is checked."""
    stop_grace: Duration = Duration("10s")
    """How long it has to end after it was told to, before it is killed."""
    restart_delay: Duration = Duration("2s")
    """How long after its end it is started again."""

    @model_validator(mode="after")
    def _one_image(self) -> Self:
        if self.image is not None and self.build is not None:
            raise ValueError("give either image or build")
        return self
