"""``settings.*``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dokploy.local.checks import Boolean, Number, Text
from dokploy.local.database import SETTINGS_ID
from dokploy.local.keys import Caller
from dokploy.local.registry import mutation, query
from dokploy.local.shapes import optional, required

if TYPE_CHECKING:
    from dokploy.local.dokploy import LocalDokploy

VERSION: Final = "v0.30.2"


@query("settings.getDokployVersion")
def version(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> str:
    """The version this model is true to."""
    return VERSION


@query("settings.getReleaseTag")
def release_tag(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> str:
    """The channel."""
    return "latest"


@query("settings.isCloud")
def is_cloud(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> bool:
    """Never."""
    return False


@query("settings.health")
def health(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> dict[str, str]:
    """Alive; unlike ``/api/health`` it wants a key."""
    return {"status": "ok"}


@query("settings.getWebServerSettings")
def web_server_settings(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
    """All settings; a member gets the same (FACTS-2 4)."""
    return {name: value for name, value in dokploy.database.settings.items() if name != "nextConfigKey"}


@mutation(
    "settings.updateDockerCleanup",
    {"enableDockerCleanup": required(Boolean()), "serverId": optional(Text())},
    needs="server",
)
def update_docker_cleanup(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> bool:
    """The nightly image prune on or off (FACTS 7.7)."""
    settings = dokploy.database.settings
    settings["enableDockerCleanup"] = given["enableDockerCleanup"]
    settings["updatedAt"] = dokploy.database.now()
    dokploy.database.touch("setting", SETTINGS_ID)
    return True


@mutation("settings.updateBuildsConcurrency", {"buildsConcurrency": required(Number(1, 100))}, needs="server")
def update_builds_concurrency(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> bool:
    """How many deployments run at once."""
    dokploy.set_concurrency(given["buildsConcurrency"])
    return True
