"""The Target: a Dokploy, and the defaults used on it."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from crds.base import Condition, Model, Resource
from crds.container import ContainerDefaults, SecretKeyReference
from crds.quantity import Duration
from crds.rules import HOST, HttpUrl


class RoutePattern(Model):
    """How sessions are reached."""

    pattern: str | None = Field(default=None, max_length=253)
    """How hosts are made, such as {name}-{namespace}.sessions.example.com: {name}, {namespace}
    and {id} are replaced. Null: sessions have no route unless they name a host."""
    https: bool = True
    """Whether by https."""
    certificate: Literal["letsencrypt", "none", "custom"] = "letsencrypt"
    """Where Traefik takes the certificate from."""
    certificate_resolver: str | None = Field(default=None, max_length=100)
    """The resolver's name, for custom certificates."""
    probe_address: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.\[\]:-]+:[0-9]{1,5}$")
    """host:port to which the controller connects for its own readings in place of a route's host,
    for networks in which that name does not resolve."""
    port: int | None = Field(default=None, ge=1, le=65_535)
    """The port in a session's URL, where the router does not listen on 80 or 443."""

    @field_validator("pattern")
    @classmethod
    def _check_pattern(cls, pattern: str | None) -> str | None:
        if pattern is None:
            return None
        try:
            host = pattern.format(name="a", namespace="b", id="c")
        except (KeyError, IndexError, ValueError):
            raise ValueError("only {name}, {namespace} and {id} are replaced in a pattern") from None
        if "{name}" not in pattern and "{id}" not in pattern:
            raise ValueError("a pattern holds {name} or {id}, or all sessions would share one host")
        HOST.check(host)
        return pattern


class Limits(Model):
    """Bounds on what Berth asks of this target."""

    sessions: int | None = Field(default=None, ge=0)
    """How many sessions may run; null for any number. The oldest go first."""
    sessions_per_owner: int | None = Field(default=None, ge=0)
    """How many sessions of one namespace may run."""
    calls_in_flight: int = Field(default=8, ge=1, le=256)
    """How many calls to Dokploy may be under way."""
    calls_per_second: float = Field(default=20.0, gt=0, le=10_000)
    """How many calls to Dokploy may begin in a second."""


class Poll(Model):
    """How often the target is listed."""

    fast: Duration = Duration("2s")
    """While anything is in motion."""
    slow: Duration = Duration("10s")
    """While any session shall run."""
    idle: Duration = Duration("30s")
    """While none shall."""
    audit: Duration = Duration("15m")
    """How often each session's application is read whole, to find edits that no listing shows."""

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if min(self.fast.seconds, self.slow.seconds, self.idle.seconds) < _MIN_POLL:
            raise ValueError("poll periods are at least 100ms")
        return self


_MIN_POLL = 0.1


class Deadlines(Model):
    """How long a step may take before it is reported as failing."""

    start: Duration = Duration("5m")
    """From a start to a healthy container."""
    build: Duration = Duration("30m")
    """Of a build."""


class TargetSpec(Model):
    """Where and how sessions run."""

    url: HttpUrl
    """Dokploy's URL."""
    api_key: SecretKeyReference
    """Its API key: a Secret in the namespace berth-system. The key belongs to an owner or admin,
    and is made with rate limiting off (FACTS 6)."""
    project: str = Field(default="berth", min_length=1, max_length=100)
    """The Dokploy project of all sessions; made if there is none."""
    environment: str | None = Field(default=None, max_length=100)
    """The environment within it; null for the project's default one."""
    container: ContainerDefaults = ContainerDefaults()
    """What containers get where sessions say nothing."""
    route: RoutePattern = RoutePattern()
    """How sessions are reached."""
    limits: Limits = Limits()
    """Bounds."""
    poll: Poll = Poll()
    """How often it is listed."""
    deadlines: Deadlines = Deadlines()
    """When a step is reported as failing."""


class TargetStatus(Model):
    """How the target stands."""

    version: str | None = None
    """Dokploy's version."""
    project_id: str | None = None
    """Dokploy's id of the project."""
    environment_id: str | None = None
    """Dokploy's id of the environment."""
    conditions: tuple[Condition, ...] = ()
    """Ready: whether it can be listed, and what to mend if not."""
    observed_generation: int = 0
    """The newest generation that these speak of."""


class Target(Resource):
    """A Dokploy and the defaults used on it; ``default`` serves all that name no other."""

    KIND: ClassVar[str] = "Target"
    PLURAL: ClassVar[str] = "targets"
    NAMESPACED: ClassVar[bool] = False

    kind: Literal["Target"] = "Target"
    spec: TargetSpec
    status: TargetStatus = Field(default_factory=TargetStatus)
