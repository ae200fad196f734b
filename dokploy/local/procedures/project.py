"""``project.*``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from dokploy.local.checks import Fields, Number, Text
from dokploy.local.database import Row
from dokploy.local.refusals import forbidden_resource
from dokploy.local.registry import Call, mutation, query
from dokploy.local.shapes import NAMED, optional, required

_CREATE: Final[Fields] = {
    "name": required(NAMED),
    "description": optional(Text()),
    "env": optional(Text(), nullable=False),
}
_UPDATE: Final[Fields] = {
    "projectId": required(NAMED),
    "name": optional(NAMED, nullable=False),
    "description": optional(Text()),
    "env": optional(Text(), nullable=False),
}
_BY_PROJECT: Final[Fields] = {"projectId": required(NAMED)}
SEARCH: Final[Fields] = {
    "q": optional(Text()),
    "name": optional(Text()),
    "description": optional(Text()),
    "projectId": optional(Text()),
    "limit": optional(Number(1, 100, lenient=True), nullable=False),
    "offset": optional(Number(0, lenient=True), nullable=False),
}

BRIEF: Final = ("applicationId", "name", "applicationStatus")
LISTED: Final = (
    "name", "description", "appName", "createdAt", "serverId", "applicationStatus", "applicationId", "icon",
)  # fmt: skip
_OTHERS: Final = ("mariadb", "mongo", "mysql", "postgres", "redis", "compose", "libsql")


def no_databases() -> dict[str, list[Any]]:
    """What Dokploy lists beside applications, and this model has none of."""
    return {kind: [] for kind in _OTHERS}


def brief(rows: Iterable[Row], columns: tuple[str, ...]) -> list[dict[str, Any]]:
    """Some columns of applications."""
    return [{column: row[column] for column in columns} for row in rows]


@query("project.all")
def every(call: Call) -> list[dict[str, Any]]:
    """All projects, the newest first, with project-level variables; no appName (FACTS 3)."""
    if not call.caller.may_all:
        return []
    database = call.database
    return [
        {
            **project,
            "environments": [
                {
                    "name": environment["name"],
                    "environmentId": environment["environmentId"],
                    "isDefault": environment["isDefault"],
                    "applications": brief(database.applications_in(environment["environmentId"]), BRIEF),
                    **no_databases(),
                }
                for environment in reversed(database.environments_of(project["projectId"]))
            ],
            "projectTags": [],
        }
        for project in reversed(database.tables["project"].values())
    ]


@query("project.one", _BY_PROJECT)
def one(call: Call) -> dict[str, Any]:
    """One project with its applications, appName included."""
    database = call.database
    project = database.get("project", call.given["projectId"])
    if not call.caller.may_all:
        raise forbidden_resource("project")
    return {
        **project,
        "environments": [
            {
                **environment,
                "applications": [
                    {**row, "server": None}
                    for row in brief(database.applications_in(environment["environmentId"]), LISTED)
                ],
                **no_databases(),
            }
            for environment in reversed(database.environments_of(project["projectId"]))
        ],
        "projectTags": [],
    }


@mutation("project.create", _CREATE, needs="project")
def create(call: Call) -> dict[str, Row]:
    """A project and its environment ``production``; not idempotent (FACTS-2 5)."""
    database = call.database
    project = database.new_project(
        call.given["name"],
        call.given.get("description"),
        call.given.get("env", ""),
        call.dokploy.organization_id,
    )
    environment = database.new_environment(
        "production", "Production environment", project["projectId"], default=True
    )
    return {"project": dict(project), "environment": dict(environment)}


@mutation("project.update", _UPDATE, needs="project")
def update(call: Call) -> Row:
    """Change a project."""
    row = call.database.get("project", call.given["projectId"])
    row.update(call.given)
    call.database.touch("project", row["projectId"])
    return dict(row)


@mutation("project.remove", _BY_PROJECT, needs="project")
def remove(call: Call) -> Row:
    """Remove the rows of a project; the services of its applications go on running (FACTS 4)."""
    database = call.database
    project = database.get("project", call.given["projectId"])
    for environment in database.environments_of(project["projectId"]):
        for row in tuple(database.applications_in(environment["environmentId"])):
            database.remove_application(row["applicationId"])
        database.remove("environment", environment["environmentId"])
    return database.remove("project", project["projectId"])


@query("project.search", SEARCH)
def search(call: Call) -> dict[str, Any]:
    """Projects by a part of the name, with their variables."""
    rows = call.database.tables["project"].values() if call.caller.may_all else ()
    return found(rows, call.given)


def found(rows: Iterable[Row], given: dict[str, Any]) -> dict[str, Any]:
    """A page of what matches, the newest first."""

    def matches(row: Row) -> bool:
        for name in ("name", "description"):
            if given.get(name) and given[name].lower() not in (row[name] or "").lower():
                return False
        text = f"{row['name']}\n{row['description'] or ''}".lower()
        return not given.get("q") or given["q"].lower() in text

    matching = [row for row in rows if matches(row)][::-1]
    offset = given.get("offset", 0)
    return {"items": matching[offset : offset + given.get("limit", 20)], "total": len(matching)}
