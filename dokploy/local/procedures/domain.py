"""``domain.*``: routes, effective at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from dokploy.local.behaviours import Behaviour
from dokploy.local.checks import Boolean, Field, Fields, Kind, ListOf, Number, OneOf, Text, wrong_type
from dokploy.local.database import Row
from dokploy.local.procedures.shared import BY_APPLICATION
from dokploy.local.refusals import Issue, not_found
from dokploy.local.registry import Call, mutation, query
from dokploy.local.shapes import NAMED, optional, required

_LABELS = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.IGNORECASE)
_BAD_HOST: Final = (
    "Invalid domain name. Use only letters, numbers, hyphens and dots (e.g. example.com)."
    " Underscores are not allowed."
)


@dataclass(frozen=True, slots=True)
class _Host(Kind):
    """A host name."""

    def problem(self, value: Any) -> Issue | None:
        if not isinstance(value, str):
            return wrong_type("string", value)
        if not value:
            size = {"origin": "string", "code": "too_small", "minimum": 1, "inclusive": True}
            return {**size, "message": "Add a hostname"}
        return None if _LABELS.fullmatch(value) else {"code": "custom", "message": _BAD_HOST}


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
def create(call: Call) -> Row:
    """Add a route and write its file: not idempotent, no host is unique (FACTS-2 3)."""
    application_id = call.given.get("applicationId")
    if not application_id:
        raise not_found("Application")
    call.application(application_id)
    database = call.database
    if Behaviour.DOMAIN_REPEATS not in call.dokploy.behaviours:
        for present in database.of("domain", application_id):
            if (present["host"], present["path"]) == (call.given["host"], call.given.get("path") or "/"):
                return dict(present)
    domain_id = call.dokploy.ids.row()
    row = {
        "domainId": domain_id,
        "host": call.given["host"],
        "https": call.given.get("https", False),
        "port": call.given.get("port", 3000),
        "customEntrypoint": call.given.get("customEntrypoint"),
        "path": call.given.get("path", "/"),
        "serviceName": call.given.get("serviceName"),
        "domainType": call.given.get("domainType", "application"),
        "uniqueConfigKey": database.next_config_key(),
        "createdAt": database.now(),
        "composeId": None,
        "customCertResolver": call.given.get("customCertResolver"),
        "applicationId": application_id,
        "previewDeploymentId": None,
        "certificateType": call.given.get("certificateType", "none"),
        "internalPath": call.given.get("internalPath", "/"),
        "stripPath": call.given.get("stripPath", False),
        "middlewares": call.given.get("middlewares") or [],
        "forwardAuthEnabled": call.given.get("forwardAuthEnabled", False),
        "enabled": True,
    }
    database.add("domain", domain_id, row)
    call.dokploy.routes_file.put(row)
    return dict(row)


@query("domain.byApplicationId", BY_APPLICATION)
def by_application(call: Call) -> list[dict[str, Any]]:
    """The routes of one application."""
    application = call.application()
    shown = {name: application[name] for name in ("applicationId", "appName", "name")}
    rows = call.database.of("domain", application["applicationId"])
    return [{**row, "application": shown} for row in rows]


@mutation("domain.update", _UPDATE)
def update(call: Call) -> Row:
    """Change a route; ``host`` must be sent every time. Makes a lost file again, with this one alone."""
    row = call.database.get("domain", call.given.pop("domainId"))
    call.application(row["applicationId"])
    row.update(call.given)
    call.database.touch("domain", row["domainId"])
    call.dokploy.routes_file.put(row)
    return dict(row)


@mutation("domain.delete", _BY_DOMAIN)
def delete(call: Call) -> Row:
    """Remove a route; a second time is 404."""
    row = call.database.get("domain", call.given["domainId"])
    call.application(row["applicationId"])
    call.database.remove("domain", row["domainId"])
    call.dokploy.routes_file.drop(row)
    return row
