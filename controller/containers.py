"""Reads what is left of a session's containers: what may still write to its volumes.

Two lists tell, and both are asked. Swarm's tasks include one that has no container yet; Docker's
containers include one whose application is gone. The listing of services is no evidence: a container
that is not healthy leaves it at the moment of its stop, and has its whole stop grace (FACTS-2 8).
Either list is empty, with 200, while the Docker engine is down (FACTS-2 2); that nothing is left is
therefore believed only where the engine has just listed something else.
"""

from __future__ import annotations

from container import contract
from controller.identity import Identity
from controller.observed import Silence
from dokploy.errors import Ambiguous, DokployError, Failed, Unauthorized, Unreachable
from dokploy.port import ContainerRow, Dokploy, TaskRow

_ENDED_CONTAINERS = frozenset({"dead", "exited", "removing"})


async def containers_of(dokploy: Dokploy, identity: Identity) -> tuple[str, ...] | Silence:
    """What is left of the session's containers, ended ones too; silence where this Dokploy will not say.

    No deletion may hang on that: Docker itself refuses to remove a volume that a container has.
    """
    try:
        rows = await _containers(dokploy, identity)
    except DokployError as error:
        passes = isinstance(error, Unreachable | Ambiguous | Failed)
        if passes or (isinstance(error, Unauthorized) and error.of_key):
            raise  # not read is not gone: what has the volumes may be running still
        return Silence.NO_ANSWER
    return tuple(row.name for row in rows)


async def read_remains(
    dokploy: Dokploy, identity: Identity, app_name: str, *, was_applied: bool
) -> tuple[tuple[TaskRow, ...], tuple[str, ...] | Silence]:
    """The tasks of the service, and the names of all that has not ended; raises DokployError.

    Silence where both lists are empty and so is that of services: the engine may be down. What was never
    applied has no task, whatever the engine does.
    """
    tasks = await dokploy.read_tasks(app_name)
    containers = await _containers(dokploy, identity)
    if was_applied and not (tasks or containers or await dokploy.list_services()):
        return tasks, Silence.NO_ANSWER
    alive = [row.task_id for row in tasks if not row.has_ended]
    return tasks, (*alive, *(row.name for row in containers if row.state not in _ENDED_CONTAINERS))


async def read_revision(dokploy: Dokploy, tasks: tuple[TaskRow, ...]) -> str | Silence:
    """The revision that the newest task was made for; raises DokployError.

    It tells without a route what the container itself echoes through one.
    """
    revision = await dokploy.read_task_variable(tasks[0].task_id, contract.REVISION) if tasks else None
    return Silence.NO_ANSWER if revision is None else revision


async def _containers(dokploy: Dokploy, identity: Identity) -> tuple[ContainerRow, ...]:
    rows = await dokploy.list_containers(identity.marker)
    return tuple(row for row in rows if identity.is_container(row.name))
