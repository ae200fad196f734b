"""``application.save*``: the forms of Dokploy's page. One ``application.update`` does all they do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from dokploy.local.checks import Boolean, Fields, ListOf, Text
from dokploy.local.keys import Caller
from dokploy.local.procedures.shared import application_of
from dokploy.local.registry import mutation
from dokploy.local.shapes import BUILDS, NAMED, optional, required, stated

if TYPE_CHECKING:
    from dokploy.local.dokploy import LocalDokploy

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


def _write(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any], more: Mapping[str, Any]) -> bool:
    row = application_of(dokploy, caller, given.pop("applicationId"))
    dokploy.database.set_application(row["applicationId"], {**given, **more})
    return True


@mutation("application.saveEnvironment", _ENVIRONMENT)
def save_environment(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> bool:
    """Variables; nothing that runs changes (FACTS 4)."""
    return _write(dokploy, caller, given, {})


@mutation("application.saveDockerProvider", _DOCKER)
def save_docker_provider(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> bool:
    """A prebuilt image; the status becomes ``idle`` even while it runs (FACTS 7.10)."""
    return _write(dokploy, caller, given, {"sourceType": "docker", "applicationStatus": "idle"})


@mutation("application.saveGitProvider", _GIT)
def save_git_provider(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> bool:
    """A repository to build from."""
    return _write(dokploy, caller, given, {"sourceType": "git", "applicationStatus": "idle"})


@mutation("application.saveBuildType", _BUILD)
def save_build_type(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> bool:
    """How to build."""
    return _write(dokploy, caller, given, {})
