"""``mounts.*``. Only named volumes are mounted here; binds and files are rows and nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dokploy.local.behaviours import Behaviour
from dokploy.local.checks import Fields, OneOf, Text
from dokploy.local.database import Row
from dokploy.local.keys import Caller
from dokploy.local.procedures.shared import application_of
from dokploy.local.refusals import Refusal
from dokploy.local.registry import mutation, query
from dokploy.local.shapes import NAMED, optional, required

if TYPE_CHECKING:
    from dokploy.local.dokploy import LocalDokploy

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
def create(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> Row:
    """Add a mount: not idempotent, and it takes effect with the next reload (FACTS 4)."""
    application_id = given["serviceId"]
    mount_id = dokploy.ids.row()
    if application_id not in dokploy.database.tables["application"]:
        raise Refusal(400, _echo(mount_id, given))
    application_of(dokploy, caller, application_id)
    if Behaviour.MOUNT_REPEATS not in dokploy.behaviours:
        for present in dokploy.database.of("mount", application_id):
            if present["mountPath"] == given["mountPath"]:
                return dict(present)
    row = {
        "mountId": mount_id,
        "type": given["type"],
        "hostPath": given.get("hostPath"),
        "volumeName": given.get("volumeName"),
        "filePath": given.get("filePath"),
        "content": given.get("content"),
        "serviceType": given.get("serviceType", "application"),
        "mountPath": given["mountPath"],
        "applicationId": application_id,
        **dict.fromkeys(_OTHERS),
    }
    dokploy.database.add("mount", mount_id, row)
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
    sql = f'insert into "mount" ({columns}) values ({marks}) returning {columns}'
    return f"Error Failed query: {sql}\nparams: {parameters}"


@query("mounts.listByServiceId", {"serviceType": required(NAMED), "serviceId": required(NAMED)})
def by_service(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> list[Row]:
    """The mounts of one application."""
    row = application_of(dokploy, caller, given["serviceId"])
    return dokploy.database.of("mount", row["applicationId"])


@mutation("mounts.remove", {"mountId": required(Text())})
def remove(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> Row:
    """Remove a mount; the volume stays."""
    row = dokploy.database.get("mount", given["mountId"])
    application_of(dokploy, caller, row["applicationId"])
    return dokploy.database.remove("mount", row["mountId"])
