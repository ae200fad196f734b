"""The client: the port :class:`dokploy.port.Dokploy` over HTTP, one method per call."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import httpx
from pydantic import SecretStr

from dokploy import place, procedures, wire, words
from dokploy.answers import accepted, acknowledged
from dokploy.calls import Calls, open_http
from dokploy.configuration import body_of, config_in
from dokploy.errors import NotFound, Unsupported
from dokploy.keys import KeyHeader, KeyHistory
from dokploy.limiter import CallLimits, Clock, Limiter, Sleep
from dokploy.port import (
    ApplicationConfig,
    ApplicationDetail,
    ApplicationRef,
    ApplicationRow,
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
from dokploy.translation import NeverRan
from dokploy.version import HAS_OVERVIEW, Version, parse_version, told

__all__ = ["CallLimits", "HttpDokploy"]

_ROLES = frozenset({"owner", "admin"})
_MOST_LINES = 10_000
"""Dokploy refuses to read more lines of a log in one call (FACTS 4)."""
_DEFAULT_PORT = 3000
"""What Dokploy takes for a route without a port (FACTS-2 3)."""


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


class HttpDokploy:
    """A Dokploy behind its HTTP API.

    ``transport``, ``clock``, ``sleep`` and ``jitter`` (a draw from [0, 1)) are there for tests.
    Raises ValueError for a URL that cannot be one.
    """

    def __init__(
        self,
        url: str,
        key: SecretStr,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        limits: CallLimits | None = None,
        clock: Clock = _loop_time,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        limits = limits or CallLimits()
        header = KeyHeader(key)
        self._calls = Calls(
            open_http(url, header, in_flight=limits.in_flight, transport=transport),
            header,
            limiter=Limiter(limits, clock=clock, sleep=sleep),
            repeater=Repeater(sleep=sleep, jitter=jitter),
            history=KeyHistory(clock),
        )
        self._version: Version | None = None
        self._place: Place | None = None

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
        if self._version is not None and self._version < HAS_OVERVIEW:
            return await self._list_project()
        rows = await self._calls.call(procedures.SERVICES, {}, wire.services)
        return tuple(
            ApplicationRow(
                ref=ApplicationRef(row.id, row.app_name),
                name=row.name,
                status=row.status,
                environment_id=row.environment_id,
                created_at=row.created_at,
                last_deploy_at=row.last_deploy_at,
            )
            for row in rows
            if isinstance(row, wire.ApplicationService)
        )

    async def _list_project(self) -> tuple[ApplicationRow, ...]:
        if self._place is None:
            raise Unsupported(
                procedures.PROJECT.name, "this Dokploy lists by project, and none is chosen yet"
            )
        project = await self._calls.call(
            procedures.PROJECT,
            {"projectId": self._place.project_id},
            wire.Project.model_validate_json,
        )
        return tuple(
            ApplicationRow(
                ref=ApplicationRef(row.application_id, row.app_name),
                name=row.name,
                status=row.application_status,
                environment_id=environment.environment_id,
                created_at=row.created_at,
                last_deploy_at=None,
            )
            for environment in project.environments
            for row in environment.applications
        )

    async def list_services(self) -> tuple[ServiceRow, ...]:
        """Every service, orphans included; an empty answer may mean a dead engine (FACTS 14)."""
        return await self._calls.call(procedures.NODE_APPS, {}, _services_in)

    async def read_application(self, application_id: str) -> ApplicationDetail:
        """One application whole."""
        return await self._calls.call(procedures.APPLICATION, {"applicationId": application_id}, _detail_in)

    async def read_tasks(self, app_name: str) -> tuple[TaskRow, ...]:
        """The task history of one service."""
        rows = await self._calls.call(procedures.TASKS, {"appName": app_name}, wire.tasks)
        return tuple(
            TaskRow(
                task_id=row.container_id,
                wanted=row.state,
                state=words.state_of(row.current_state),
                age=words.age_of(row.current_state),
                error=words.error_of_task(row.error),
            )
            for row in rows
        )

    async def list_jobs(self) -> tuple[Job, ...]:
        """The queue of builds; what is finished and what is no application's is left out."""
        rows = await self._calls.call(procedures.QUEUE, {}, wire.jobs)
        return tuple(
            Job(row.data.application_id, "active" if row.state == "active" else "waiting", row.data.title_log)
            for row in rows
            if row.data.application_id is not None and row.state not in _FINISHED
        )

    async def list_deployments(self, application_id: str) -> tuple[Deployment, ...]:
        """The build history of one application, the newest first."""
        rows = await self._calls.call(
            procedures.DEPLOYMENTS, {"applicationId": application_id}, wire.deployments
        )
        found = [Deployment(row.deployment_id, row.title, row.status, row.created_at) for row in rows]
        return tuple(sorted(found, key=lambda row: row.created_at, reverse=True))

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
        values = {"applicationId": application_id, **body_of(config)}
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
        await self._remove(procedures.DELETE_DOMAIN, {"domainId": domain_id})

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
        await self._remove(procedures.DELETE, {"applicationId": application_id})

    async def remove_volume(self, volume: str) -> None:
        """Remove a volume; one that is gone is success; raises VolumeInUse."""
        await self._remove(procedures.REMOVE_VOLUME, {"volumeName": volume})

    async def _remove(self, procedure: procedures.Procedure, values: dict[str, str]) -> None:
        shape = accepted if procedure is procedures.REMOVE_VOLUME else acknowledged
        try:
            await self._calls.call(procedure, values, shape)
        except NotFound:
            return

    async def list_volumes(self) -> tuple[str, ...]:
        """The names of all volumes."""
        rows = await self._calls.call(procedures.VOLUMES, {}, wire.volumes)
        return tuple(row.name for row in rows)

    async def usage(self) -> dict[str, tuple[float, int]]:
        """CPU (in CPUs) and memory (in bytes) by container name; slow (FACTS 3)."""
        rows = await self._calls.call(procedures.STATS, {}, wire.stats)
        found = ((row.name, words.cpus_of(row.cpu), words.bytes_of(row.memory)) for row in rows)
        return {
            name: (cpus, memory) for name, cpus, memory in found if cpus is not None and memory is not None
        }

    async def aclose(self) -> None:
        """Close connections."""
        await self._calls.aclose()


_FINISHED = frozenset({"completed", "failed"})
"""States of jobs that an older Dokploy, whose queue was kept, still lists."""


def _lines(tail: int) -> int:
    return max(1, min(tail, _MOST_LINES))


def _services_in(body: bytes) -> tuple[ServiceRow, ...]:
    rows = ((row, words.replicas_of(row.replicas)) for row in wire.node_apps(body))
    return tuple(ServiceRow(row.name, running, wanted, row.image) for row, (running, wanted) in rows)


def _detail_in(body: bytes) -> ApplicationDetail:
    row = wire.ApplicationOne.model_validate_json(body)
    return ApplicationDetail(
        ref=ApplicationRef(row.application_id, row.app_name),
        config=config_in(body),
        mounts=tuple(
            VolumeMount(mount.volume_name, mount.mount_path)
            for mount in row.mounts
            if mount.type == "volume" and mount.volume_name is not None
        ),
        domains=tuple(
            Domain(
                host=domain.host,
                port=domain.port or _DEFAULT_PORT,
                https=domain.https,
                certificate=domain.certificate_type,
                resolver=domain.custom_cert_resolver,
                path=domain.path or "/",
                domain_id=domain.domain_id,
            )
            for domain in row.domains
        ),
    )
