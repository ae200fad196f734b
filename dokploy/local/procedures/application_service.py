"""``application.*``: what acts on the service, the queue and the logs."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Any, Final

from dokploy.local.answers import EMPTY, Empty
from dokploy.local.behaviours import Behaviour
from dokploy.local.checks import Fields, Number, Text
from dokploy.local.environment import BadEnvironment
from dokploy.local.procedures.shared import BY_APPLICATION, nested
from dokploy.local.refusals import Refusal
from dokploy.local.registry import Call, mutation, query
from dokploy.local.runtime import LogLine
from dokploy.local.shapes import APP_NAME, NAMED, optional, required
from dokploy.local.swarm import EngineRefused, EngineUnreachable
from dokploy.local.words import log_stamp

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
async def reload(call: Call) -> bool:
    """Create or update the service now, outside the queue, and roll its task (FACTS 1).

    The appName sent is not looked at. ``done`` whatever was the status before: after a failed
    build, and during a running one, too (FACTS-2 1).
    """
    row = call.application()
    application_id = row["applicationId"]
    try:
        await call.dokploy.swarm.apply(call.dokploy.specify(row))
    except (BadEnvironment, EngineRefused, EngineUnreachable):
        call.database.set_application(application_id, {"applicationStatus": "error"})
        raise Refusal(500, "Error reloading application") from None
    call.database.set_application(application_id, {"applicationStatus": "done"})
    return True


@mutation("application.deploy", _DEPLOY)
def deploy(call: Call) -> Empty:
    """Enqueue; an empty body, and no trace until the job starts (FACTS 4)."""
    row = call.application()
    title = call.given.get("title") or "Manual deployment"
    call.dokploy.queue.add(row["applicationId"], title, call.given.get("description") or "", "deploy")
    return EMPTY


@mutation("application.redeploy", _DEPLOY)
def redeploy(call: Call) -> Empty:
    """Enqueue without a pull."""
    row = call.application()
    title = call.given.get("title") or "Rebuild deployment"
    call.dokploy.queue.add(row["applicationId"], title, call.given.get("description") or "", "redeploy")
    return EMPTY


@mutation("application.stop", BY_APPLICATION)
async def stop(call: Call) -> dict[str, Any]:
    """Scale to 0, slowly; a failure is swallowed, a deploy under way undoes it (FACTS 4)."""
    row = call.application()
    for job in call.dokploy.queue.active:
        if job.application_id == row["applicationId"]:
            job.stopped = True
    with contextlib.suppress(EngineRefused, EngineUnreachable):
        await call.dokploy.swarm.scale(row["appName"], 0)
    call.database.set_application(row["applicationId"], {"applicationStatus": "idle"})
    return nested(call.dokploy, row)


@mutation("application.start", BY_APPLICATION)
async def start(call: Call) -> dict[str, Any]:
    """Scale to 1, whatever ``replicas`` says; returns when it is stable, which may be never."""
    row = call.application()
    patient = Behaviour.START_NEVER_RETURNS in call.dokploy.behaviours
    try:
        async with asyncio.timeout(None if patient else 3 * call.dokploy.timings.scale):
            await call.dokploy.swarm.scale(row["appName"], 1)
    except TimeoutError:
        pass
    except (EngineRefused, EngineUnreachable) as error:
        call.database.set_application(row["applicationId"], {"applicationStatus": "error"})
        raise Refusal(500, f"Command execution failed: {error}") from None
    call.database.set_application(row["applicationId"], {"applicationStatus": "done"})
    return nested(call.dokploy, row)


@mutation("application.markRunning", BY_APPLICATION)
def mark_running(call: Call) -> Empty:
    """Say ``running``; nothing ever takes it back (FACTS 4)."""
    row = call.application()
    call.database.set_application(row["applicationId"], {"applicationStatus": "running"})
    return EMPTY


@mutation("application.cleanQueues", BY_APPLICATION)
def clean_queues(call: Call) -> Empty:
    """Drop its waiting jobs; 200 for an unknown id as well."""
    call.dokploy.queue.clean(call.given["applicationId"])
    return EMPTY


@mutation("application.cancelDeployment", BY_APPLICATION)
def cancel_deployment(call: Call) -> Empty:
    """Never possible on one's own server."""
    call.application()
    raise Refusal(400, "Deployment cancellation only available in cloud version")


@mutation("application.killBuild", {"applicationId": required(NAMED)})
def kill_build(call: Call) -> Empty:
    """``pkill`` on the host: every build there is ends, whosever it is; 500 when there is none."""
    call.application()
    if not call.dokploy.queue.kill():
        raise Refusal(500, "Command execution failed: Command failed: pkill -2 -f 'docker build'")
    return EMPTY


@query("application.readLogs", _LOGS)
def read_logs(call: Call) -> str:
    """The newest container's output (FACTS-2 6)."""
    row = call.application()
    service = call.dokploy.swarm.services.get(row["appName"])
    if service is None or not call.dokploy.swarm.reachable:
        raise Refusal(500, "No container or service found")
    newest = next((task.container for task in service.tasks if task.container is not None), None)
    if newest is None or service.spec.replicas == 0:
        return ""
    lines = _since(newest.logs(), call.given.get("since", "all"), call.dokploy.clock())
    tail = call.given.get("tail", 100)
    shown = [f"{log_stamp(line.at)} {line.text}\n" for line in lines[-tail:]]
    words = call.given.get("search")
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
