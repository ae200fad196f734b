"""The Target: a Dokploy, and the defaults used on it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from pydantic import Field, StrictBool, field_validator

from crds.base import Model, Resource
from crds.container import ContainerDefaults, SecretKeyReference
from crds.quantity import PollPeriod, PositiveDuration
from crds.rules import HOST, HttpUrl, Origin
from crds.target_status import TargetStatus

ACCEPT_ABSENCE_ANNOTATION = "berth.dev/accept-absence"
"""A time (RFC 3339): what was missing then is believed to be gone, for ten minutes from it."""

ABSENCE_ACCEPTED_FOR = timedelta(minutes=10)
"""For how long: enough to create what is missing anew, too short to outlive the next accident."""

SWEEP_ANNOTATION = "berth.dev/sweep"
"""A time (RFC 3339): a sweep is asked for; a later time asks again."""

_PLACEHOLDER = re.compile(r"\{(name|namespace|id)\}")


class RoutePattern(Model):
    """How sessions are reached."""

    pattern: str | None = Field(
        default=None, max_length=253, examples=["{name}-{namespace}.sessions.example.com"]
    )
    """How hosts are made: {name}, {namespace} and {id} are replaced, and {name} or {id} is needed.
    Left out, sessions have no route unless they name a host."""
    https: StrictBool = True
    """Whether by https."""
    certificate: Literal["letsencrypt", "none", "custom"] = "letsencrypt"
    """Where Traefik takes the certificate from."""
    certificate_resolver: str | None = Field(default=None, max_length=100)
    """The resolver's name, for custom certificates."""
    probe_address: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.\[\]:-]+:[0-9]{1,5}$")
    """host:port to which the controller connects for its own readings in place of a route's host,
    for networks in which that name does not resolve."""
    port: int | None = Field(default=None, ge=1, le=65_535, strict=True)
    """The port in a session's URL, where the router does not listen on 80 or 443."""

    @field_validator("pattern")
    @classmethod
    def _check_pattern(cls, pattern: str | None) -> str | None:
        if pattern is None:
            return None
        # Not str.format, which would take "{name:>999999999}" and fill the memory.
        host = _PLACEHOLDER.sub("a", pattern)
        if "{" in host or "}" in host:
            raise ValueError("only {name}, {namespace} and {id} are replaced in a pattern")
        if "{name}" not in pattern and "{id}" not in pattern:
            raise ValueError("a pattern holds {name} or {id}, or all sessions would share one host")
        HOST.check(host)
        return pattern


class Limits(Model):
    """Bounds on what Berth asks of this target."""

    sessions: int | None = Field(default=None, ge=0, strict=True)
    """How many sessions may run; left out, any number. The oldest go first."""
    sessions_per_owner: int | None = Field(default=None, ge=0, strict=True)
    """How many sessions of one namespace may run; left out, any number."""
    calls_in_flight: int = Field(default=8, ge=1, le=256, strict=True)
    """How many calls to Dokploy may be under way."""
    calls_per_second: float = Field(default=20.0, gt=0, le=10_000, strict=True)
    """How many calls to Dokploy may begin in a second."""


class Poll(Model):
    """How often the target is listed."""

    fast: PollPeriod = PollPeriod("2s")
    """While anything is in motion."""
    slow: PollPeriod = PollPeriod("10s")
    """While any session shall run."""
    idle: PollPeriod = PollPeriod("30s")
    """While none shall."""
    audit: PositiveDuration = PositiveDuration("15m")
    """How often each session's application is read whole, to find edits that no listing shows."""


class Deadlines(Model):
    """How long a step may take before it is reported as failing."""

    start: PositiveDuration = PositiveDuration("5m")
    """From a start to a healthy container."""
    build: PositiveDuration = PositiveDuration("30m")
    """Of a build."""


class TargetSpec(Model):
    """Where and how sessions run."""

    url: HttpUrl = Field(examples=["https://dokploy.example.com"])
    """Dokploy's URL, without user or password."""
    api_key: SecretKeyReference
    """Its API key: a Secret in the namespace berth-system. The key belongs to an owner or admin,
    and is made with rate limiting off."""
    project: str = Field(default="berth", min_length=1, max_length=100)
    """The Dokploy project of all sessions; made if there is none."""
    environment: str | None = Field(default=None, max_length=100)
    """The environment within it; left out, the project's default one."""
    container: ContainerDefaults = ContainerDefaults()
    """What containers get where sessions say nothing."""
    route: RoutePattern = RoutePattern()
    """How sessions are reached: their hosts and certificates."""
    console_origin: Origin | None = Field(default=None, examples=["https://berth.example.com"])
    """The origin of the console: its pages alone may show a session's page in a frame, and hand it a
    token. Left out, no page may. A change restarts the sessions."""
    limits: Limits = Limits()
    """Bounds on sessions and on calls."""
    poll: Poll = Poll()
    """How often it is listed."""
    deadlines: Deadlines = Deadlines()
    """When a step is reported as failing."""


class Target(Resource):
    """A Dokploy and the defaults used on it; ``default`` serves all that name no other."""

    KIND: ClassVar[str] = "Target"
    PLURAL: ClassVar[str] = "targets"
    NAMESPACED: ClassVar[bool] = False

    kind: Literal["Target"] = "Target"
    """Always Target."""
    spec: TargetSpec
    """What is declared."""
    status: TargetStatus = TargetStatus()
    """How it stands."""

    def absence_accepted_until(self, now: datetime) -> datetime | None:
        """Until when what is missing is believed to be gone; None where nobody says so, or no longer."""
        accepted = self._moment(ACCEPT_ABSENCE_ANNOTATION)
        if accepted is None or not accepted <= now < accepted + ABSENCE_ACCEPTED_FOR:
            return None
        return accepted + ABSENCE_ACCEPTED_FOR

    @property
    def sweep_asked(self) -> datetime | None:
        """The newest request for a sweep."""
        return self._moment(SWEEP_ANNOTATION)

    def _moment(self, annotation: str) -> datetime | None:
        """The time in an annotation; one that cannot be read says nothing."""
        text = self.metadata.annotations.get(annotation)
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return moment if moment.tzinfo else None
