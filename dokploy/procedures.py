"""Dokploy's procedures that Berth calls: the time each may take and when it may be repeated.

================= ======================= ============================================ ======
class             repeated after          why                                          tries
================= ======================= ============================================ ======
``READING``       Unreachable, Ambiguous, a reading changes nothing                    3
                  Failed with a 5xx
``IDEMPOTENT``    Unreachable             the second does what the first would have;   2
                                          only where nothing was sent, since a lost
                                          answer is for the controller to look into
``NEVER``         nothing                 each one counts: a second create, mount,     1
                                          domain or deploy makes a second object
                                          (FACTS 4), a second reload restarts the
                                          container (FACTS 12). Not even after
                                          Unreachable: the controller looks again,
                                          and plans anew
================= ======================= ============================================ ======

========================================================== ============ ==========
procedure                                                  class        seconds
========================================================== ============ ==========
every reading                                              READING      10
``swarm.getContainerStats`` (1.6 s at the best, FACTS 3)   READING      20
``application.update``, ``.delete``, ``domain.delete``,    IDEMPOTENT   30
``dockerVolume.removeVolume``
``application.create``, ``.reload``, ``.deploy``,          NEVER        30
``mounts.create``, ``domain.create``, ``project.create``,
``environment.create``
========================================================== ============ ==========
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Repeat(Enum):
    """When the transport may repeat a call by itself."""

    READING = auto()
    IDEMPOTENT = auto()
    NEVER = auto()


@dataclass(frozen=True, slots=True)
class Procedure:
    """One of Dokploy's calls; ``seconds`` counts from the moment it may start."""

    name: str
    repeat: Repeat
    seconds: float

    @property
    def is_reading(self) -> bool:
        """Readings are GET with a query string, changes POST with JSON (FACTS, head)."""
        return self.repeat is Repeat.READING


def _reading(name: str, *, seconds: float = 10) -> Procedure:
    return Procedure(name, Repeat.READING, seconds)


def _change(name: str, repeat: Repeat) -> Procedure:
    return Procedure(name, repeat, 30)


VERSION = _reading("settings.getDokployVersion")
USER = _reading("user.get")
SETTINGS = _reading("settings.getWebServerSettings")
PROJECTS = _reading("project.all")
PROJECT = _reading("project.one")
SERVICES = _reading("overview.services")
NODE_APPS = _reading("swarm.getNodeApps")
APPLICATION = _reading("application.one")
TASKS = _reading("docker.getServiceContainersByAppName")
TASK = _reading("docker.getConfig")
CONTAINERS = _reading("docker.getContainersByAppNameMatch")
QUEUE = _reading("deployment.queueList")
DEPLOYMENTS = _reading("deployment.all")
BUILD_LOG = _reading("deployment.readLogs")
LOGS = _reading("application.readLogs")
VOLUMES = _reading("dockerVolume.getVolumes")
STATS = _reading("swarm.getContainerStats", seconds=20)

CREATE_PROJECT = _change("project.create", Repeat.NEVER)
CREATE_ENVIRONMENT = _change("environment.create", Repeat.NEVER)
CREATE = _change("application.create", Repeat.NEVER)
UPDATE = _change("application.update", Repeat.IDEMPOTENT)
RELOAD = _change("application.reload", Repeat.NEVER)
DEPLOY = _change("application.deploy", Repeat.NEVER)
DELETE = _change("application.delete", Repeat.IDEMPOTENT)
CREATE_MOUNT = _change("mounts.create", Repeat.NEVER)
REMOVE_MOUNT = _change("mounts.remove", Repeat.IDEMPOTENT)
CREATE_DOMAIN = _change("domain.create", Repeat.NEVER)
DELETE_DOMAIN = _change("domain.delete", Repeat.IDEMPOTENT)
REMOVE_VOLUME = _change("dockerVolume.removeVolume", Repeat.IDEMPOTENT)
