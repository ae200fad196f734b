"""``domain.*``: routes, effective at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from dokploy.local.behaviours import Behaviour
from dokploy.local.checks import Boolean, Field, Fields, ListOf, Number, OneOf, Text, wrong_type
from dokploy.local.database import Row
from dokploy.local.keys import Caller
from dokploy.local.procedures.shared import BY_APPLICATION, application_of
from dokploy.local.refusals import Issue, not_found
from dokploy.local.registry import mutation, query
from dokploy.local.shapes import NAMED, optional, required

if TYPE_CHECKING:
    from dokploy.local.dokploy import LocalDokploy

_LABELS = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.IGNORECASE)
_BAD_HOST: Final = (
    "Invalid domain name. Use only letters, numbers, hyphens and dots (e.g. example.com)."
    " Underscores are not allowed."
)


@dataclass(frozen=True, slots=True)
class _Host:
    """A host name."""

    def problem(self, value: Any) -> Issue | None:
        if not isinstance(value, str):
            return wrong_type("string", value)
        if not value:
            size = {"origin": "string", "code": "too_small", "minimum": 1, "inclusive": True}
            return {**size, "message": "Add a hostname"}
        return None if _LABELS.fullmatch(value) else {"code": "custom", "message": _BAD_HOST}

    def clean(self, value: Any) -> Any:
        return value


_PORT: Final = Number(1, 65_535, too_small="Port must be at least 1", too_big="Port must be 65535 or below")
_SHARED: Final[Fields] = {
    "host": required(_Host()),
    "path": optional(NAMED),
    "port": optional(_PORT),
    "customEntrypoint": optional(Text()),
    "https": optional(Boolean(), nullable=False),
    "certificateType": optional(OneOf(("letsencrypt", "none", "custom")), nullable=False),
    "customCertResolver": optional(Text()),
    "serviceName": optional(Text()),
    "domainType": optional(OneOf(("compose", "application", "preview"))),
    "internalPath": optional(Text()),
    "stripPath": optional(Boolean(), nullable=False),
    "middlewares": optional(ListOf(Text())),
    "forwardAuthEnabled": optional(Boolean(), nullable=False),
}
_CREATE: Final[Fields] = {**_SHARED, "applicationId": optional(Text())}
_UPDATE: Final[Fields] = {**_SHARED, "domainId": Field(Text(), required(Text()).presence)}
_BY_DOMAIN: Final[Fields] = {"domainId": required(NAMED)}


@mutation("domain.create", _CREATE)
def create(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> Row:
    """Add a route and write its file: not idempotent, no host is unique (FACTS-2 3)."""
    application_id = given.get("applicationId")
    if not application_id:
        raise not_found("Application")
    application_of(dokploy, caller, application_id)
    database = dokploy.database
    if Behaviour.DOMAIN_REPEATS not in dokploy.behaviours:
        for present in database.of("domain", application_id):
            if (present["host"], present["path"]) == (given["host"], given.get("path") or "/"):
                return dict(present)
    domain_id = dokploy.ids.row()
    row = {
        "domainId": domain_id,
        "host": given["host"],
        "https": given.get("https", False),
        "port": given.get("port", 3000),
        "customEntrypoint": given.get("customEntrypoint"),
        "path": given.get("path", "/"),
        "serviceName": given.get("serviceName"),
        "domainType": given.get("domainType", "application"),
        "uniqueConfigKey": database.next_config_key(),
        "createdAt": database.now(),
        "composeId": None,
        "customCertResolver": given.get("customCertResolver"),
        "applicationId": application_id,
        "previewDeploymentId": None,
        "certificateType": given.get("certificateType", "none"),
        "internalPath": given.get("internalPath", "/"),
        "stripPath": given.get("stripPath", False),
        "middlewares": given.get("middlewares") or [],
        "forwardAuthEnabled": given.get("forwardAuthEnabled", False),
        "enabled": True,
    }
    database.add("domain", domain_id, row)
    dokploy.routes_file.put(row)
    return dict(row)


@query("domain.byApplicationId", BY_APPLICATION)
def by_application(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> list[dict[str, Any]]:
    """The routes of one application."""
    application = application_of(dokploy, caller, given["applicationId"])
    shown = {name: application[name] for name in ("applicationId", "appName", "name")}
    rows = dokploy.database.of("domain", application["applicationId"])
    return [{**row, "application": shown} for row in rows]


@mutation("domain.update", _UPDATE)
def update(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> Row:
    """Change a route; ``host`` must be sent every time. Makes a lost file again, with this one alone."""
    row = dokploy.database.get("domain", given.pop("domainId"))
    application_of(dokploy, caller, row["applicationId"])
    row.update(given)
    dokploy.database.touch("domain", row["domainId"])
    dokploy.routes_file.put(row)
    return dict(row)


@mutation("domain.delete", _BY_DOMAIN)
def delete(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> Row:
    """Remove a route; a second time is 404."""
    row = dokploy.database.get("domain", given["domainId"])
    application_of(dokploy, caller, row["applicationId"])
    dokploy.database.remove("domain", row["domainId"])
    dokploy.routes_file.drop(row)
    return row
