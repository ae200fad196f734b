"""``deployment.*`` and ``overview.*``: history, queue and the one cheap listing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dokploy.local.answers import Serialised
from dokploy.local.checks import Fields, Number, OneOf
from dokploy.local.database import Row
from dokploy.local.keys import Caller
from dokploy.local.procedures.shared import BY_APPLICATION, application_of
from dokploy.local.refusals import Refusal, no_access
from dokploy.local.registry import mutation, query
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
def overview(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> Serialised:
    """Every application of the organisation; none for a member, with 200 (FACTS 14)."""
    return Serialised(dokploy.database.overview() if caller.may_all else b"[]")


@query("deployment.all", BY_APPLICATION)
def every(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> list[Row]:
    """The history of one application, the newest first."""
    row = application_of(dokploy, caller, given["applicationId"])
    return dokploy.database.of("deployment", row["applicationId"])[::-1]


@query("deployment.allByType", _BY_TYPE)
def by_type(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> list[Row]:
    """The same, with a field more."""
    if given["type"] != "application":
        return []
    row = application_of(dokploy, caller, given["id"])
    newest = dokploy.database.of("deployment", row["applicationId"])[::-1]
    return [{**deployment, "rollback": None} for deployment in newest]


@query("deployment.queueList")
def queue_list(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> list[dict[str, Any]]:
    """Waiting and active jobs, the newest first; one of a deleted application has no page."""
    if not caller.may_all:
        return []
    return [job.shown(_page(dokploy, job.application_id)) for job in dokploy.queue.jobs]


def _page(dokploy: LocalDokploy, application_id: str) -> str | None:
    row = dokploy.database.tables["application"].get(application_id)
    if row is None:
        return None
    environment = dokploy.database.tables["environment"][row["environmentId"]]
    place = f"project/{environment['projectId']}/environment/{environment['environmentId']}"
    return f"/dashboard/{place}/services/application/{application_id}"


@query("deployment.readLogs", _LOGS)
def read_logs(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> str:
    """The end of a deployment's log."""
    deployment = dokploy.database.get("deployment", given["deploymentId"])
    if not caller.may_all:
        raise no_access()
    text = "".join(dokploy.database.logs[deployment["deploymentId"]])
    # Split at line feeds alone: what progress lines overwrite with "\r" is one line for ``tail``.
    lines = text.removesuffix("\n").split("\n")
    return "\n".join([*lines[-given.get("tail", 100) :], ""]) if text else ""


@mutation("deployment.killProcess", _BY_DEPLOYMENT)
def kill_process(dokploy: LocalDokploy, caller: Caller, given: dict[str, Any]) -> bool:
    """Works for schedules alone: an application's deployment has no pid (FACTS 4)."""
    dokploy.database.get("deployment", given["deploymentId"])
    raise Refusal(400, "Deployment is not running")
