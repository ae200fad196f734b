"""What a Swarm service is to do: the model's picture of a service specification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

SECOND = 1_000_000_000
"""Swarm counts in nanoseconds."""


class Order(StrEnum):
    """Which comes first in an update."""

    STOP_FIRST = "stop-first"
    START_FIRST = "start-first"


class OnFailure(StrEnum):
    """What Swarm does when the new task of an update fails."""

    PAUSE = "pause"
    ROLLBACK = "rollback"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class Update:
    """How a change is rolled out. The defaults are Dokploy's own (FACTS 4, "swarm default")."""

    order: Order = Order.START_FIRST
    on_failure: OnFailure = OnFailure.ROLLBACK
    monitor: float = 5.0
    """Seconds for which a new task is watched."""


@dataclass(frozen=True, slots=True)
class Health:
    """A health check, times in seconds; zero means Docker's default, as in Docker."""

    test: tuple[str, ...]
    interval: float = 30.0
    timeout: float = 30.0
    start_period: float = 0.0
    retries: int = 3


@dataclass(frozen=True, slots=True)
class Restart:
    """What follows when a task has ended by itself."""

    condition: str = "any"
    delay: float = 5.0
    attempts: int = 0
    """Zero: without end."""


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One service. ``env`` is parsed and expanded."""

    name: str
    image: str
    env: Mapping[str, str] = field(repr=False, default_factory=dict)
    mounts: tuple[tuple[str, str], ...] = ()
    mount_points: tuple[str, ...] = ()
    """The paths of all mounts, of binds and files too: Swarm refuses a path that is there twice."""
    port: int = 3000
    replicas: int = 1
    health: Health | None = None
    restart: Restart = Restart()
    update: Update = Update()
    stop_grace: float = 10.0
    memory_bytes: int | None = None
    nano_cpus: int | None = None
    reserved_memory_bytes: int | None = None
    reserved_nano_cpus: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As JSON, for the state file."""
        return asdict(self)


def restored(document: Mapping[str, Any]) -> ServiceSpec:
    """The reverse of :meth:`ServiceSpec.document`, after a round trip through JSON."""
    given = dict(document)
    health = given.pop("health")
    if health is not None:
        health = Health(**{**health, "test": tuple(health["test"])})
    update = given.pop("update")
    return ServiceSpec(
        **{
            **given,
            "mounts": tuple((volume, path) for volume, path in given["mounts"]),
            "mount_points": tuple(given.get("mount_points", ())),
            "health": health,
            "restart": Restart(**given["restart"]),
            "update": Update(Order(update["order"]), OnFailure(update["on_failure"]), update["monitor"]),
        }
    )
