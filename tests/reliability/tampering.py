"""What outsiders do to Dokploy between any two of our calls (LAWS, "From outsiders")."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from controller.identity import Identity
from tests import laws
from tests.controller.world import KEY
from tests.reliability.faults import Tamper

if TYPE_CHECKING:
    from tests.reliability.world import ReliabilityWorld


async def tamper(of: ReliabilityWorld, deed: Tamper) -> None:
    """Do it to the first session's application, as far as there is one."""
    rows = [
        dict(row)
        for row in of.dokploy.database.tables["application"].values()
        if laws.MARKERS.session_id(row["appName"])
    ]
    act = _ON_DOKPLOY.get(deed)
    if act is not None:
        await act(of)
    elif rows:
        await _ON_APPLICATION[deed](of, rows[0])


async def _call(of: ReliabilityWorld, procedure: str, /, **given: Any) -> None:
    await of.dokploy.call(procedure, "POST", given, KEY)


async def _delete(of: ReliabilityWorld, row: dict[str, Any]) -> None:
    await _call(of, "application.delete", applicationId=row["applicationId"])


async def _stop(of: ReliabilityWorld, row: dict[str, Any]) -> None:
    await _call(of, "application.stop", applicationId=row["applicationId"])


async def _start(of: ReliabilityWorld, row: dict[str, Any]) -> None:
    if of.is_stopping(row["appName"]):
        return
    await _call(of, "application.start", applicationId=row["applicationId"])


async def _edit(of: ReliabilityWorld, row: dict[str, Any]) -> None:
    if of.is_stopping(row["appName"]):
        return
    await _call(of, "application.update", applicationId=row["applicationId"], env="A=b", replicas=1)
    await _call(of, "application.deploy", applicationId=row["applicationId"])


async def _scale_down(of: ReliabilityWorld, row: dict[str, Any]) -> None:
    await _call(of, "application.update", applicationId=row["applicationId"], replicas=0)
    await _call(of, "application.reload", applicationId=row["applicationId"], appName="x")


async def _rename(of: ReliabilityWorld, row: dict[str, Any]) -> None:
    await _call(of, "application.update", applicationId=row["applicationId"], name="s-10", description="")


async def _unmount(of: ReliabilityWorld, row: dict[str, Any]) -> None:
    for mount in list(of.dokploy.database.tables["mount"].values()):
        if mount["applicationId"] == row["applicationId"]:
            await _call(of, "mounts.remove", mountId=mount["mountId"])


async def _remount(of: ReliabilityWorld, row: dict[str, Any]) -> None:
    for mount in list(of.dokploy.database.tables["mount"].values()):
        if mount["applicationId"] == row["applicationId"]:
            again = {part: mount[part] for part in ("type", "volumeName", "mountPath", "serviceType")}
            await _call(of, "mounts.create", serviceId=row["applicationId"], **again)


async def _unroute(of: ReliabilityWorld, row: dict[str, Any]) -> None:
    for domain in list(of.dokploy.database.tables["domain"].values()):
        if domain["applicationId"] == row["applicationId"]:
            await _call(of, "domain.delete", domainId=domain["domainId"])


async def _double(of: ReliabilityWorld, row: dict[str, Any]) -> None:
    of.doubled += 1
    base = str(row["appName"])[:-7]
    environment = row["environmentId"]
    await _call(of, "application.create", name="a copy", appName=base, environmentId=environment)


async def _crash(of: ReliabilityWorld, row: dict[str, Any]) -> None:
    of.simulation.kill(row["appName"])


async def _imitate(of: ReliabilityWorld) -> None:
    """Names that are ours but for a character, before and after the delimiter."""
    environments = of.dokploy.database.tables["environment"]
    for session in await of.sessions():
        marker = Identity.of(session, instance=laws.INSTANCE).marker
        for name in (f"{marker}0", f"{marker}-0", marker[:-1], f"x{marker}"):
            await _call(
                of,
                "application.create",
                name="an imitation",
                appName=name,
                environmentId=next(iter(environments)),
            )
    of.watch.look_again()


async def _restart(of: ReliabilityWorld) -> None:
    await of.dokploy.restart(downtime=3.0)


async def _restore(of: ReliabilityWorld) -> None:
    if of.backup is None:
        return
    before = {row["appName"] for row in of.dokploy.database.tables["application"].values()}
    of.dokploy.restore(of.backup)
    after = {row["appName"] for row in of.dokploy.database.tables["application"].values()}
    of.watch.brought_back |= after - before


_ON_APPLICATION: dict[Tamper, Callable[[ReliabilityWorld, dict[str, Any]], Awaitable[None]]] = {
    Tamper.DELETES: _delete,
    Tamper.STOPS: _stop,
    Tamper.STARTS: _start,
    Tamper.EDITS: _edit,
    Tamper.SCALES_DOWN: _scale_down,
    Tamper.RENAMES: _rename,
    Tamper.UNMOUNTS: _unmount,
    Tamper.REMOUNTS: _remount,
    Tamper.UNROUTES: _unroute,
    Tamper.DOUBLES: _double,
    Tamper.CRASHES: _crash,
}
_ON_DOKPLOY: dict[Tamper, Callable[[ReliabilityWorld], Awaitable[None]]] = {
    Tamper.IMITATES: _imitate,
    Tamper.RESTARTS: _restart,
    Tamper.RESTORES: _restore,
}
