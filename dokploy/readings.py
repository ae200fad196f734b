"""Answers to readings made into the port's types; each raises ValueError for what it cannot read.

An answer is read whole or not at all: a row that is left out would look like an application that
is gone.
"""

from __future__ import annotations

from dokploy import wire, words
from dokploy.configuration import config_in
from dokploy.port import (
    ApplicationDetail,
    ApplicationRef,
    ApplicationRow,
    ContainerRow,
    Deployment,
    Domain,
    Job,
    ServiceRow,
    TaskRow,
    VolumeMount,
)

_DEFAULT_PORT = 3000
"""What Dokploy takes for a route without a port (FACTS-2 3)."""
_FINISHED = frozenset({"completed", "failed"})
"""States of jobs that an older Dokploy, whose queue was kept, still lists."""


def applications(body: bytes) -> tuple[ApplicationRow, ...]:
    """``overview.services``: the applications among the services."""
    return tuple(
        ApplicationRow(
            ref=ApplicationRef(row.id, row.app_name),
            name=row.name,
            status=row.status,
            environment_id=row.environment_id,
            created_at=row.created_at,
            last_deploy_at=row.last_deploy_at,
        )
        for row in wire.services(body)
        if isinstance(row, wire.ApplicationService)
    )


def applications_of_project(body: bytes) -> tuple[ApplicationRow, ...]:
    """``project.one``: the same for one project; it does not tell the last deploy."""
    return tuple(
        ApplicationRow(
            ref=ApplicationRef(row.application_id, row.app_name),
            name=row.name,
            status=row.application_status,
            environment_id=environment.environment_id,
            created_at=row.created_at,
            last_deploy_at=None,
        )
        for environment in wire.Project.model_validate_json(body).environments
        for row in environment.applications
    )


def services(body: bytes) -> tuple[ServiceRow, ...]:
    """``swarm.getNodeApps``."""
    rows = ((row, words.replicas_of(row.replicas)) for row in wire.node_apps(body))
    return tuple(ServiceRow(row.name, running, wanted, row.image) for row, (running, wanted) in rows)


def detail(body: bytes) -> ApplicationDetail:
    """``application.one``."""
    row = wire.ApplicationOne.model_validate_json(body)
    return ApplicationDetail(
        ref=ApplicationRef(row.application_id, row.app_name),
        config=config_in(body),
        mounts=tuple(
            VolumeMount(
                mount.volume_name or "" if mount.type == "volume" else "", mount.mount_path, mount.mount_id
            )
            for mount in row.mounts
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


def tasks(body: bytes) -> tuple[TaskRow, ...]:
    """``docker.getServiceContainersByAppName``."""
    return tuple(
        TaskRow(
            task_id=row.container_id,
            wanted=row.state,
            state=words.state_of(row.current_state),
            age=words.age_of(row.current_state),
            error=words.error_of_task(row.error),
        )
        for row in wire.tasks(body)
    )


def variable_of_task(body: bytes, *, name: str) -> str | None:
    """``docker.getConfig`` of a task: one of its variables; Docker does not know it if there is no body."""
    if body.strip() in {b"", b"null"}:
        return None
    variables = wire.InspectedTask.model_validate_json(body).spec.container_spec.env or ()
    values = [value for variable, _, value in (text.partition("=") for text in variables) if variable == name]
    return values[-1] if values else ""


def containers(body: bytes) -> tuple[ContainerRow, ...]:
    """``docker.getContainersByAppNameMatch``."""
    return tuple(ContainerRow(row.name, row.state) for row in wire.containers(body))


def jobs(body: bytes) -> tuple[Job, ...]:
    """``deployment.queueList``, without what is finished and what is no application's."""
    return tuple(
        Job(row.data.application_id, "active" if row.state == "active" else "waiting", row.data.title_log)
        for row in wire.jobs(body)
        if row.data.application_id is not None and row.state not in _FINISHED
    )


def deployments(body: bytes) -> tuple[Deployment, ...]:
    """``deployment.all``, the newest first."""
    found = [
        Deployment(row.deployment_id, row.title, row.status, row.created_at) for row in wire.deployments(body)
    ]
    return tuple(sorted(found, key=lambda row: row.created_at, reverse=True))


def volumes(body: bytes) -> tuple[str, ...]:
    """``dockerVolume.getVolumes``: the names."""
    return tuple(row.name for row in wire.volumes(body))


def usage(body: bytes) -> dict[str, tuple[float, int]]:
    """``swarm.getContainerStats``, without the containers that have just gone."""
    rows = ((row.name, words.cpus_of(row.cpu), words.bytes_of(row.memory)) for row in wire.stats(body))
    return {name: (cpus, memory) for name, cpus, memory in rows if cpus is not None and memory is not None}
