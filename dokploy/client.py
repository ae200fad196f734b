"""The client: the port :class:`dokploy.port.Dokploy` over HTTP, one method per call."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from functools import partial

import httpx
from pydantic import SecretStr

from dokploy import place, procedures, readings, wire
from dokploy.answers import Shape, accepted, acknowledged, remembering
from dokploy.calls import Calls, Unshown
from dokploy.configuration import body_of
from dokploy.errors import NotFound, Unsupported
from dokploy.keys import KeyHistory
from dokploy.limiter import CallLimits, Clock, Limiter, Sleep
from dokploy.port import (
    ApplicationConfig,
    ApplicationDetail,
    ApplicationRef,
    ApplicationRow,
    ContainerRow,
    Deployment,
    Domain,
    Installation,
    Job,
    Place,
    ServiceRow,
    TaskRow,
    VolumeMount,
)
from dokploy.retry import Repeater
from dokploy.sender import HttpSender, Sender
from dokploy.translation import NeverRan
from dokploy.version import HAS_OVERVIEW, Version, parse_version, told

__all__ = ["CallLimits", "HttpDokploy"]

_ROLES = frozenset({"owner", "admin"})
_MOST_LINES = 10_000
"""Dokploy refuses to read more lines of a log in one call (FACTS 4)."""


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


class HttpDokploy:
    """A Dokploy behind its HTTP API.

    ``sender``, ``transport``, ``clock``, ``sleep`` and ``jitter`` (a draw from [0, 1)) are there for
    tests.
    Raises ValueError for a URL that cannot be one.
    """

    def __init__(
        self,
        url: str,
        key: SecretStr,
        *,
        sender: Sender | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        limits: CallLimits | None = None,
        clock: Clock = _loop_time,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        limits = limits or CallLimits()
        self._calls = Calls(
            sender or HttpSender(url, key, in_flight=limits.in_flight, transport=transport),
            limiter=Limiter(limits, clock=clock, sleep=sleep),
            repeater=Repeater(sleep=sleep, jitter=jitter),
            history=KeyHistory(clock),
        )
        self._version: Version | None = None
        self._place: Place | None = None
        self._read_applications = remembering(readings.applications)
        self._read_services = remembering(readings.services)

    async def connect(self) -> Installation:
        """Read version, role and settings; raise Unsupported for what we refuse.

        A member's key is refused: its listings are empty and answered with 200, as if everything
        were gone (FACTS 14).
        """
        version = parse_version(await self._calls.call(procedures.VERSION, {}, wire.text))
        user = await self._calls.call(procedures.USER, {}, wire.User.model_validate_json)
        if user.role not in _ROLES:
            raise Unsupported(
                procedures.USER.name,
                "the API key belongs to a member, to whom Dokploy shows empty listings; "
                "use the key of an owner or an admin",
            )
        settings = await self._settings()
        self._version = version
        return Installation(
            version=told(version),
            role=user.role,
            organization_id=user.organization_id,
            image_cleanup=settings.enable_docker_cleanup,
            builds_concurrency=settings.builds_concurrency,
        )

    async def _settings(self) -> wire.WebServerSettings:
        try:
            return await self._calls.call(procedures.SETTINGS, {}, wire.WebServerSettings.model_validate_json)
        except Unsupported:
            # An older Dokploy keeps them elsewhere; its defaults are those of a new one.
            return wire.WebServerSettings()

    async def ensure_place(self, project: str, environment: str | None) -> Place:
        """Find the project and the environment by name, or make them."""
        self._place = await place.ensure_place(self._calls, project, environment)
        return self._place

    async def list_applications(self) -> tuple[ApplicationRow, ...]:
        """Every application of the organisation, in one call (FACTS 3).

        Before v0.30.0 only those of our project: Dokploy had no such listing.
        """
        if self._version is None or self._version >= HAS_OVERVIEW:
            return await self._calls.call(procedures.SERVICES, {}, self._read_applications)
        if self._place is None:
            message = "this Dokploy lists by project, and none has been chosen yet"
            raise Unsupported(procedures.PROJECT.name, message)
        values = {"projectId": self._place.project_id}
        return await self._calls.call(procedures.PROJECT, values, readings.applications_of_project)

    async def list_services(self) -> tuple[ServiceRow, ...]:
        """Every service, orphans included; an empty answer may mean a dead engine (FACTS 14)."""
        return await self._calls.call(procedures.NODE_APPS, {}, self._read_services)

    async def read_application(self, application_id: str) -> ApplicationDetail:
        """One application whole."""
        values = {"applicationId": application_id}
        return await self._calls.call(procedures.APPLICATION, values, readings.detail)

    async def read_tasks(self, app_name: str) -> tuple[TaskRow, ...]:
        """The task history of one service."""
        return await self._calls.call(procedures.TASKS, {"appName": app_name}, readings.tasks)

    async def read_task_variable(self, task_id: str, name: str) -> str | None:
        """What one task has for this variable, "" if it has none; None for a task that is not known."""
        return await self._calls.call(
            procedures.TASK, {"containerId": task_id}, partial(readings.variable_of_task, name=name)
        )

    async def list_containers(self, part: str) -> tuple[ContainerRow, ...]:
        """Every container with this in its name, ended ones and those of others too (FACTS 4).

        An empty answer may mean a dead engine (FACTS-2 2).
        """
        return await self._calls.call(procedures.CONTAINERS, {"appName": part}, readings.containers)

    async def list_jobs(self) -> tuple[Job, ...]:
        """The queue of builds."""
        return await self._calls.call(procedures.QUEUE, {}, readings.jobs)

    async def list_deployments(self, application_id: str) -> tuple[Deployment, ...]:
        """The build history of one application, the newest first."""
        values = {"applicationId": application_id}
        return await self._calls.call(procedures.DEPLOYMENTS, values, readings.deployments)

    async def read_build_log(self, deployment_id: str, *, tail: int) -> str:
        """The end of a build's log; at most 10,000 lines."""
        values = {"deploymentId": deployment_id, "tail": _lines(tail)}
        return await self._calls.call(procedures.BUILD_LOG, values, wire.text)

    async def read_logs(self, application_id: str, *, tail: int, since: str | None) -> str:
        """The end of the newest container's output; '' when it is stopped or never ran.

        At most 10,000 lines.
        """
        values = {"applicationId": application_id, "tail": _lines(tail), "since": since or "all"}
        try:
            return await self._calls.call(procedures.LOGS, values, wire.text)
        except NeverRan:
            return ""

    async def create_application(
        self, *, name: str, app_name: str, environment_id: str, description: str, server_id: str | None
    ) -> ApplicationRef:
        """Create; not idempotent: after Ambiguous or Failed, list before trying again."""
        values = {
            "name": name,
            "appName": app_name,
            "environmentId": environment_id,
            "description": description,
        }
        if server_id is not None:
            values["serverId"] = server_id
        made = await self._calls.call(procedures.CREATE, values, wire.ApplicationCreated.model_validate_json)
        return ApplicationRef(made.application_id, made.app_name)

    async def update_application(self, application_id: str, config: ApplicationConfig) -> None:
        """Write the whole configuration in one call; changes nothing that runs."""
        values = Unshown({"applicationId": application_id, **body_of(config)})
        await self._calls.call(procedures.UPDATE, values, acknowledged)

    async def attach_volume(self, application_id: str, mount: VolumeMount) -> None:
        """Attach a named volume; not idempotent."""
        values = {
            "type": "volume",
            "volumeName": mount.volume,
            "mountPath": mount.path,
            "serviceType": "application",
            "serviceId": application_id,
        }
        await self._calls.call(procedures.CREATE_MOUNT, values, acknowledged)

    async def detach_volume(self, mount_id: str) -> None:
        """Remove a mount from an application; one that is gone is success. Its volume stays."""
        await self._remove(procedures.REMOVE_MOUNT, {"mountId": mount_id}, acknowledged)

    async def create_domain(self, application_id: str, domain: Domain) -> None:
        """Add a route, effective at once; not idempotent."""
        values = {
            "applicationId": application_id,
            "domainType": "application",
            "host": domain.host,
            "path": domain.path,
            "port": domain.port,
            "https": domain.https,
            "certificateType": domain.certificate,
        }
        if domain.resolver is not None:
            values["customCertResolver"] = domain.resolver
        await self._calls.call(procedures.CREATE_DOMAIN, values, acknowledged)

    async def delete_domain(self, domain_id: str) -> None:
        """Remove a route; one that is gone is success."""
        await self._remove(procedures.DELETE_DOMAIN, {"domainId": domain_id}, acknowledged)

    async def reload_application(self, ref: ApplicationRef) -> None:
        """Apply the configuration: create or update the service, and roll a new task."""
        values = {"applicationId": ref.application_id, "appName": ref.app_name}
        await self._calls.call(procedures.RELOAD, values, acknowledged)

    async def deploy_application(self, application_id: str, *, title: str) -> None:
        """Enqueue a build."""
        values = {"applicationId": application_id, "title": title}
        await self._calls.call(procedures.DEPLOY, values, accepted)

    async def delete_application(self, application_id: str) -> None:
        """Delete; one that is gone is success. Volumes stay."""
        await self._remove(procedures.DELETE, {"applicationId": application_id}, acknowledged)

    async def remove_volume(self, volume: str) -> None:
        """Remove a volume; one that is gone is success; raises VolumeInUse."""
        await self._remove(procedures.REMOVE_VOLUME, {"volumeName": volume}, accepted)

    async def _remove(
        self, procedure: procedures.Procedure, values: dict[str, str], shape: Shape[None]
    ) -> None:
        try:
            await self._calls.call(procedure, values, shape)
        except NotFound:
            return

    async def list_volumes(self) -> tuple[str, ...]:
        """The names of all volumes."""
        return await self._calls.call(procedures.VOLUMES, {}, readings.volumes)

    async def usage(self) -> dict[str, tuple[float, int]]:
        """CPU (in CPUs) and memory (in bytes) by container name; slow (FACTS 3)."""
        return await self._calls.call(procedures.STATS, {}, readings.usage)

    async def aclose(self) -> None:
        """Close connections."""
        await self._calls.aclose()


def _lines(tail: int) -> int:
    return max(1, min(tail, _MOST_LINES))
