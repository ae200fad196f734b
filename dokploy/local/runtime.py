"""What the local Dokploy asks of whatever runs its containers.

Two runtimes keep this contract: real local processes (:mod:`dokploy.local.processes`) and a
simulation with virtual time (:mod:`dokploy.local.simulation`). Everything above it (services,
tasks, restarts, health, updates: :mod:`dokploy.local.swarm`) is the same for both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


class NoSuchImage(Exception):
    """The image can be neither found nor pulled."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What was cloned: Dokploy names a deployment after it (FACTS-2 1)."""

    message: str
    name: str
    """The object name, 40 hexadecimal digits."""


class BuildFailed(Exception):
    """A build ended with an error; the reason is in its log.

    ``commit`` is what was cloned, None when the clone itself failed.
    """

    def __init__(self, message: str = "", *, commit: Commit | None = None) -> None:
        super().__init__(message)
        self.commit = commit


class VolumeBusy(Exception):
    """A container still holds the volume."""


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """All that a container is started with. ``env`` is already parsed and expanded."""

    service: str
    image: str
    env: Mapping[str, str] = field(repr=False)
    mounts: tuple[tuple[str, str], ...] = ()
    """(volume name, path in the container)."""
    port: int = 3000
    """The port on which the container is expected to listen: its PORT, or the route's."""
    health_test: tuple[str, ...] = ()
    """Docker's health check words: ``("CMD-SHELL", "...")``, ``("CMD", ...)`` or none."""
    memory_bytes: int | None = None
    nano_cpus: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BuildSpec:
    """What Dokploy builds: clone, then Dockerfile."""

    url: str
    branch: str
    build_path: str
    dockerfile: str
    context: str
    stage: str | None
    args: Mapping[str, str] = field(repr=False)
    image: str = ""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of output; ``at`` in seconds since the epoch."""

    at: float
    text: str


class Container(Protocol):
    """One started container."""

    container_id: str

    async def wait(self) -> int:
        """Return the exit code once it has ended (137 when killed)."""
        ...

    async def check(self) -> bool:
        """Run the health test once; True without one."""
        ...

    async def stop(self, grace: float) -> None:
        """TERM, then KILL after ``grace`` seconds; returns when nothing of it is left."""
        ...

    def address(self) -> tuple[str, int] | None:
        """Where its port is reached by the router, if anywhere."""
        ...

    def logs(self) -> tuple[LogLine, ...]:
        """Its output, the oldest first, within a cap."""
        ...

    def usage(self) -> tuple[float, int]:
        """CPU in CPUs since the last call, memory in bytes."""
        ...


class Runtime(Protocol):
    """Images, builds, volumes and containers of one machine."""

    async def pull(self, image: str) -> None:
        """Make the image available; raises NoSuchImage."""
        ...

    async def build(self, spec: BuildSpec, log: Callable[[str], None]) -> Commit | None:
        """Clone and build ``spec.image``; raises BuildFailed after logging why.

        ``log`` takes lines, from "Cloning Repo Custom ..." to "Docker build completed." or the
        "❌" line that says what failed; Dokploy's very first and very last lines are not its
        business. Returns what was cloned, None when that is not known.
        """
        ...

    async def start(self, spec: ContainerSpec) -> Container:
        """Start a container; its volumes come to be on first use."""
        ...

    def volumes(self) -> tuple[str, ...]:
        """The names of all volumes."""
        ...

    async def remove_volume(self, name: str) -> None:
        """Remove a volume; raises KeyError when there is none, VolumeBusy when it is held."""
        ...

    async def aclose(self) -> None:
        """Stop every container; volumes and images stay."""
        ...
