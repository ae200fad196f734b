"""``application.*``: what acts on the service, the queue and the logs."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final

from dokploy.local.answers import EMPTY, Empty
from dokploy.local.behaviours import Behaviour
from dokploy.local.checks import Fields, Number, Text
from dokploy.local.environment import BadEnvironment
from dokploy.local.keys import Caller
from dokploy.local.procedures.shared import BY_APPLICATION, application_of, nested
from dokploy.local.refusals import Refusal
from dokploy.local.registry import mutation, query
from dokploy.local.runtime import LogLine
from dokploy.local.shapes import APP_NAME, NAMED, optional, required
from dokploy.local.swarm import EngineRefused, EngineUnreachable
from dokploy.local.words import log_stamp

if TYPE_CHECKING:
    from dokploy.local.dokploy import LocalDokploy

_DEPLOY: Final[Fields] = {
    **BY_APPLICATION,
    "title": optional(Text(), nullable=False),
    "description": optional(Text(), nullable=False),
}
_RELOAD: Final[Fields] = {"appName": required(APP_NAME), "applicationId": required(Text())}
_LOGS: Final[Fields] = {
    **BY_APPLICATION,
    "tail": optional(Number(1, 10_000, lenient=True), nullable=False),
    "since": optional(
        Text(pattern=re.compile(r"^(all|\d+[smhd])$"), mismatch="Invalid since format"), nullable=False
    ),
    "search": optional(
        Text(pattern=re.compile(r"^[a-zA-Z0-9 ._-]{0,500}$"), mismatch="Invalid search"), nullable=False
    ),
}
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@mutation("application.reload", _RELOAD)
async def reload(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> bool:
    """Create or update the service now, outside the queue, and roll its task (FACTS 1).

    The appName sent is not looked at. ``done`` whatever was the status before: after a failed
    build, and during a running one, too (FACTS-2 1).
    """
    row = application_of(dokploy, caller, given["applicationId"])
    application_id = row["applicationId"]
    try:
        await dokploy.swarm.apply(dokploy.specify(row))
    except (BadEnvironment, EngineRefused, EngineUnreachable):
        dokploy.database.set_application(application_id, {"applicationStatus": "error"})
        raise Refusal(500, "Error reloading application") from None
    dokploy.database.set_application(application_id, {"applicationStatus": "done"})
    return True


@mutation("application.deploy", _DEPLOY)
def deploy(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> Empty:
    """Enqueue; an empty body, and no trace until the job starts (FACTS 4)."""
    row = application_of(dokploy, caller, given["applicationId"])
    title = given.get("title") or "Manual deployment"
    dokploy.queue.add(row["applicationId"], title, given.get("description") or "", "deploy")
    return EMPTY


@mutation("application.redeploy", _DEPLOY)
def redeploy(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> Empty:
    """Enqueue without a pull."""
    row = application_of(dokploy, caller, given["applicationId"])
    title = given.get("title") or "Rebuild deployment"
    dokploy.queue.add(row["applicationId"], title, given.get("description") or "", "redeploy")
    return EMPTY


@mutation("application.stop", BY_APPLICATION)
async def stop(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
    """Scale to 0, slowly; a failure is swallowed, a deploy under way undoes it (FACTS 4)."""
    row = application_of(dokploy, caller, given["applicationId"])
    for job in dokploy.queue.active:
        if job.application_id == row["applicationId"]:
            job.stopped = True
    try:
        await dokploy.swarm.scale(row["appName"], 0)
    except (EngineRefused, EngineUnreachable):
        await asyncio.sleep(0)
    dokploy.database.set_application(row["applicationId"], {"applicationStatus": "idle"})
    return nested(dokploy, row)


@mutation("application.start", BY_APPLICATION)
async def start(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
    """Scale to 1, whatever ``replicas`` says; returns when it is stable, which may be never."""
    row = application_of(dokploy, caller, given["applicationId"])
    patient = Behaviour.START_NEVER_RETURNS in dokploy.behaviours
    try:
        async with asyncio.timeout(None if patient else 3 * dokploy.timings.scale):
            await dokploy.swarm.scale(row["appName"], 1)
    except TimeoutError:
        pass
    except (EngineRefused, EngineUnreachable) as error:
        dokploy.database.set_application(row["applicationId"], {"applicationStatus": "error"})
        raise Refusal(500, f"Command execution failed: {error}") from None
    dokploy.database.set_application(row["applicationId"], {"applicationStatus": "done"})
    return nested(dokploy, row)


@mutation("application.markRunning", BY_APPLICATION)
def mark_running(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> Empty:
    """Say ``running``; nothing ever takes it back (FACTS 4)."""
    row = application_of(dokploy, caller, given["applicationId"])
    dokploy.database.set_application(row["applicationId"], {"applicationStatus": "running"})
    return EMPTY


@mutation("application.cleanQueues", BY_APPLICATION)
def clean_queues(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> Empty:
    """Drop its waiting jobs; 200 for an unknown id as well."""
    dokploy.queue.clean(given["applicationId"])
    return EMPTY


@mutation("application.cancelDeployment", BY_APPLICATION)
def cancel_deployment(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> Empty:
    """Never possible on one's own server."""
    application_of(dokploy, caller, given["applicationId"])
    raise Refusal(400, "Deployment cancellation only available in cloud version")


@mutation("application.killBuild", {"applicationId": required(NAMED)})
def kill_build(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> Empty:
    """``pkill`` on the host: every build there is ends, whosever it is; 500 when there is none."""
    application_of(dokploy, caller, given["applicationId"])
    if not dokploy.queue.kill():
        raise Refusal(500, "Command execution failed: Command failed: pkill -2 -f 'docker build'")
    return EMPTY


@query("application.readLogs", _LOGS)
def read_logs(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> str:
    """The newest container's output (FACTS-2 6)."""
    row = application_of(dokploy, caller, given["applicationId"])
    service = dokploy.swarm.services.get(row["appName"])
    if service is None or not dokploy.swarm.reachable:
        raise Refusal(500, "No container or service found")
    newest = next((task.container for task in service.tasks if task.container is not None), None)
    if newest is None or service.spec.replicas == 0:
        return ""
    lines = _since(newest.logs(), given.get("since", "all"), dokploy.clock())
    tail = given.get("tail", 100)
    shown = [f"{log_stamp(line.at)} {line.text}\n" for line in lines[-tail:]]
    words = given.get("search")
    if words:
        shown = [line for line in shown if words.lower() in line.lower()]
        if not shown:
            command = f"docker container logs --timestamps --tail {tail}  {newest.container_id}"
            failure = f"Command failed: {command} 2>&1 | grep -iF '{words}'\n"
            raise Refusal(500, f"Command execution failed: {failure}")
    return "".join(shown)


def _since(lines: tuple[LogLine, ...], since: str, now: float) -> tuple[LogLine, ...]:
    if since == "all":
        return lines
    oldest = now - int(since[:-1]) * _UNITS[since[-1]]
    return tuple(line for line in lines if line.at >= oldest)
