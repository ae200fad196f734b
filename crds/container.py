"""What a container is made of: used by sessions, templates and targets alike."""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, Field, ValidationInfo, model_validator

from crds.base import DECLARED, Model, cel
from crds.environment import KEPT_VARIABLES, MOST_VARIABLES, EnvName, FreeEnvName, check_variables
from crds.git import BuildRef, BuildUrl
from crds.quantity import CpuQuantity, Duration, MemoryQuantity, PositiveDuration
from crds.rules import ImageName, Label, RelativePath, SecretKey, misplaced

_LEAST_MEMORY = MemoryQuantity("6Mi")
"""Below it the engine refuses to start anything (FACTS-2 4)."""
_LEAST_CPU = CpuQuantity("1m")
_LEAST_RESERVED_MEMORY = MemoryQuantity("4Mi")
"""Below these Swarm refuses the service (``validateResources`` of moby/swarmkit); 0 is none reserved."""

MOST_VARIABLE_BYTES = 128 * 1024 - 1
"""Bytes of ``NAME=value`` that Linux gives a program: ``MAX_ARG_STRLEN`` without the zero at its end."""
_MOST_ARGUMENT_BYTES = 64 * 1024
"""Bytes of all build arguments: Dokploy writes them into one command, which is one text to Linux."""

ONE_IMAGE = cel(
    "!(has(self.image) && has(self.build))", "give either image or build, not both", field=".build"
)
"""The rule of :func:`check_one_image`, for a cluster."""


def check_one_image(image: str | None, build: Build | None) -> None:
    """Refuse an image that is both taken and built."""
    if image is not None and build is not None:
        raise misplaced("build", "give either image or build, not both")


class SecretKeyReference(Model):
    """One entry of a Secret."""

    name: Label = Field(examples=["github"])
    """Name of the Secret; for a Session, of one in its namespace."""
    key: SecretKey = Field(examples=["token"])
    """Which of its entries."""


class EnvVar(Model):
    """One environment variable: a literal value, or a reference to a secret's entry."""

    model_config = ConfigDict(
        json_schema_extra=cel("has(self.value) != has(self.secretRef)", "give either value or secretRef")
        | KEPT_VARIABLES
    )

    name: FreeEnvName = Field(examples=["LOG_LEVEL"])
    """Its name. Those that Berth sets itself are refused: SESSION_ID, PORT, WORKSPACE_PATH,
    DATABASE_PATH, BERTH_* and *_AUTH_FILE_n."""
    value: str | None = Field(default=None, max_length=65_536)
    """The value, written out; at most 65,536 characters, and 131,071 bytes with its name. It shows
    wherever the spec shows: for what others must not see, use secretRef."""
    secret_ref: SecretKeyReference | None = None
    """The secret's entry that is the value."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.value is None and self.secret_ref is None:
            raise misplaced("value", "required, unless secretRef is given")
        if self.value is not None and self.secret_ref is not None:
            raise misplaced("secretRef", "give either value or secretRef, not both")
        size = len(f"{self.name}={self.value or ''}".encode())
        if size > MOST_VARIABLE_BYTES:
            raise misplaced(
                "value", f"{size:,} bytes with its name; Linux takes {MOST_VARIABLE_BYTES:,} at most"
            )
        return self


class Build(Model):
    """An image that Dokploy builds from a git repository."""

    repository: BuildUrl = Field(examples=["https://github.com/acme/image"])
    """Where the Dockerfile lives: an http:// or https:// URL without credentials."""
    ref: BuildRef = "main"
    """Branch or tag to build."""
    dockerfile: RelativePath = "Dockerfile"
    """Path of the Dockerfile within the repository."""
    context: RelativePath = "."
    """Path of the build context, from the root of the repository."""
    args: dict[EnvName, str] = Field(default_factory=dict, max_length=100, examples=[{"NODE": "22"}])
    """Build arguments, at most 100, of at most 65,536 bytes in all. They show in the build's log and
    in the image: no secrets."""

    @model_validator(mode="after")
    def _within_one_command(self, info: ValidationInfo) -> Self:
        size = sum(len(f"{name}={value}".encode()) for name, value in self.args.items())
        if info.context is DECLARED and size > _MOST_ARGUMENT_BYTES:
            raise misplaced("args", f"{size:,} bytes in all; a build takes at most {_MOST_ARGUMENT_BYTES:,}")
        return self


class Reservation(Model):
    """What is set aside for the container on its node."""

    cpu: CpuQuantity | None = None
    """CPUs set aside, in cores or thousandths of one (250m); 0, or at least 1m."""
    memory: MemoryQuantity | None = None
    """Memory set aside, in bytes or with a unit (512Mi); 0, or at least 4Mi."""


