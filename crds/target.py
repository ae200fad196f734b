"""The Target: a Dokploy, and the defaults used on it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from crds.base import Condition, Model, Resource
from crds.container import ContainerDefaults, SecretKeyReference
from crds.quantity import Duration


class RoutePattern(Model):
    """How hosts are made: ``{name}``, ``{namespace}`` and ``{id}`` are replaced."""

    pattern: str | None = None
    https: bool = True
    certificate: Literal["letsencrypt", "none", "custom"] = "letsencrypt"
    certificate_resolver: str | None = None
    probe_address: str | None = None
    """host:port to which the controller connects for its own readings in place of the route's
    host, for networks in which that name does not resolve."""
    port: int | None = None
    """Port shown in the session's URL where the router does not listen on 80 or 443."""


class Limits(Model):
    """Bounds on what Berth asks of this target."""

    sessions: int | None = None
    sessions_per_owner: int | None = None
    calls_in_flight: int = 8
    calls_per_second: float = 20.0
    builds_in_flight: int = 1


class Poll(Model):
    """How often the target is listed: while something is in motion, otherwise, and when nothing
    is declared Running.
    """

    fast: Duration = Duration("2s")
    slow: Duration = Duration("10s")
    idle: Duration = Duration("30s")
    audit: Duration = Duration("15m")
    """How often each session's application is read whole, to find edits that no listing shows."""


class Deadlines(Model):
    """How long a step may take before it is reported as failing."""

    start: Duration = Duration("5m")
    build: Duration = Duration("30m")


class TargetSpec(Model):
    """Where and how sessions run."""

    url: str
    api_key: SecretKeyReference
    """A Secret in the namespace ``berth-system``."""
    project: str = "berth"
    environment: str | None = None
    server_id: str | None = None
    container: ContainerDefaults = ContainerDefaults()
    route: RoutePattern = RoutePattern()
    limits: Limits = Limits()
    poll: Poll = Poll()
    deadlines: Deadlines = Deadlines()


class TargetStatus(Model):
    """How the target stands."""

    version: str | None = None
    project_id: str | None = None
    environment_id: str | None = None
    conditions: tuple[Condition, ...] = ()
    observed_generation: int = 0


class Target(Resource):
    """A Dokploy and the defaults used on it; ``default`` serves all that name no other."""

    KIND: ClassVar[str] = "Target"
    PLURAL: ClassVar[str] = "targets"
    NAMESPACED: ClassVar[bool] = False

    kind: Literal["Target"] = "Target"
    spec: TargetSpec
    status: TargetStatus = Field(default_factory=TargetStatus)
