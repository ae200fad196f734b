"""Dokploy's shapes, as far as Berth reads them.

Types are strict; fields that are not named here are dropped as they come in: the variables of
projects and environments, refresh tokens, passwords, keys (FACTS 9).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, SecretStr, TypeAdapter
from pydantic.alias_generators import to_camel


class Wire(BaseModel):
    """Base of all: strict, frozen, and silent about what was refused."""

    model_config = ConfigDict(
        strict=True,
        extra="ignore",
        frozen=True,
        alias_generator=to_camel,
        hide_input_in_errors=True,
    )


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _no_application(kind: str) -> str:
    if kind == "application":
        raise ValueError("an application lacks what every one has")
    return kind


Time = Annotated[datetime, AfterValidator(_aware)]
_SECRET = Field(default=None, repr=False)


class User(Wire):
    """``user.get``: whose key it is."""

    role: str
    organization_id: str


class WebServerSettings(Wire):
    """``settings.getWebServerSettings``."""

    enable_docker_cleanup: bool = True
    builds_concurrency: int = 1


class EnvironmentOfProject(Wire):
    """An environment in a listing of projects."""

    environment_id: str
    name: str
    is_default: bool = False


class ProjectRow(Wire):
    """``project.all``."""

    project_id: str
    name: str
    created_at: Time
    environments: tuple[EnvironmentOfProject, ...] = ()


class ProjectId(Wire):
    """A project just made."""

    project_id: str


class EnvironmentId(Wire):
    """An environment just made."""

    environment_id: str
    name: str


class ProjectCreated(Wire):
    """``project.create``: the project and its first environment."""

    project: ProjectId
    environment: EnvironmentId


class ApplicationService(Wire):
    """An application in ``overview.services``."""

    type: Literal["application"]
    id: str
    name: str
    app_name: str
    status: str
    environment_id: str
    created_at: Time
    last_deploy_at: Time | None = None


class OtherService(Wire):
    """A database or a compose in ``overview.services``: not looked at."""

    type: Annotated[str, AfterValidator(_no_application)]


class ProjectApplication(Wire):
    """An application in ``project.one``."""

    application_id: str
    name: str
    app_name: str
    application_status: str
    created_at: Time


class ProjectEnvironment(Wire):
    """An environment in ``project.one``."""

    environment_id: str
    applications: tuple[ProjectApplication, ...]


class Project(Wire):
    """``project.one``."""

    environments: tuple[ProjectEnvironment, ...]


class NodeApp(Wire):
    """``swarm.getNodeApps``: a line of ``docker service ls``."""

    name: str = Field(alias="Name")
    replicas: str = Field(alias="Replicas")
    image: str = Field(alias="Image", default="")


class Task(Wire):
    """``docker.getServiceContainersByAppName``: a line of ``docker service ps``."""

    container_id: str
    state: str
    current_state: str
    error: str | None = None


class TaskContainerSpec(Wire):
    """What a task's container is started with; the values are secret."""

    env: tuple[str, ...] | None = Field(alias="Env", default=None, repr=False)


class TaskSpec(Wire):
    """The part of a task that holds it."""

    container_spec: TaskContainerSpec = Field(alias="ContainerSpec")


class InspectedTask(Wire):
    """``docker.getConfig`` of a task: ``docker inspect``."""

    spec: TaskSpec = Field(alias="Spec")


class ContainerLine(Wire):
    """``docker.getContainersByAppNameMatch``: a line of ``docker ps -a``."""

    name: str
    state: str


class JobData(Wire):
    """What a job is about; a job of a compose has no application."""

    application_id: str | None = None
    title_log: str = ""


class QueuedJob(Wire):
    """``deployment.queueList``."""

    state: str
    data: JobData


class DeploymentRow(Wire):
    """``deployment.all``."""

    deployment_id: str
    title: str
    status: Literal["running", "done", "error", "cancelled"]
    created_at: Time


class DockerVolume(Wire):
    """``dockerVolume.getVolumes``."""

    name: str = Field(alias="Name")


class ContainerStats(Wire):
    """``swarm.getContainerStats``: a line of ``docker stats``."""

    name: str = Field(alias="Name")
    cpu: str = Field(alias="CPUPerc")
    memory: str = Field(alias="MemUsage")


class ApplicationCreated(Wire):
    """``application.create``: the names of the new application."""

    application_id: str
    app_name: str


class Mount(Wire):
    """A mount of an application."""

    mount_id: str
    type: str
    mount_path: str
    volume_name: str | None = None


class DomainRow(Wire):
    """A route of an application."""

    domain_id: str
    host: str
    https: bool
    port: int | None
    path: str | None
    certificate_type: str
    custom_cert_resolver: str | None = None


class ApplicationOne(Wire):
    """``application.one``: what it is called and what belongs to it."""

    application_id: str
    app_name: str
    mounts: tuple[Mount, ...]
    domains: tuple[DomainRow, ...]


class HealthCheck(Wire):
    """``healthCheckSwarm``; nanoseconds."""

    model_config = ConfigDict(extra="forbid")

    test: tuple[str, ...] = Field(alias="Test")
    interval: int = Field(alias="Interval")
    timeout: int = Field(alias="Timeout")
    start_period: int = Field(alias="StartPeriod")
    retries: int = Field(alias="Retries")


class RestartPolicy(Wire):
    """``restartPolicySwarm``; nanoseconds."""

    model_config = ConfigDict(extra="forbid")

    condition: str = Field(alias="Condition")
    delay: int = Field(alias="Delay")


class Written(Wire):
    """``application.one``: the fields that one of our updates writes."""

    name: str
    description: str | None = None
    source_type: Literal["docker", "git"]
    docker_image: str | None = None
    username: str | None = None
    password: SecretStr | None = _SECRET
    registry_url: str | None = None
    custom_git_url: str | None = None
    custom_git_branch: str | None = None
    custom_git_build_path: str | None = None
    build_type: str | None = None
    dockerfile: str | None = None
    docker_context_path: str | None = None
    docker_build_stage: str | None = None
    build_args: SecretStr | None = _SECRET
    build_secrets: SecretStr | None = _SECRET
    enable_submodules: bool = False
    env: SecretStr | None = _SECRET
    create_env_file: bool = False
    command: str | None = None
    args: tuple[str, ...] | None = None
    replicas: int
    cpu_limit: str | None
    cpu_reservation: str | None
    memory_limit: str | None
    memory_reservation: str | None
    health_check_swarm: HealthCheck
    restart_policy_swarm: RestartPolicy
    update_config_swarm: dict[str, JsonValue]
    stop_grace_period_swarm: int
    labels_swarm: dict[str, str]


version = TypeAdapter(str, config=ConfigDict(strict=True, hide_input_in_errors=True)).validate_json
text = version
services = TypeAdapter(
    tuple[Annotated[ApplicationService | OtherService, Field(union_mode="left_to_right")], ...]
).validate_json
projects = TypeAdapter(tuple[ProjectRow, ...]).validate_json
node_apps = TypeAdapter(tuple[NodeApp, ...]).validate_json
tasks = TypeAdapter(tuple[Task, ...]).validate_json
containers = TypeAdapter(tuple[ContainerLine, ...]).validate_json
jobs = TypeAdapter(tuple[QueuedJob, ...]).validate_json
deployments = TypeAdapter(tuple[DeploymentRow, ...]).validate_json
volumes = TypeAdapter(tuple[DockerVolume, ...]).validate_json
stats = TypeAdapter(tuple[ContainerStats, ...]).validate_json
