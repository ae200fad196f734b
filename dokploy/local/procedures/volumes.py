"""``dockerVolume.*``."""

from __future__ import annotations

from dokploy.local.answers import EMPTY, Empty
from dokploy.local.refusals import Refusal
from dokploy.local.registry import Call, mutation, query
from dokploy.local.runtime import VolumeBusy
from dokploy.local.shapes import NAMED, required


@query("dockerVolume.getVolumes", needs="docker")
def volumes(call: Call) -> list[dict[str, str]]:
    """All volumes."""
    if not call.dokploy.swarm.reachable:
        return []
    return [
        {
            "Availability": "N/A",
            "Driver": "local",
            "Group": "N/A",
            "Labels": "",
            "Links": "N/A",
            "Mountpoint": f"/var/lib/docker/volumes/{name}/_data",
            "Name": name,
            "Scope": "local",
            "Size": "N/A",
            "Status": "N/A",
        }
        for name in call.dokploy.runtime.volumes()
    ]


@mutation("dockerVolume.removeVolume", {"volumeName": required(NAMED)}, needs="docker")
async def remove_volume(call: Call) -> Empty:
    """Remove a volume; 500 with the command's words while any container has it, ended ones too."""
    name = call.given["volumeName"]
    if not call.dokploy.swarm.reachable:
        raise _failed(name, "Cannot connect to the Docker daemon")
    holders = call.dokploy.swarm.holders(name)
    if holders:
        raise _failed(name, f"remove {name}: volume is in use - [{', '.join(holders)}]")
    try:
        await call.dokploy.runtime.remove_volume(name)
    except KeyError:
        raise _failed(name, f"get {name}: no such volume") from None
    except VolumeBusy:
        raise _failed(name, f"remove {name}: volume is in use - []") from None
    return EMPTY


def _failed(name: str, reason: str) -> Refusal:
    command = f"Command failed: docker volume rm {name}\nError response from daemon: {reason}\n"
    return Refusal(500, f"Command execution failed: {command}")
