"""``user.*`` and ``organization.*``: whose key it is."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

from dokploy.local.behaviours import Behaviour
from dokploy.local.checks import Boolean, Fields, Number, Strict, Text
from dokploy.local.keys import DAY_MS, DEFAULT_UNITS, ApiKey
from dokploy.local.refusals import Refusal
from dokploy.local.registry import Call, mutation, query
from dokploy.local.shapes import optional, required

_ALL: Final = ("read", "create", "update", "delete")
_MEMBER: Final[Mapping[str, Mapping[str, bool]]] = {
    "organization": {"update": False, "delete": False},
    "member": dict.fromkeys(_ALL, False),
    "invitation": {"create": False, "cancel": False},
    "team": {"create": False, "update": False, "delete": False},
    "ac": {"create": False, "read": True, "update": False, "delete": False},
    "project": {"create": False, "delete": False},
    "service": {"create": False, "read": True, "delete": False},
    "environment": {"create": False, "read": True, "delete": False},
    "docker": {"read": False},
    "sshKeys": {"read": False, "create": False, "delete": False},
    "gitProviders": {"read": False, "create": False, "delete": False},
    "traefikFiles": {"read": False, "write": False},
    "api": {"read": False},
    "volume": {"read": True, "create": True, "delete": True},
    "deployment": {"read": True, "create": True, "cancel": True},
    "envVars": {"read": True, "write": True},
    "projectEnvVars": {"read": True, "write": True},
    "environmentEnvVars": {"read": True, "write": True},
    "server": {"read": False, "create": False, "delete": False},
    "registry": {"read": False, "create": False, "delete": False},
    "certificate": dict.fromkeys(_ALL, False),
    "backup": {**dict.fromkeys(_ALL, True), "restore": True},
    "volumeBackup": {**dict.fromkeys(_ALL, True), "restore": True},
    "schedule": dict.fromkeys(_ALL, True),
    "domain": {"read": True, "create": True, "delete": True},
    "destination": {"read": False, "create": False, "delete": False},
    "notification": dict.fromkeys(_ALL, False),
    "tag": {"read": True, "create": False, "update": False, "delete": False},
    "logs": {"read": True},
    "monitoring": {"read": True},
    "auditLog": {"read": False},
    "vaultProvider": {"read": True, "create": False, "update": False, "delete": False},
    "dnsProvider": dict.fromkeys(_ALL, False),
}
_FLAGS: Final = (
    "canCreateProjects", "canAccessToSSHKeys", "canCreateServices", "canDeleteProjects", "canDeleteServices",
    "canAccessToDocker", "canAccessToAPI", "canAccessToGitProviders", "canAccessToTraefikFiles",
    "canDeleteEnvironments", "canCreateEnvironments",
)  # fmt: skip
_KEY: Final[Fields] = {
    "name": required(Text(1, 32)),
    "metadata": required(Strict({"organizationId": Text()}, required=("organizationId",))),
    "rateLimitEnabled": optional(Boolean(), nullable=False),
    "rateLimitTimeWindow": optional(Number(), nullable=False),
    "rateLimitMax": optional(Number(), nullable=False),
}


@query("user.get")
def get(call: Call) -> dict[str, Any]:
    """The caller; the ``can...`` flags say nothing about an owner (FACTS-2 4)."""
    database = call.database
    seen = call.caller.may_all
    return {
        "id": call.caller.member_id,
        "organizationId": call.dokploy.organization_id,
        "userId": call.caller.user_id,
        "role": call.caller.role,
        "createdAt": database.settings["createdAt"],
        "teamId": None,
        "isDefault": True,
        **dict.fromkeys(_FLAGS, False),
        "accessedProjects": list(database.tables["project"]) if seen else [],
        "accessedEnvironments": list(database.tables["environment"]) if seen else [],
        "accessedServices": list(database.accessed) if seen else [],
        "accessedGitProviders": [],
        "accessedServers": [],
        "user": {
            "id": call.caller.user_id,
            "firstName": "Admin" if seen else "Member",
            "lastName": "",
            "email": f"{call.caller.role}@example.com",
            "image": None,
            "allowImpersonation": False,
            "twoFactorEnabled": False,
            "stripeCustomerId": None,
            "stripeSubscriptionId": None,
            "serversQuantity": 0,
            "isEnterpriseCloud": False,
            "sendInvoiceNotifications": False,
            "apiKeys": call.dokploy.keys.owned_by(call.caller.user_id),
        },
    }


@query("user.session")
def session(call: Call) -> dict[str, Any]:
    """The smallest answer that names the organisation."""
    return {
        "user": {"id": call.caller.user_id},
        "session": {"activeOrganizationId": call.dokploy.organization_id},
    }


@query("user.getPermissions")
def permissions(call: Call) -> dict[str, Any]:
    """What the caller may do."""
    granted: dict[str, dict[str, bool]] = copy.deepcopy({name: dict(rule) for name, rule in _MEMBER.items()})
    if call.caller.may_all:
        granted = {name: dict.fromkeys(rule, True) for name, rule in granted.items()}
    return granted


@query("organization.active")
def active(call: Call) -> dict[str, Any]:
    """The organisation."""
    return {
        "id": call.dokploy.organization_id,
        "name": "My Organization",
        "slug": None,
        "logo": None,
        "createdAt": call.database.settings["createdAt"],
        "metadata": None,
        "defaultRole": None,
        "ownerId": call.dokploy.owner.user_id,
    }


@mutation("user.createApiKey", _KEY)
def create_api_key(call: Call) -> dict[str, Any]:
    """A key of the caller's own; without rate-limit fields it is good for five calls a day (FACTS 6)."""
    if call.given["metadata"]["organizationId"] != call.dokploy.organization_id:
        raise Refusal(403, "You are not a member of this organization")
    limited = call.given.get("rateLimitEnabled", Behaviour.KEYS_ARE_LIMITED in call.dokploy.behaviours)
    window = call.given.get("rateLimitTimeWindow", DAY_MS)
    units = call.given.get("rateLimitMax", DEFAULT_UNITS)
    secret, now = call.dokploy.ids.account() + call.dokploy.ids.account(), call.database.now()
    key_id = call.dokploy.ids.account()
    shown = {
        "id": key_id,
        "name": call.given["name"],
        "prefix": None,
        "enabled": True,
        "expiresAt": None,
        "createdAt": now,
    }
    call.dokploy.keys.add(
        ApiKey(secret, call.caller, limited=limited, window=window, units=units, shown=shown)
    )
    return {
        "configId": "default",
        "name": call.given["name"],
        "start": secret[:6],
        "referenceId": call.caller.user_id,
        "prefix": None,
        "key": secret,
        "refillInterval": None,
        "refillAmount": None,
        "lastRefillAt": None,
        "enabled": True,
        "rateLimitEnabled": limited,
        "rateLimitTimeWindow": window,
        "rateLimitMax": units,
        "requestCount": 0,
        "remaining": None,
        "lastRequest": None,
        "expiresAt": None,
        "createdAt": now,
        "updatedAt": now,
        "permissions": None,
        "metadata": None,
        "id": key_id,
    }
