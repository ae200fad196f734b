"""Whether a deletion that is asked for would lose work: asked of the container itself, for the API.

No call of Dokploy's is made. What this lets pass, the controller asks once more, by what Dokploy
shows, before it removes anything.
"""

from __future__ import annotations

from controller.actions import domain_in
from controller.echo import read_report
from controller.identity import Identity
from controller.inputs import storage_of
from controller.observed import Silence
from controller.probe import HttpProbe, Probe
from controller.unsaved import WITHOUT_ROUTE, Loss, by_answer, by_last_reading, was_reported
from crds.base import ConditionStatus, Key
from crds.session import Session
from crds.target import Target
from crds.vocabulary import ConditionType
from records.errors import NotFound
from records.port import Records


async def ask(records: Records, session: Session) -> Loss | None:
    """What a deletion without force would lose, or might; None for nothing. Raises RecordsError."""
    probe = HttpProbe()
    try:
        return await would_lose(records, session, probe)
    finally:
        await probe.aclose()


async def would_lose(records: Records, session: Session, probe: Probe) -> Loss | None:
    """The same by a probe; raises RecordsError."""
    known = session.status.dokploy
    storage = await storage_of(records, session)
    if storage.on_delete != "Delete" or known.application_id is None or known.removing_since is not None:
        return None
    if known.route is None:
        return WITHOUT_ROUTE if known.applied is not None else None
    settings = await records.settings()
    identity = Identity.of(session, instance=settings.instance)
    address = await _address(records, session.target_name)
    answer = await read_report(probe, domain_in(known.route), address, identity, asking=True)
    work = Silence.NO_ANSWER if answer.work is None else answer.work
    if isinstance(work, Silence) and not _runs(session):
        return by_last_reading(session)
    return by_answer(session, work)


def _runs(session: Session) -> bool:
    """Whether a container may run in which somebody can have worked.

    One that never told of any work was never Ready, and nobody was let in.
    """
    suspended = any(
        condition.type == ConditionType.SUSPENDED and condition.status is ConditionStatus.TRUE
        for condition in session.status.conditions
    )
    return not suspended and (was_reported(session) or session.status.is_ready)


async def _address(records: Records, name: str) -> str | None:
    try:
        target = await records.get(Target, Key("", name))
    except NotFound:
        return None
    return target.spec.route.probe_address
