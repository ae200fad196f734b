"""``swarm.*`` and ``docker.*``: what really runs, as the docker CLI lists it."""

from __future__ import annotations

import re
from typing import Any, Final

from dokploy.local.answers import EMPTY, Empty, Serialised, encoded
from dokploy.local.checks import Fields, Text
from dokploy.local.environment import NODE_NAME
from dokploy.local.registry import Call, query
from dokploy.local.service import Service
from dokploy.local.shapes import optional, required
from dokploy.local.tasks import Task
from dokploy.local.words import span, task_age

_APP_NAME: Final = Text(least=1, pattern=re.compile(r"^[a-zA-Z0-9.\-_]+$"))
_BY_APP_NAME: Final[Fields] = {
    "appName": required(_APP_NAME),
    "appType": optional(Text()),
    "serverId": optional(Text()),
}
_HIDDEN: Final = "dokploy-"
"""Services whose name begins so are Dokploy's own, and not listed (FACTS 3)."""
_SHORT: Final = 12


@query("swarm.getNodeApps", needs="docker")
def node_apps(call: Call) -> Serialised:
    """Every service, orphans included; nothing and 200 when the engine is down (FACTS 14)."""
    if not call.dokploy.swarm.reachable:
        return Serialised(b"[]")
    services = sorted(call.dokploy.swarm.services.items())
    rows = [_service_row(service) for name, service in services if not name.startswith(_HIDDEN)]
    return Serialised(b"[" + b",".join(rows) + b"]")


def _service_row(service: Service) -> bytes:
    if service.row is None:
        service.row = encoded(
            {
                "ID": service.service_id,
                "Image": service.spec.image,
                "Mode": "replicated",
                "Name": service.spec.name,
                "Ports": "",
                "Replicas": f"{service.running}/{service.spec.replicas}",
            }
        )
    return service.row


@query("docker.getServiceContainersByAppName", _BY_APP_NAME, needs="docker")
def service_containers(call: Call) -> list[dict[str, Any]]:
    """The task history of one service; ``state`` is the desired one (FACTS 3)."""
    service = call.dokploy.swarm.services.get(call.given["appName"])
    if service is None or not call.dokploy.swarm.reachable:
        return []
    now = call.dokploy.clock()
    rows = [
        {
            "containerId": task.task_id,
            "name": f"{service.spec.name}.{slot.number}",
            "state": task.wanted,
            "currentState": f"{task.state} {task_age(now - task.since)}",
            "node": NODE_NAME,
            "error": task.error,
        }
        for slot in service.slots
        for task in slot.tasks
    ]
    if rows and not rows[-1]["error"]:
        # An artefact of how Dokploy reads the CLI's table: the last empty cell (FACTS-2 2).
        rows[-1]["error"] = "Error:"
    return rows


@query("docker.getConfig", {"containerId": required(_APP_NAME), "serverId": optional(Text())}, needs="docker")
def inspect(call: Call) -> dict[str, Any] | Empty:
    """``docker inspect`` of a task, its variables in clear (FACTS 9); no body for what is not known.

    A container's own is not here: nothing of ours reads it.
    """
    swarm = call.dokploy.swarm
    found = next(((s, t) for s, t in swarm.tasks() if t.task_id == call.given["containerId"]), None)
    if found is None or not swarm.reachable:
        return EMPTY
    slot, task = found
    spec = task.spec
    return {
        "ID": task.task_id,
        "Labels": {},
        "Spec": {
            "ContainerSpec": {
                "Image": spec.image,
                "Labels": dict(spec.labels),
                "Env": [f"{name}={value}" for name, value in spec.env.items()],
                "Mounts": [
                    {"Type": "volume", "Source": volume, "Target": path} for volume, path in spec.mounts
                ],
            },
            "Resources": {"Limits": {"NanoCPUs": spec.nano_cpus or 0, "MemoryBytes": spec.memory_bytes or 0}},
        },
        "Slot": int(slot.rpartition(".")[2]),
        "Status": {"State": task.state.lower()},
        "DesiredState": task.wanted,
    }


@query("docker.getContainersByAppNameMatch", _BY_APP_NAME)
def containers_by_name(call: Call) -> list[dict[str, Any]]:
    """``docker ps -a`` by a part of the name: ended ones and those of other applications, too."""
    if not call.dokploy.swarm.reachable:
        return []
    now = call.dokploy.clock()
    return [
        {
            "containerId": task.container.container_id[:_SHORT],
            "name": f"{slot}.{task.task_id}",
            "state": "exited" if task.ended else "running",
            "status": _status(task, now),
        }
        for slot, task in call.dokploy.swarm.tasks()
        if task.container is not None and call.given["appName"] in slot
    ]


def _status(task: Task, now: float) -> str:
    if task.ended:
        return f"Exited ({task.exit_code}) {span(now - task.exited_at)} ago"
    health = ""
    if task.spec.health is not None:
        health = " (healthy)" if task.healthy else " (health: starting)"
    return f"Up {span(now - task.started_at)}{health}"


@query("swarm.getContainerStats", needs="docker")
def container_stats(call: Call) -> list[dict[str, Any]]:
    """Usage of all running containers."""
    if not call.dokploy.swarm.reachable:
        return []
    return [
        _usage(slot, task)
        for slot, task in call.dokploy.swarm.tasks()
        if task.container is not None and not task.ended
    ]


def _usage(slot: str, task: Task) -> dict[str, Any]:
    cpus, memory = task.container.usage() if task.container else (0.0, 0)
    limit = task.spec.memory_bytes or 0
    short = task.container.container_id[:_SHORT] if task.container else ""
    return {
        "BlockIO": "0B / 0B",
        "CPUPerc": f"{cpus * 100:.2f}%",
        "Container": short,
        "ID": short,
        "MemPerc": f"{memory * 100 / limit if limit else 0:.2f}%",
        "MemUsage": f"{_size(memory)} / {_size(limit)}",
        "Name": f"{slot}.{task.task_id}",
        "NetIO": "0B / 0B",
    }


def _size(amount: float) -> str:
    """``2.621MiB``, in four significant digits as Docker has it."""
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:  # noqa: PLR2004 - the step between binary units
            return f"{amount:.4g}{unit}"
        amount /= 1024
    return f"{amount:.4g}GiB"
