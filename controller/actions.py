"""The closed set of what the controller can do to Dokploy: one action is one call.

An action is a value that prints itself without a secret. The order in which :mod:`controller.plan`
puts them is the order in which they are performed; a crash is allowed between any two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from crds.session import AppliedFrom
from dokploy.port import ApplicationConfig, ApplicationRef, Domain, VolumeMount


@dataclass(frozen=True, slots=True)
class Create:
    """Create the application. Not idempotent: an intent is recorded before it."""

    app_name: str
    name: str
    description: str

    def __str__(self) -> str:
        return f"Create the application {self.app_name}"


@dataclass(frozen=True, slots=True)
class Configure:
    """Write the whole configuration in one call; nothing that runs changes."""

    config: ApplicationConfig = field(repr=False)
    digest: str
    """Of what a container takes up of it."""
    described: str
    """Digest of the rest, which is for people."""

    def __str__(self) -> str:
        return f"Configure it (digest {self.digest}, replicas {self.config.replicas})"


@dataclass(frozen=True, slots=True)
class AttachVolume:
    """Attach a volume. Not idempotent: only where a reading, or our own create, shows none."""

    mount: VolumeMount

    def __str__(self) -> str:
        return f"Attach the volume {self.mount.volume} at {self.mount.path}"


@dataclass(frozen=True, slots=True)
class DetachVolume:
    """Remove a mount that is one too many at a declared path, which Swarm refuses; its volume stays."""

    mount: VolumeMount

    def __str__(self) -> str:
        what = f"the volume {self.mount.volume}" if self.mount.volume else "a bind or a file"
        return f"Detach a surplus mount of {what} at {self.mount.path}"


@dataclass(frozen=True, slots=True)
class AttachRoute:
    """Add the route. Not idempotent, like AttachVolume."""

    domain: Domain

    def __str__(self) -> str:
        return f"Attach the route {self.domain.host} to port {self.domain.port}"


@dataclass(frozen=True, slots=True)
class DetachRoute:
    """Remove a route that is not declared, or one too many of one that is."""

    domain: Domain
    surplus: bool = False
    """The declared route stays: what is recorded of it does, too."""

    def __str__(self) -> str:
        return f"Detach the route {self.domain.host}"


@dataclass(frozen=True, slots=True)
class Apply:
    """Make Swarm follow the configuration; rolls a new task, so it is also the restart."""

    why: str
    origin: AppliedFrom | None = None
    """What the configuration was made from; None where that is not known."""

    def __str__(self) -> str:
        return f"Apply the configuration ({self.why})"


@dataclass(frozen=True, slots=True)
class Build:
    """Enqueue a build; its end applies the configuration too."""

    inputs: str
    previous: str | None
    """The newest deployment before this one: ours is the first that follows it (FACTS 13)."""
    origin: AppliedFrom | None = None
    """As that of an Apply."""

    def __str__(self) -> str:
        return f"Build the image (inputs {self.inputs})"


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an application of ours; its volumes stay."""

    ref: ApplicationRef

    def __str__(self) -> str:
        return f"Delete the application {self.ref.app_name}"


@dataclass(frozen=True, slots=True)
class RemoveVolume:
    """Remove a volume whose container is gone."""

    volume: str

    def __str__(self) -> str:
        return f"Remove the volume {self.volume}"


Action = (
    Create
    | Configure
    | AttachVolume
    | DetachVolume
    | AttachRoute
    | DetachRoute
    | Apply
    | Build
    | Delete
    | RemoveVolume
)


def domain_in(route: str | None) -> Domain | None:
    """The route that a text made by :func:`route_text` stands for, as far as reaching it goes."""
    if route is None:
        return None
    parts = urlsplit(route)
    return Domain(parts.hostname or "", parts.port or 0, https=parts.scheme == "https")


def route_text(domain: Domain) -> str:
    """A route as it is recorded: scheme, host and the container's port."""
    return f"{'https' if domain.https else 'http'}://{domain.host}:{domain.port}"
