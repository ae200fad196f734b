"""``settings.*``."""

from __future__ import annotations

from typing import Any, Final

from dokploy.local.checks import Boolean, Number, Text
from dokploy.local.database import SETTINGS_ID
from dokploy.local.registry import Call, mutation, query
from dokploy.local.shapes import optional, required

VERSION: Final = "v0.30.2"


@query("settings.getDokployVersion")
def version(_call: Call) -> str:
    """The version this model is true to."""
    return VERSION


@query("settings.getReleaseTag")
def release_tag(_call: Call) -> str:
    """The channel."""
    return "latest"


@query("settings.isCloud")
def is_cloud(_call: Call) -> bool:
    """Never."""
    return False


@query("settings.health")
def health(_call: Call) -> dict[str, str]:
    """Alive; unlike ``/api/health`` it wants a key."""
    return {"status": "ok"}


@query("settings.getWebServerSettings")
def web_server_settings(call: Call) -> dict[str, Any]:
    """All settings; a member gets the same (FACTS-2 4)."""
    return {name: value for name, value in call.database.settings.items() if name != "nextConfigKey"}


@mutation(
    "settings.updateDockerCleanup",
    {"enableDockerCleanup": required(Boolean()), "serverId": optional(Text())},
    needs="server",
)
def update_docker_cleanup(call: Call) -> bool:
    """The nightly image prune on or off (FACTS 7.7)."""
    settings = call.database.settings
    settings["enableDockerCleanup"] = call.given["enableDockerCleanup"]
    settings["updatedAt"] = call.database.now()
    call.database.touch("setting", SETTINGS_ID)
    return True


@mutation("settings.updateBuildsConcurrency", {"buildsConcurrency": required(Number(1, 100))}, needs="server")
def update_builds_concurrency(call: Call) -> bool:
    """How many deployments run at once."""
    call.dokploy.set_concurrency(call.given["buildsConcurrency"])
    return True
