"""From an application's row to the service Dokploy asks Swarm for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dokploy.local.environment import expanded
from dokploy.local.service_spec import SECOND, Health, OnFailure, Order, Restart, ServiceSpec, Update

DEFAULT_PORT: Final = 3000
_DIGITS = re.compile(r"\s*([+-]?\d+)")


def built_image(app_name: str) -> str:
    """What a build is tagged, and what a service without an image runs (FACTS 4, FACTS-2 1)."""
    return f"{app_name}:latest"


def image_of(application: Mapping[str, Any]) -> str:
    """The image a service of this application runs."""
    if application["sourceType"] == "docker" and application["dockerImage"]:
        return str(application["dockerImage"])
    return built_image(application["appName"])


def specification(
    application: Mapping[str, Any],
    *,
    mounts: Sequence[Mapping[str, Any]],
    domains: Sequence[Mapping[str, Any]],
    environment: str,
    project: str,
    parsed: bool,
) -> ServiceSpec:
    """The service of an application.

    ``environment`` and ``project`` are the variables of the levels above; ``parsed`` is the
    behaviour ENVIRONMENT_IS_PARSED.

    Raises:
        dokploy.local.environment.BadEnvironment: a reference or a template that does not resolve.
    """
    name = application["appName"]
    env = expanded(
        application["env"] or "", environment=environment, project=project, service=name, parsed=parsed
    )
    return ServiceSpec(
        name=name,
        image=image_of(application),
        env=env,
        mounts=_volumes(mounts),
        mount_points=tuple(mount["mountPath"] for mount in mounts),
        port=_port(env, domains),
        replicas=int(application["replicas"]),
        health=_health(application["healthCheckSwarm"]),
        restart=_restart(application["restartPolicySwarm"] or {}),
        update=_update(application["updateConfigSwarm"]),
        stop_grace=_seconds(application["stopGracePeriodSwarm"], 10.0),
        memory_bytes=_integer(application["memoryLimit"]),
        nano_cpus=_integer(application["cpuLimit"]),
        reserved_memory_bytes=_integer(application["memoryReservation"]),
        reserved_nano_cpus=_integer(application["cpuReservation"]),
        labels={str(key): str(value) for key, value in (application["labelsSwarm"] or {}).items()},
    )


def _volumes(mounts: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    """The named volumes; binds and files are rows and nothing more here."""
    return tuple(
        (mount["volumeName"], mount["mountPath"])
        for mount in mounts
        if mount["type"] == "volume" and mount["volumeName"]
    )


def _port(env: Mapping[str, str], domains: Sequence[Mapping[str, Any]]) -> int:
    given = env.get("PORT", "")
    if given.isdecimal() and 0 < int(given) < 65536:  # noqa: PLR2004 - TCP's ports
        return int(given)
    return int(domains[0]["port"] or DEFAULT_PORT) if domains else DEFAULT_PORT


def _integer(text: str | None) -> int | None:
    """JavaScript's ``parseInt``: ``64m`` is 64 (FACTS 4). Zero means no limit, as in Docker."""
    match = _DIGITS.match(text or "")
    return (int(match[1]) or None) if match else None


def _seconds(nanoseconds: float | None, default: float) -> float:
    """Zero and null mean Docker's default."""
    return nanoseconds / SECOND if nanoseconds else default


def _health(given: Mapping[str, Any] | None) -> Health | None:
    if not given or not given.get("Test") or given["Test"][0] == "NONE":
        return None
    return Health(
        test=tuple(given["Test"]),
        interval=_seconds(given.get("Interval"), 30.0),
        timeout=_seconds(given.get("Timeout"), 30.0),
        start_period=_seconds(given.get("StartPeriod"), 0.0),
        retries=int(given.get("Retries") or 3),
    )


def _restart(given: Mapping[str, Any]) -> Restart:
    delay = given.get("Delay")
    return Restart(
        condition=given.get("Condition") or "any",
        delay=5.0 if delay is None else delay / SECOND,
        attempts=int(given.get("MaxAttempts") or 0),
    )


def _update(given: Mapping[str, Any] | None) -> Update:
    """Dokploy's own default is start-first with rollback; Swarm's, for what is left out, is pause."""
    if given is None:
        return Update()
    action = given.get("FailureAction") or OnFailure.PAUSE
    return Update(
        order=Order.START_FIRST if given["Order"] == Order.START_FIRST else Order.STOP_FIRST,
        on_failure=OnFailure(action) if action in set(OnFailure) else OnFailure.PAUSE,
        monitor=_seconds(given.get("Monitor"), 5.0),
    )
