"""What an application is made of, and what each call takes: from Dokploy's own description."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from dokploy.local.checks import (
    Anything,
    Boolean,
    Field,
    Fields,
    Kind,
    ListOf,
    Number,
    OneOf,
    Presence,
    Strict,
    Text,
)

APP_NAME: Final = Text(
    least=1,
    most=63,
    pattern=re.compile(r"^[a-zA-Z0-9._-]+$"),
    mismatch="App name can only contain letters, numbers, dots, underscores and hyphens",
)
NAMED: Final = Text(least=1)


def required(kind: Kind, *, nullable: bool = False) -> Field:
    """A field that must be there."""
    return Field(kind, Presence.REQUIRED, nullable)


def stated(kind: Kind, *, nullable: bool = True) -> Field:
    """A field that must be there, though null will do: ``expected nonoptional``."""
    return Field(kind, Presence.NONOPTIONAL, nullable)


def optional(kind: Kind, *, nullable: bool = True) -> Field:
    """A field that may be left out."""
    return Field(kind, Presence.OPTIONAL, nullable)


_UPDATE = Strict(
    {
        "Parallelism": Number(),
        "Delay": Number(),
        "FailureAction": Text(),
        "Monitor": Number(),
        "MaxFailureRatio": Number(),
        "Order": Text(),
    },
    required=("Parallelism", "Order"),
)
_HEALTH = Strict(
    {
        "Test": ListOf(Text()),
        "Interval": Number(),
        "Timeout": Number(),
        "StartPeriod": Number(),
        "Retries": Number(),
    }
)
_RESTART = Strict({"Condition": Text(), "Delay": Number(), "MaxAttempts": Number(), "Window": Number()})

_CERTIFICATES: Final = OneOf(("letsencrypt", "none", "custom"))
SOURCES: Final = OneOf(("github", "docker", "git", "gitlab", "bitbucket", "gitea", "drop"))
BUILDS: Final = OneOf(
    ("dockerfile", "heroku_buildpacks", "paketo_buildpacks", "nixpacks", "static", "railpack")
)
STATUSES: Final = OneOf(("idle", "running", "done", "error"))

_APPLICATION: Final[Mapping[str, tuple[Kind, Any]]] = {
    "name": (NAMED, None),
    "appName": (APP_NAME, None),
    "description": (Text(), None),
    "env": (Text(), None),
    "previewEnv": (Text(), None),
    "watchPaths": (ListOf(Text()), None),
    "previewBuildArgs": (Text(), None),
    "previewBuildSecrets": (Text(), None),
    "previewLabels": (ListOf(Text()), None),
    "previewWildcard": (Text(), None),
    "previewPort": (Number(), 3000),
    "previewHttps": (Boolean(), False),
    "previewPath": (Text(), "/"),
    "previewCertificateType": (_CERTIFICATES, "none"),
    "previewCustomCertResolver": (Text(), None),
    "previewLimit": (Number(), 3),
    "isPreviewDeploymentsActive": (Boolean(), False),
    "previewRequireCollaboratorPermissions": (Boolean(), True),
    "rollbackActive": (Boolean(), False),
    "buildArgs": (Text(), None),
    "buildSecrets": (Text(), None),
    "memoryReservation": (Text(), None),
    "memoryLimit": (Text(), None),
    "cpuReservation": (Text(), None),
    "cpuLimit": (Text(), None),
    "title": (Text(), None),
    "enabled": (Boolean(), None),
    "subtitle": (Text(), None),
    "command": (Text(), None),
    "args": (ListOf(Text()), None),
    "icon": (Text(most=2097152), None),
    "refreshToken": (Text(), None),
    "sourceType": (SOURCES, "github"),
    "cleanCache": (Boolean(), False),
    "repository": (Text(), None),
    "owner": (Text(), None),
    "branch": (Text(), None),
    "buildPath": (Text(), "/"),
    "triggerType": (OneOf(("push", "tag")), "push"),
    "autoDeploy": (Boolean(), True),
    "gitlabProjectId": (Number(), None),
    "gitlabRepository": (Text(), None),
    "gitlabOwner": (Text(), None),
    "gitlabBranch": (Text(), None),
    "gitlabBuildPath": (Text(), "/"),
    "gitlabPathNamespace": (Text(), None),
    "giteaRepository": (Text(), None),
    "giteaOwner": (Text(), None),
    "giteaBranch": (Text(), None),
    "giteaBuildPath": (Text(), "/"),
    "bitbucketRepository": (Text(), None),
    "bitbucketRepositorySlug": (Text(), None),
    "bitbucketOwner": (Text(), None),
    "bitbucketBranch": (Text(), None),
    "bitbucketBuildPath": (Text(), "/"),
    "username": (Text(), None),
    "password": (Text(), None),
    "dockerImage": (Text(), None),
    "registryUrl": (Text(), None),
    "customGitUrl": (Text(), None),
    "customGitBranch": (Text(), None),
    "customGitBuildPath": (Text(), None),
    "customGitSSHKeyId": (Text(), None),
    "enableSubmodules": (Boolean(), False),
    "dockerfile": (Text(), "Dockerfile"),
    "dockerContextPath": (Text(), None),
    "dockerBuildStage": (Text(), None),
    "dropBuildPath": (Text(), None),
    "healthCheckSwarm": (_HEALTH, None),
    "restartPolicySwarm": (_RESTART, None),
    "placementSwarm": (Anything(), None),
    "updateConfigSwarm": (_UPDATE, None),
    "rollbackConfigSwarm": (_UPDATE, None),
    "modeSwarm": (Anything(), None),
    "labelsSwarm": (Anything(), None),
    "networkSwarm": (Anything(), None),
    "stopGracePeriodSwarm": (Number(), None),
    "endpointSpecSwarm": (Anything(), None),
    "ulimitsSwarm": (Anything(), None),
    "replicas": (Number(lenient=True), 1),
    "applicationStatus": (STATUSES, "idle"),
    "buildType": (BUILDS, "nixpacks"),
    "railpackVersion": (Text(), "0.15.4"),
    "herokuVersion": (Text(), "24"),
    "publishDirectory": (Text(), None),
    "isStaticSpa": (Boolean(), None),
    "createEnvFile": (Boolean(), True),
    "createdAt": (Text(), None),
    "registryId": (Text(), None),
    "rollbackRegistryId": (Text(), None),
    "environmentId": (Text(), None),
    "githubId": (Text(), None),
    "gitlabId": (Text(), None),
    "giteaId": (Text(), None),
    "bitbucketId": (Text(), None),
    "serverId": (Text(), None),
    "buildServerId": (Text(), None),
    "buildRegistryId": (Text(), None),
    "networkIds": (ListOf(Text()), []),
    "detachDokployNetwork": (Boolean(), False),
}
"""Every column with what it takes and its default, in the order of the recorded rows."""

_NOT_NULL: Final = frozenset(
    {
        "name", "appName", "previewHttps", "previewCertificateType", "sourceType", "enableSubmodules",
        "replicas", "applicationStatus", "buildType", "createEnvFile", "createdAt", "environmentId",
        "detachDokployNetwork",
    }
)  # fmt: skip

NEW_APPLICATION: Final[Mapping[str, Any]] = {
    "applicationId": None,
    **{name: default for name, (_, default) in _APPLICATION.items()},
}
"""An application as it is created; copy it."""

UPDATE_APPLICATION: Final[Fields] = {
    "applicationId": required(NAMED),
    **{name: optional(kind, nullable=name not in _NOT_NULL) for name, (kind, _) in _APPLICATION.items()},
}
"""``application.update``. ``appName`` is checked and then dropped (FACTS 4); an ``applicationId``
of one's own at creation is ignored."""
