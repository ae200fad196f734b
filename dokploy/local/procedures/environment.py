"""``environment.*``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dokploy.local.checks import Fields, Text
from dokploy.local.database import Row
from dokploy.local.procedures.project import LISTED, SEARCH, brief, found, no_databases
from dokploy.local.refusals import Refusal
from dokploy.local.registry import Call, mutation, query
from dokploy.local.shapes import NAMED, optional, required

if TYPE_CHECKING:
    from dokploy.local.dokploy import LocalDokploy

_CREATE: Final[Fields] = {
    "name": required(NAMED),
    "description": optional(Text(), nullable=False),
    "projectId": required(NAMED),
}
_UPDATE: Final[Fields] = {
    "environmentId": required(NAMED),
    "name": optional(NAMED, nullable=False),
    "description": optional(Text(), nullable=False),
    "env": optional(Text(), nullable=False),
}
_ONE: Final = ("name", "applicationId", "createdAt", "applicationStatus", "description", "serverId", "icon")


@mutation("environment.create", _CREATE, needs="environment")
def create(call: Call) -> Row:
    """An environment; any name twice, but ``production`` never (FACTS 4)."""
    if call.given["name"] == "production":
        raise Refusal(400, "You cannot create a environment with the name 'production'")
    project = call.database.get("project", call.given["projectId"])
    row = call.database.new_environment(
        call.given["name"], call.given.get("description"), project["projectId"], default=False
    )
    return dict(row)


@mutation("environment.update", _UPDATE, needs="environment")
def update(call: Call) -> Row:
    """Change an environment."""
    row = call.database.get("environment", call.given["environmentId"])
    row.update(call.given)
    call.database.touch("environment", row["environmentId"])
    return dict(row)


@query("environment.one", {"environmentId": required(NAMED)})
def one(call: Call) -> dict[str, Any]:
    """One environment with its applications, without their appName."""
    row = call.database.get("environment", call.given["environmentId"])
    if not call.caller.may_all:
        raise Refusal(403, "You are not allowed to access this environment")
    return {
        **_head(row),
        "projectId": row["projectId"],
        "env": row["env"],
        **_content(call.dokploy, row, _ONE),
    }


@query("environment.byProjectId", {"projectId": required(Text())})
def by_project(call: Call) -> list[dict[str, Any]]:
    """The environments of one project."""
    if not call.caller.may_all:
        return []
    rows = call.database.environments_of(call.given["projectId"])
    return [{**_head(row), **_content(call.dokploy, row, LISTED)} for row in rows]


def _head(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("name", "description", "environmentId", "isDefault")}


def _content(dokploy: LocalDokploy, row: Row, columns: tuple[str, ...]) -> dict[str, Any]:
    applications = brief(dokploy.database.applications_in(row["environmentId"]), columns)
    return {
        "applications": [{**application, "server": None} for application in applications],
        **no_databases(),
        "project": dict(dokploy.database.tables["project"][row["projectId"]]),
    }


@query("environment.search", SEARCH)
def search(call: Call) -> dict[str, Any]:
    """Environments by a part of the name, with their variables."""
    rows = call.database.tables["environment"].values() if call.caller.may_all else ()
    wanted = call.given.get("projectId")
    return found([row for row in rows if wanted in (None, row["projectId"])], call.given)
