"""``deployment.*`` and ``overview.*``: history, queue and the one cheap listing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dokploy.local.answers import Serialised
from dokploy.local.checks import Fields, Number, OneOf
from dokploy.local.database import Row
from dokploy.local.procedures.shared import BY_APPLICATION
from dokploy.local.refusals import Refusal, no_access
from dokploy.local.registry import Call, mutation, query
from dokploy.local.shapes import NAMED, optional, required

if TYPE_CHECKING:
    from dokploy.local.dokploy import LocalDokploy

_BY_TYPE: Final[Fields] = {
    "id": required(NAMED),
    "type": required(
        OneOf(("application", "compose", "server", "schedule", "previewDeployment", "backup", "volumeBackup"))
    ),
}
_BY_DEPLOYMENT: Final[Fields] = {"deploymentId": required(NAMED)}
_LOGS: Final[Fields] = {
    **_BY_DEPLOYMENT,
    "tail": optional(Number(1, 10_000, lenient=True), nullable=False),
}


@query("overview.services")
def overview(call: Call) -> Serialised:
    """Every application of the organisation; none for a member, with 200 (FACTS 14)."""
    return Serialised(call.database.overview() if call.caller.may_all else b"[]")


@query("deployment.all", BY_APPLICATION)
def every(call: Call) -> list[Row]:
    """The history of one application, the newest first."""
    row = call.application()
    return call.database.of("deployment", row["applicationId"])[::-1]


@query("deployment.allByType", _BY_TYPE)
def by_type(call: Call) -> list[Row]:
    """The same, with a field more."""
    if call.given["type"] != "application":
        return []
    row = call.application(call.given["id"])
    newest = call.database.of("deployment", row["applicationId"])[::-1]
    return [{**deployment, "rollback": None} for deployment in newest]


@query("deployment.queueList")
def queue_list(call: Call) -> list[dict[str, Any]]:
    """Waiting and active jobs, the newest first; one of a deleted application has no page."""
    if not call.caller.may_all:
        return []
    return [job.shown(_page(call.dokploy, job.application_id)) for job in call.dokploy.queue.jobs]


def _page(dokploy: LocalDokploy, application_id: str) -> str | None:
    row = dokploy.database.tables["application"].get(application_id)
    if row is None:
        return None
    environment = dokploy.database.tables["environment"][row["environmentId"]]
    place = f"project/{environment['projectId']}/environment/{environment['environmentId']}"
    return f"/dashboard/{place}/services/application/{application_id}"


@query("deployment.readLogs", _LOGS)
def read_logs(call: Call) -> str:
    """The end of a deployment's log."""
    deployment = call.database.get("deployment", call.given["deploymentId"])
    if not call.caller.may_all:
        raise no_access()
    text = "".join(call.database.logs[deployment["deploymentId"]])
    # Split at line feeds alone: what progress lines overwrite with "\r" is one line for ``tail``.
    lines = text.removesuffix("\n").split("\n")
    return "\n".join([*lines[-call.given.get("tail", 100) :], ""]) if text else ""


@mutation("deployment.killProcess", _BY_DEPLOYMENT)
def kill_process(call: Call) -> bool:
    """Works for schedules alone: an application's deployment has no pid (FACTS 4)."""
    call.database.get("deployment", call.given["deploymentId"])
    raise Refusal(400, "Deployment is not running")
