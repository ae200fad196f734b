"""The person who runs Dokploy's host, and does there what Berth says that no call can do."""

from __future__ import annotations

from controller.identity import Identity
from crds.session import Session
from tests.controller.world import World
from tests.laws import INSTANCE


async def remove_orphans(of: World) -> int:
    """Remove each service that Dokploy has forgotten, as Berth asks; returns how many.

    Dokploy leaves one when it deletes an application while its engine is down, or in the middle of a
    reload (FACTS 7.2 and 14).
    """
    known = {row["appName"] for row in of.dokploy.database.tables["application"].values()}
    orphans = [name for name in of.dokploy.swarm.services if name not in known]
    sessions = (await of.records.list(Session)).items
    told = [condition.message for session in sessions for condition in session.status.conditions]
    told += [event.message for event in await of.records.list_events(limit=100_000)]
    for name in orphans:
        assert any(name in text and "docker service rm" in text for text in told), f"{name} is not told of"
        of.dokploy.swarm.remove(name)
    return len(orphans)


async def remove_volumes(of: World, session: Session) -> None:
    """Remove the volumes that a deleted session's policy left in place."""
    marker = Identity.of(session, instance=INSTANCE).marker
    for volume in [name for name in of.simulation.volumes() if name.startswith(marker)]:
        del of.simulation.disk[volume]
