"""A session's configuration as one ``application.update``, and the same read back.

What is read counts as ours only if writing it again would change nothing: a value that somebody
set by hand in a field we write as a constant shows as a configuration none of our making.
"""

from __future__ import annotations

from pydantic import SecretStr, ValidationError

from dokploy.port import ApplicationConfig, DockerSource, GitSource, Health
from dokploy.wire import HealthCheck, Written

_STOP_FIRST = {
    "Parallelism": 1,
    # Never two containers on one volume.
    "Order": "stop-first",
    # Never a silent way back to the configuration before (FACTS 4).
    "FailureAction": "pause",
    "Monitor": 5_000_000_000,
    "MaxFailureRatio": 0,
    "Delay": 0,
}
_NO_DOCKER = {"dockerImage": None, "username": None, "password": None, "registryUrl": None}
_NO_GIT = {
    "customGitUrl": None,
    "customGitBranch": None,
    "customGitBuildPath": None,
    "buildArgs": None,
}


def body_of(config: ApplicationConfig) -> dict[str, object]:
    """The whole of an update, without the id.

    Limits are strings of bytes and nano-CPUs: Dokploy reads ``64m`` as 64 bytes (FACTS 4). What
    the other kind of source would hold is emptied, so that a change of source leaves nothing.
    ``command`` and ``args`` are emptied too: they decide what runs, and are the image's business.
    """
    health = config.health
    return {
        "name": config.name,
        "description": config.description,
        **_source_of(config.source),
        "buildSecrets": None,
        "env": config.env.get_secret_value(),
        "createEnvFile": False,
        "command": None,
        "args": None,
        "replicas": config.replicas,
        "cpuLimit": _digits(config.cpu_limit),
        "cpuReservation": _digits(config.cpu_reservation),
        "memoryLimit": _digits(config.memory_limit),
        "memoryReservation": _digits(config.memory_reservation),
        "healthCheckSwarm": {
            "Test": list(health.test),
            "Interval": health.interval,
            "Timeout": health.timeout,
            "StartPeriod": health.start_period,
            "Retries": health.retries,
        },
        "restartPolicySwarm": {"Condition": "any", "Delay": config.restart_delay},
        "updateConfigSwarm": dict(_STOP_FIRST),
        "stopGracePeriodSwarm": config.stop_grace,
        "labelsSwarm": dict(config.labels),
    }


def config_in(body: bytes) -> ApplicationConfig | None:
    """The configuration in an answer of ``application.one``; None where it is none of ours."""
    try:
        written = Written.model_validate_json(body)
        config = _config_of(written)
    except (ValidationError, ValueError):
        return None
    return config if _would_change_nothing(config, written) else None


def _source_of(source: DockerSource | GitSource) -> dict[str, object]:
    if isinstance(source, DockerSource):
        return {
            "sourceType": "docker",
            "dockerImage": source.image,
            "username": source.username,
            "password": source.password.get_secret_value() if source.password else None,
            "registryUrl": source.registry_url,
            **_NO_GIT,
        }
    return {
        "sourceType": "git",
        "customGitUrl": source.url,
        "customGitBranch": source.branch,
        "customGitBuildPath": source.build_path,
        "enableSubmodules": False,
        "buildType": "dockerfile",
        "dockerfile": source.dockerfile,
        "dockerContextPath": source.context,
        "dockerBuildStage": None,
        "buildArgs": source.build_args.get_secret_value(),
        **_NO_DOCKER,
    }


def _config_of(written: Written) -> ApplicationConfig:
    return ApplicationConfig(
        name=written.name,
        description=written.description or "",
        source=_source_in(written),
        env=written.env or SecretStr(""),
        replicas=written.replicas,
        health=_health_in(written.health_check_swarm),
        cpu_limit=_number(written.cpu_limit),
        cpu_reservation=_number(written.cpu_reservation),
        memory_limit=_number(written.memory_limit),
        memory_reservation=_number(written.memory_reservation),
        stop_grace=written.stop_grace_period_swarm,
        restart_delay=written.restart_policy_swarm.delay,
        labels=tuple(written.labels_swarm.items()),
    )


def _source_in(written: Written) -> DockerSource | GitSource:
    if written.source_type == "docker":
        return DockerSource(
            image=written.docker_image or "",
            username=written.username,
            password=written.password,
            registry_url=written.registry_url,
        )
    return GitSource(
        url=written.custom_git_url or "",
        branch=written.custom_git_branch or "",
        build_path=written.custom_git_build_path or "",
        dockerfile=written.dockerfile or "",
        context=written.docker_context_path or "",
        build_args=written.build_args or SecretStr(""),
    )


def _health_in(check: HealthCheck) -> Health:
    return Health(
        test=check.test,
        interval=check.interval,
        timeout=check.timeout,
        start_period=check.start_period,
        retries=check.retries,
    )


def _would_change_nothing(config: ApplicationConfig, written: Written) -> bool:
    """Compare only what the answer holds: an older Dokploy lacks some of the fields."""
    there = written.model_dump(by_alias=True, exclude_unset=True)
    return all(
        _plain(there[name]) == _plain(value) for name, value in body_of(config).items() if name in there
    )


def _plain(value: object) -> object:
    """A value as it compares: an empty text is as good as none."""
    match value:
        case SecretStr():
            return value.get_secret_value() or None
        case "":
            return None
        case tuple() | list():
            return [_plain(item) for item in value]
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case _:
            return value


def _digits(number: int | None) -> str | None:
    return None if number is None else str(number)


def _number(digits: str | None) -> int | None:
    return int(digits) if digits else None
