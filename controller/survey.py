"""Reads what a target holds and what the store knows, and judges it; changes nothing.

The controller's sweep and the dry run of ``berth sweep`` both look through :func:`survey`: what is
shown is what would be done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from controller.identity import Identity, Markers
from controller.judgement import Found, Holdings, Known, judge
from controller.observe import Snapshot, expected_of, take_snapshot
from controller.observed import Unknown
from crds.session import Session
from crds.target import Target
from crds.target_status import FoundItem
from dokploy.port import Dokploy
from records.paging import pages
from records.port import Claim, Records


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found, or why nothing can be concluded (law S7)."""

    found: tuple[Found, ...] = ()
    unknown: Unknown | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """A survey as it is told."""

    items: tuple[FoundItem, ...] = ()
    unfinished: str | None = None


async def survey(records: Records, dokploy: Dokploy, target: Target, *, now: datetime) -> Survey:
    """Look once, by three readings of Dokploy; raises DokployError and RecordsError."""
    settings = await records.settings()
    sessions = await _sessions(records, settings.instance)
    expected = [
        expected_of(session, session_id)
        for session_id, session in sessions.items()
        if session.target_name == target.metadata.name
    ]
    snapshot = await take_snapshot(dokploy, Markers(settings.instance), expected, now=now)
    return await survey_of(snapshot, records, dokploy, target, now=now)


async def survey_of(
    snapshot: Snapshot, records: Records, dokploy: Dokploy, target: Target, *, now: datetime
) -> Survey:
    """Judge a snapshot that is there already, by one more reading: the volumes."""
    if snapshot.doubt is not None and target.absence_accepted_until(now) is None:
        return Survey(unknown=snapshot.doubt)
    volumes = await dokploy.list_volumes()
    # After the listings: a session that was declared before them, and went since, is then seen as
    # gone while its application still shows. The second look tells that apart. The other way round
    # a session declared since would be unknown, and its application taken for nobody's.
    instance = (await records.settings()).instance
    known = _known(await _sessions(records, instance), await records.claims())
    holdings = Holdings(snapshot.applications, snapshot.services, volumes)
    return Survey(judge(holdings, known, Markers(instance)))


async def preview(records: Records, dokploy: Dokploy, target: Target) -> Preview:
    """What a sweep would find just now; raises DokployError and RecordsError."""
    seen = await survey(records, dokploy, target, now=datetime.now(UTC))
    unfinished = seen.unknown.message if seen.unknown else None
    return Preview(tuple(item_of(found) for found in seen.found), unfinished)


def item_of(found: Found) -> FoundItem:
    """A finding as it is told."""
    return FoundItem(
        finding=found.finding,
        name=found.name,
        session=str(found.session) if found.session else None,
        created_at=found.created_at,
        outcome=found.outcome,
        command=found.command,
    )


async def _sessions(records: Records, instance: str) -> dict[str, Session]:
    found: dict[str, Session] = {}
    async for page in pages(records, Session):
        for session in page.items:
            found[Identity.of(session, instance=instance).session_id] = session
    return found


def _known(sessions: Mapping[str, Session], claims: Mapping[str, Claim]) -> dict[str, Known]:
    """Every session id that is ours: what is declared, and the claims of what was."""
    gone = {
        session_id: Known(claim.key, declared=False, retained=claim.retained)
        for session_id, claim in claims.items()
        if session_id not in sessions
    }
    there = {
        session_id: Known(session.key, declared=True, application_id=session.status.dokploy.application_id)
        for session_id, session in sessions.items()
    }
    return gone | there
