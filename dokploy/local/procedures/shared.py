"""What several procedures need: an application the caller may see, and its nested form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dokploy.local.checks import Fields
from dokploy.local.database import Row
from dokploy.local.shapes import NAMED, required

if TYPE_CHECKING:
    from dokploy.local.dokploy import LocalDokploy

BY_APPLICATION: Final[Fields] = {"applicationId": required(NAMED)}

_NOTHING: Final = ("gitlab", "github", "bitbucket", "gitea", "server")
_NO_REGISTRY: Final = ("registry", "buildRegistry", "rollbackRegistry")


def nested(dokploy: LocalDokploy, row: Row) -> dict[str, Any]:
    """An application with all that belongs to it: env in clear, on every level (FACTS 9)."""
    database = dokploy.database
    application_id = row["applicationId"]
    environment = database.tables["environment"][row["environmentId"]]
    project = database.tables["project"][environment["projectId"]]
    return {
        **row,
        "environment": {**environment, "project": dict(project)},
        "domains": [dict(domain) for domain in database.of("domain", application_id)],
        "deployments": [dict(deployment) for deployment in database.of("deployment", application_id)],
        "mounts": [dict(mount) for mount in database.of("mount", application_id)],
        "redirects": [],
        "security": [],
        "ports": [],
        **dict.fromkeys(_NOTHING),
        "previewDeployments": [],
        **dict.fromkeys(_NO_REGISTRY),
    }
