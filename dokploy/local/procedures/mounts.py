"""``mounts.*``. Only named volumes are mounted here; binds and files are rows and nothing more."""

from __future__ import annotations

from typing import Any, Final

from dokploy.local.behaviours import Behaviour
from dokploy.local.checks import Fields, OneOf, Text
from dokploy.local.database import Row
from dokploy.local.refusals import Refusal
from dokploy.local.registry import Call, mutation, query
from dokploy.local.shapes import NAMED, optional, required

_OTHERS: Final = ("composeId", "libsqlId", "mariadbId", "mongoId", "mysqlId", "postgresId", "redisId")
_KINDS: Final = ("application", "postgres", "mysql", "mariadb", "mongo", "redis", "compose", "libsql")
_CREATE: Final[Fields] = {
    "type": required(OneOf(("bind", "volume", "file"))),
    "hostPath": optional(Text()),
    "volumeName": optional(Text()),
    "content": optional(Text()),
    "mountPath": required(NAMED),
    "filePath": optional(Text()),
    "serviceType": optional(OneOf(_KINDS), nullable=False),
    "serviceId": required(NAMED),
}
_COLUMNS: Final = (
    "mountId", "type", "hostPath", "volumeName", "filePath", "content", "serviceType", "mountPath",
    "applicationId", *_OTHERS,
)  # fmt: skip


@mutation("mounts.create", _CREATE)
def create(call: Call) -> Row:
    """Add a mount: not idempotent, and it takes effect with the next reload (FACTS 4)."""
    application_id = call.given["serviceId"]
    mount_id = call.dokploy.ids.row()
    if application_id not in call.database.tables["application"]:
        raise Refusal(400, _echo(mount_id, call.given))
    call.application(application_id)
    if Behaviour.MOUNT_REPEATS not in call.dokploy.behaviours:
        for present in call.database.of("mount", application_id):
            if present["mountPath"] == call.given["mountPath"]:
                return dict(present)
    row = {
        "mountId": mount_id,
        "type": call.given["type"],
        "hostPath": call.given.get("hostPath"),
        "volumeName": call.given.get("volumeName"),
        "filePath": call.given.get("filePath"),
        "content": call.given.get("content"),
        "serviceType": call.given.get("serviceType", "application"),
        "mountPath": call.given["mountPath"],
        "applicationId": application_id,
        **dict.fromkeys(_OTHERS),
    }
    call.database.add("mount", mount_id, row)
    return dict(row)


def _echo(mount_id: str, given: dict[str, Any]) -> str:
    """The failed SQL with its parameters, as Dokploy shows it to anyone (FACTS 5, FACTS 9)."""
    columns = ", ".join(f'"{column}"' for column in _COLUMNS)
    values = {
        "mountId": mount_id,
        **{
            name: given[name]
            for name in ("type", "hostPath", "volumeName", "filePath", "content")
            if given.get(name)
        },
        "serviceType": given.get("serviceType", "application"),
        "mountPath": given["mountPath"],
        "applicationId": given["serviceId"],
    }
    places = iter(range(1, len(values) + 1))
    marks = ", ".join(f"${next(places)}" if column in values else "default" for column in _COLUMNS)
    parameters = ",".join(str(value) for value in values.values())
    sql = f'insert into "mount" ({columns}) values ({marks}) returning {columns}'  # noqa: S608 - a picture of SQL
    return f"Error Failed query: {sql}\nparams: {parameters}"


@query("mounts.listByServiceId", {"serviceType": required(NAMED), "serviceId": required(NAMED)})
def by_service(call: Call) -> list[Row]:
    """The mounts of one application."""
    row = call.application(call.given["serviceId"])
    return call.database.of("mount", row["applicationId"])


@mutation("mounts.remove", {"mountId": required(Text())})
def remove(call: Call) -> Row:
    """Remove a mount; the volume stays."""
    row = call.database.get("mount", call.given["mountId"])
    call.application(row["applicationId"])
    return call.database.remove("mount", row["mountId"])
