"""How a target's Dokploy is reached: the one place where a target's record becomes a client."""

from __future__ import annotations

from pydantic import SecretStr

from crds.target import Target
from dokploy.port import Dokploy


def connect(target: Target, key: SecretStr) -> Dokploy:
    """A client of a target, within the target's limits; raises ValueError for a URL that cannot be one."""
    # Loaded with the first client: many an API reads no log, and saves the memory.
    from dokploy.client import CallLimits, HttpDokploy  # noqa: PLC0415

    limits = target.spec.limits
    return HttpDokploy(
        target.spec.url,
        key,
        limits=CallLimits(in_flight=limits.calls_in_flight, per_second=limits.calls_per_second),
    )