class Resources(Model):
    """Limits of the container; a limit that no layer names is none."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            f"!has(self.memory) || quantity(self.memory).compareTo(quantity('{_LEAST_MEMORY}')) >= 0",
            f"at least {_LEAST_MEMORY}: the engine refuses less",
            field=".memory",
        )
        | cel(
            f"!has(self.cpu) || quantity(self.cpu).compareTo(quantity('{_LEAST_CPU}')) >= 0",
            f"at least {_LEAST_CPU}: Swarm refuses less",
            field=".cpu",
        )
        | cel(
            "!has(self.reserve) || !has(self.reserve.cpu) || quantity(self.reserve.cpu).sign() == 0"
            f" || quantity(self.reserve.cpu).compareTo(quantity('{_LEAST_CPU}')) >= 0",
            f"at least {_LEAST_CPU}: Swarm refuses less",
            field=".reserve.cpu",
        )
        | cel(
            "!has(self.reserve) || !has(self.reserve.memory) || quantity(self.reserve.memory).sign() == 0"
            f" || quantity(self.reserve.memory).compareTo(quantity('{_LEAST_RESERVED_MEMORY}')) >= 0",
            f"at least {_LEAST_RESERVED_MEMORY}: Swarm refuses less",
            field=".reserve.memory",
        )
        | cel(
            "!has(self.cpu) || !has(self.reserve) || !has(self.reserve.cpu)"
            " || quantity(self.reserve.cpu).compareTo(quantity(self.cpu)) <= 0",
            "at most the limit, cpu",
            field=".reserve.cpu",
        )
        | cel(
            "!has(self.memory) || !has(self.reserve) || !has(self.reserve.memory)"
            " || quantity(self.reserve.memory).compareTo(quantity(self.memory)) <= 0",
            "at most the limit, memory",
            field=".reserve.memory",
        )
    )

    cpu: CpuQuantity | None = None
    """The most CPU it may use, in cores (2) or thousandths of one (500m); at least 1m."""
    memory: MemoryQuantity | None = None
    """The most memory it may use, in bytes or with a unit (2Gi); above it the container is
    killed. At least 6Mi."""
    reserve: Reservation = Reservation()
    """What is set aside for it; at most the limits."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        reserve = self.reserve
        if self.memory is not None and self.memory.bytes < _LEAST_MEMORY.bytes:
            raise misplaced("memory", f"at least {_LEAST_MEMORY}: the engine refuses less")
        if self.cpu is not None and self.cpu.nano_cpus == 0:
            raise misplaced("cpu", "more than 0; leave it out for no limit")
        if self.cpu and reserve.cpu and reserve.cpu.nano_cpus > self.cpu.nano_cpus:
            raise misplaced("reserve.cpu", f"at most the limit, which is {self.cpu}")
        if self.memory and reserve.memory and reserve.memory.bytes > self.memory.bytes:
            raise misplaced("reserve.memory", f"at most the limit, which is {self.memory}")
        return self

    @model_validator(mode="after")
    def _taken_by_swarm(self, info: ValidationInfo) -> Self:
        # What is stored is read all the same: a rule that came later must not make a record vanish.
        if info.context is not DECLARED:
            return self
        reserve = self.reserve
        if self.cpu is not None and self.cpu.nano_cpus < _LEAST_CPU.nano_cpus:
            raise misplaced("cpu", f"at least {_LEAST_CPU}: Swarm refuses less; leave it out for no limit")
        if reserve.cpu and 0 < reserve.cpu.nano_cpus < _LEAST_CPU.nano_cpus:
            raise misplaced("reserve.cpu", f"at least {_LEAST_CPU}: Swarm refuses less")
        if reserve.memory and 0 < reserve.memory.bytes < _LEAST_RESERVED_MEMORY.bytes:
            raise misplaced("reserve.memory", f"at least {_LEAST_RESERVED_MEMORY}: Swarm refuses less")
        return self


class HealthCheck(Model):
    """How the service's container is checked; the service counts its healthy tasks only.

    The engine kills a container that fails retries checks in a row, and the work in it with it. So the
    defaults ask for minutes of silence: a busy machine keeps a container with nothing wrong in it from
    answering for many seconds. They do not slow down a start, which the interval alone decides.
    """

    path: str = Field(default="/readyz", max_length=512, pattern=r"^/[A-Za-z0-9._~/-]*$")
    """The path that answers 200 while the container is fit to serve."""
    command: str | None = Field(default=None, min_length=1, max_length=4096)
    """A shell command in place of the request to path; it ends with 0 while all is well."""
    interval: PositiveDuration = PositiveDuration("5s")
    """How long after one check the next begins."""
    timeout: PositiveDuration = PositiveDuration("10s")
    """How long one check may take."""
    start_period: Duration = Duration("30s")
    """How long after a start failures do not count."""
    retries: int = Field(default=36, ge=1, le=1000, strict=True)
    """How many failures in a row make it unhealthy, and have the engine replace it. With the default
    interval and timeout, that is after three minutes of refusal or nine without an answer."""


class ContainerDefaults(Model):
    """What a session's container gets where the session says nothing."""

    model_config = ConfigDict(json_schema_extra=ONE_IMAGE)

    image: ImageName | None = Field(default=None, examples=["ghcr.io/acme/session:1"])
    """A prebuilt image."""
    build: Build | None = None
    """An image that Dokploy builds, in place of a prebuilt one."""
    env: tuple[EnvVar, ...] = Field(default=(), max_length=MOST_VARIABLES)
    """Variables that every container gets, each name once; a session's own of the same name win."""
    resources: Resources = Resources()
    """Limits and reservations."""
    port: int = Field(default=3000, ge=1, le=65_535, strict=True)
    """The port on which the container serves; it is told so in the variable PORT."""
    health_check: HealthCheck = HealthCheck()
    """How it is checked."""
    stop_grace: Duration = Duration("10s")
    """How long it has to end after it was told to, before it is killed."""
    restart_delay: Duration = Duration("2s")
    """How long after its end it is started again."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check_one_image(self.image, self.build)
        check_variables(self.env)
        return self
