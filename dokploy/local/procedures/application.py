"""``application.*``: rows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import structlog

from dokploy.local.behaviours import Behaviour
from dokploy.local.checks import Fields, Number, Text
from dokploy.local.database import Row
from dokploy.local.procedures.shared import BY_APPLICATION, nested
from dokploy.local.refusals import Refusal
from dokploy.local.registry import Call, mutation, query
from dokploy.local.runtime import VolumeBusy
from dokploy.local.shapes import APP_NAME, NAMED, UPDATE_APPLICATION, optional, required
from dokploy.local.swarm import EngineUnreachable

if TYPE_CHECKING:
    from dokploy.local.dokploy import LocalDokploy

_log = structlog.get_logger(__name__)

_CREATE: Final[Fields] = {
    "name": required(NAMED),
    "appName": optional(APP_NAME, nullable=False),
    "description": optional(Text()),
    "environmentId": required(Text()),
    "serverId": optional(Text()),
    "sourceType": UPDATE_APPLICATION["sourceType"],
}
_SEARCHED: Final = ("name", "appName", "description", "repository", "owner", "dockerImage")
_FOUND: Final = (
    "applicationId", "name", "appName", "description", "environmentId", "applicationStatus", "sourceType",
    "createdAt",
)  # fmt: skip
_SEARCH: Final[Fields] = {
    "q": optional(Text()),
    **{name: optional(Text()) for name in _SEARCHED},
    "projectId": optional(Text()),
    "environmentId": optional(Text()),
    "limit": optional(Number(1, 100, lenient=True)),
    "offset": optional(Number(0, lenient=True)),
}


@mutation("application.create", _CREATE, needs="service")
async def create(call: Call) -> Row:
    """Insert a row: not idempotent, the appName suffixed, foreign fields dropped (FACTS 4)."""
    if call.given.get("serverId"):
        raise Refusal(401, "You are not authorized to access this server")
    database = call.database
    database.get("environment", call.given["environmentId"])
    base = (call.given.get("appName") or call.dokploy.ids.app_name()).lower().replace(" ", "-")
    if Behaviour.CREATE_REPEATS not in call.dokploy.behaviours:
        present = _same(call.dokploy, call.given["name"], base, call.given["environmentId"])
        if present is not None:
            return dict(present)
    suffixed = Behaviour.SUFFIXED_NAMES in call.dokploy.behaviours or "appName" not in call.given
    row = database.new_application(
        {
            "name": call.given["name"],
            "appName": f"{base}-{call.dokploy.ids.suffix()}" if suffixed else base,
            "description": call.given.get("description"),
            "environmentId": call.given["environmentId"],
            **({"sourceType": call.given["sourceType"]} if "sourceType" in call.given else {}),
        }
    )
    await _grant(call.dokploy, row["applicationId"])
    return dict(row)


def _same(dokploy: LocalDokploy, name: str, base: str, environment_id: str) -> Row | None:
    for row in dokploy.database.applications_in(environment_id):
        suffixed = row["appName"].startswith(f"{base}-") and len(row["appName"]) == len(base) + 7
        if row["name"] == name and (suffixed or row["appName"] == base):
            return row
    return None


async def _grant(dokploy: LocalDokploy, application_id: str) -> None:
    """Add it to what its maker may see, by reading, waiting and writing: that is how search loses."""
    database = dokploy.database
    seen = list(database.accessed)
    await asyncio.sleep(dokploy.timings.engine)
    if Behaviour.SEARCH_LOSES not in dokploy.behaviours:
        seen = database.accessed
    database.accessed = [*seen, application_id]


@query("application.one", BY_APPLICATION)
def one(call: Call) -> dict[str, Any]:
    """One application whole."""
    row = call.application()
    return {**nested(call.dokploy, row), "hasGitProviderAccess": True, "unauthorizedProvider": None}


@mutation("application.update", UPDATE_APPLICATION)
def update(call: Call) -> bool:
    """Write columns; nothing that runs changes. An appName is dropped."""
    columns = {name: value for name, value in call.given.items() if name not in {"applicationId", "appName"}}
    if not columns:
        raise Refusal(500, "No values to set")
    tables = call.database.tables
    homeless = columns.get("environmentId") not in {None, *tables["environment"]}
    if call.given["applicationId"] not in tables["application"] or homeless:
        # Where every other call says 404 (FACTS 4).
        raise Refusal(400, "Error updating application")
    call.database.set_application(call.application()["applicationId"], columns)
    return True


@mutation("application.delete", BY_APPLICATION)
async def delete(call: Call) -> dict[str, Any]:
    """Delete the row and the service; what fails on the way is swallowed, volumes stay (FACTS 4)."""
    application_id = call.given["applicationId"]
    row = call.application(application_id)
    shown = nested(call.dokploy, row)
    volumes = [mount["volumeName"] for mount in shown["mounts"] if mount["type"] == "volume"]
    # Two deletes at once both get this far and both answer 200.
    await asyncio.sleep(call.dokploy.timings.engine)
    if application_id in call.database.tables["application"]:
        call.database.remove_application(application_id)
    call.dokploy.routes_file.lose(application_id)
    try:
        call.dokploy.swarm.remove(row["appName"])
    except EngineUnreachable:
        _log.info("a service stays behind: the engine is down", service=row["appName"])
    if Behaviour.VOLUMES_STAY not in call.dokploy.behaviours:
        call.dokploy.swarm.when_gone(row["appName"], lambda: _remove_volumes(call.dokploy, volumes))
    return shown


async def _remove_volumes(dokploy: LocalDokploy, volumes: list[str | None]) -> None:
    for name in filter(None, volumes):
        try:
            await dokploy.runtime.remove_volume(name)
        except (KeyError, VolumeBusy):
            _log.info("a volume was not removed with its application", volume=name)


@query("application.search", _SEARCH)
def search(call: Call) -> dict[str, Any]:
    """Find by parts of names, the newest first; filtered by what was granted: never use it (FACTS 7.1)."""
    granted = set(call.database.accessed) if call.caller.may_all else set()
    rows = [
        row
        for row in reversed(call.database.tables["application"].values())
        if row["applicationId"] in granted and _matches(call.dokploy, row, call.given)
    ]
    offset = call.given.get("offset", 0)
    shown = rows[offset : offset + call.given.get("limit", 20)]
    return {"items": [{name: row[name] for name in _FOUND} for row in shown], "total": len(rows)}


def _matches(dokploy: LocalDokploy, row: Row, given: dict[str, Any]) -> bool:
    environment = dokploy.database.tables["environment"][row["environmentId"]]
    if given.get("environmentId") not in (None, row["environmentId"]):
        return False
    if given.get("projectId") not in (None, environment["projectId"]):
        return False
    if any(given.get(name) and not _within(given[name], row[name]) for name in _SEARCHED):
        return False
    words = given.get("q")
    return not words or any(_within(words, row[name]) for name in ("name", "appName", "description"))


def _within(part: str, whole: str | None) -> bool:
    return part.lower() in (whole or "").lower()


@mutation("application.move", {"applicationId": required(Text()), "targetEnvironmentId": required(Text())})
def move(call: Call) -> Row:
    """Put it into another environment; its service is not touched."""
    row = call.application()
    target = call.database.get("environment", call.given["targetEnvironmentId"])
    fields = {"environmentId": target["environmentId"]}
    call.database.set_application(row["applicationId"], fields)
    return dict(row)


@query("application.readTraefikConfig", BY_APPLICATION)
def read_traefik_config(call: Call) -> str | None:
    """The file of its routes as text, null without one."""
    row = call.application()
    return call.dokploy.routes_file.text(row)
