"""``application.save*``: the forms of Dokploy's page. One ``application.update`` does all they do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dokploy.local.checks import Boolean, Fields, ListOf, Text
from dokploy.local.registry import Call, mutation
from dokploy.local.shapes import BUILDS, NAMED, optional, required, stated

_ENVIRONMENT: Final[Fields] = {
    "applicationId": required(Text()),
    "env": stated(Text()),
    "buildArgs": stated(Text()),
    "buildSecrets": stated(Text()),
    "createEnvFile": stated(Boolean(), nullable=False),
}
_DOCKER: Final[Fields] = {
    "applicationId": required(Text()),
    "dockerImage": stated(Text()),
    "username": stated(Text()),
    "password": stated(Text()),
    "registryUrl": stated(Text()),
}
_GIT: Final[Fields] = {
    "applicationId": required(Text()),
    "customGitBuildPath": stated(Text()),
    "customGitUrl": stated(Text()),
    "watchPaths": stated(ListOf(Text())),
    "enableSubmodules": optional(Boolean(), nullable=False),
    "customGitBranch": required(NAMED),
    "customGitSSHKeyId": optional(Text()),
}
_BUILD: Final[Fields] = {
    "applicationId": required(Text()),
    "buildType": required(BUILDS),
    "dockerfile": stated(Text()),
    "dockerContextPath": stated(Text()),
    "dockerBuildStage": stated(Text()),
    "herokuVersion": stated(Text()),
    "railpackVersion": stated(Text()),
    "publishDirectory": optional(Text()),
    "isStaticSpa": optional(Boolean()),
}


def _write(call: Call, more: Mapping[str, Any]) -> bool:
    row = call.application()
    call.database.set_application(row["applicationId"], {**call.given, **more})
    return True


@mutation("application.saveEnvironment", _ENVIRONMENT)
def save_environment(call: Call) -> bool:
    """Variables; nothing that runs changes (FACTS 4)."""
    return _write(call, {})


@mutation("application.saveDockerProvider", _DOCKER)
def save_docker_provider(call: Call) -> bool:
    """A prebuilt image; the status becomes ``idle`` even while it runs (FACTS 7.10)."""
    return _write(call, {"sourceType": "docker", "applicationStatus": "idle"})


@mutation("application.saveGitProvider", _GIT)
def save_git_provider(call: Call) -> bool:
    """A repository to build from."""
    return _write(call, {"sourceType": "git", "applicationStatus": "idle"})


@mutation("application.saveBuildType", _BUILD)
def save_build_type(call: Call) -> bool:
    """How to build."""
    return _write(call, {})
