"""How a session is deleted: work first, then application, then volumes, then the record. Pure.

==========================================  ===================================================
what is seen                                what follows
==========================================  ===================================================
no application was ever asked for           the record may go
a listing is unknown                        nothing (S7)
an application, a build of it queued/runs   wait: at its end it would leave an orphan (FACTS 13)
one, a build of it may still be under way   wait: at its end it would leave an orphan
one, unforced, its container not asked      ask it for its work as it is now
one, unforced, work unsaved or not known    wait: its owner is told, and can undo the deletion
an application                              Delete
none, none removed by us, work unsaved      wait, as above
none, but Dokploy knows its id              wait: the listing is out of date or cut short
none, a create may still be under way       wait
none, but its service lives on              reported: no call can remove it
none, its policy says Retain                the record may go
none, its container is still on the host    wait: it holds the volumes, ended or not
none                                        RemoveVolume…, then the record may go
==========================================  ===================================================

:mod:`controller.unsaved` says what counts as unsaved and as known. The question comes after all other
readings, so that nothing but the record of what is about to be done lies between its answer and the
deletion of the application, which ends the container.

Volumes come last: removed before the container is gone, they would be in use, and a deletion that
is cut off would have destroyed work that is still being written. An empty list of containers is no
proof that they are gone (FACTS-2 2, an engine that is down), nor need there be a list at all; what
counts then is Docker's own refusal to remove a volume in use, and the next look.
"""

from __future__ import annotations

from datetime import datetime

from controller.actions import Build, Create, Delete, RemoveVolume, route_text
from controller.errors import Failure, Next
from controller.identity import Identity
from controller.observed import Observed, Reading, Silence
from controller.planned import (
    Pace,
    Plan,
    may_take_effect,
    needing,
    replace_known,
    unanswered,
    unconfirmed,
    unknown,
)
from controller.unsaved import WITHOUT_ROUTE, Loss, by_answer, by_last_reading, was_reported
from crds.session import DokployStatus, Session, Storage
from crds.vocabulary import Reason
from dokploy.port import VolumeRole

_CREATE = frozenset({Create.__name__})
_BUILD = frozenset({Build.__name__})
_DELETE_SETTLES = 120.0
"""Seconds in which a deletion of the application that got no answer may still take effect."""

FORCE_ANNOTATION = "berth.dev/force-delete"
"""Set to "true": delete although the work is known to be unsaved."""


def plan_deletion(
    session: Session,
    identity: Identity,
    observed: Observed,
    *,
    storage: Storage,
    claimed: bool,
    now: datetime,
) -> Plan:
    """Plan for a session that is being deleted.

    ``claimed`` says whether an application was ever asked for: without a claim there is none to be
    looked for, whatever can or cannot be seen.
    """
    known = session.status.dokploy
    if not claimed:
        return Plan("It never had an application", known, finished=True)
    if observed.applications is None or observed.services is None:
        return unknown(known, observed)
    at_stake = storage.on_delete == "Delete" and session.metadata.annotations.get(FORCE_ANNOTATION) != "true"
    if observed.applications:
        return _delete_applications(session, observed, now, at_stake=at_stake)
    if at_stake and known.removing_since is None:
        # Somebody else removed the application, and with it whoever could be asked.
        lost = by_last_reading(session)
        if lost is not None:
            return _held_up(session, known, lost)
    doubt = unconfirmed(known, observed) if known.lost_at is None else None
    if doubt is not None:
        return doubt
    if may_take_effect(known.intent, _CREATE, now):
        return unanswered(known, "create")
    if observed.orphans():
        return _wait_for_services(session, observed)
    if storage.on_delete == "Retain":
        return Plan("Its application is gone; its volumes are retained", known, finished=True)
    # Asked for by its id once, not at each look.
    known = replace_known(known, lost_at=known.lost_at or now)
    if observed.containers is None:
        return needing(known, "A container has its volumes until it is gone", Reading.CONTAINERS)
    if isinstance(observed.containers, tuple) and observed.containers:
        return _wait_for_containers(known)
    volumes = tuple(RemoveVolume(identity.volume(role)) for role in VolumeRole)
    return Plan(
        "Its application is gone; its volumes follow", known, volumes, pace=Pace.MOTION, finished=True
    )


def _delete_applications(session: Session, observed: Observed, now: datetime, *, at_stake: bool) -> Plan:
    known = replace_known(session.status.dokploy, lost_at=None)
    if may_take_effect(known.intent, _BUILD, now):
        # In no queue yet, it would be built after the deletion, and leave a service behind.
        return unanswered(known, "build")
    if observed.jobs is None:
        return needing(known, "No build of it may be queued or running", Reading.JOBS)
    rows = [row for row in observed.applications or () if not observed.has_job(row.ref.application_id)]
    if not rows:
        message = "A build of it is queued or running; deleted now, it would leave a service behind"
        return Plan(message, known, pace=Pace.MOTION, blocked=Failure(Next.WAIT, Reason.BUILDING, message))
    if at_stake:
        waits = _ask_for_work(session, known, observed, now)
        if waits is not None:
            return waits
    return Plan(
        "Its application is being deleted; its volumes follow",
        replace_known(known),
        tuple(Delete(row.ref) for row in rows),
        pace=Pace.MOTION,
    )


def _ask_for_work(session: Session, known: DokployStatus, observed: Observed, now: datetime) -> Plan | None:
    """Ask what is at stake, or wait because of it; None where nothing is lost."""
    if known.route is None and observed.application is not None:
        # A pass that was cut off may have attached it without a word in our record.
        if observed.detail is None:
            return needing(known, "The route to its container must be known", Reading.DETAIL)
        if observed.detail.domains:
            known = replace_known(known, route=route_text(observed.detail.domains[0]))
    runs = any(row.running for row in observed.services or ())
    if known.route is None:
        never_ran = not runs and known.applied is None
        return None if never_ran else _held_up(session, _undecided(known, now), WITHOUT_ROUTE)
    if _is_stopped(observed):
        lost = by_last_reading(session)
        return _held_up(session, _undecided(known, now), lost) if lost else None
    if observed.work is None:
        return needing(known, "Its container must say whether its work is saved now", Reading.WORK)
    lost = by_answer(session, observed.work)
    if lost is None:
        return None
    if isinstance(observed.work, Silence) and not runs and not was_reported(session):
        return None  # nobody was ever let into a container of it
    return _held_up(session, _undecided(known, now), lost)


def _is_stopped(observed: Observed) -> bool:
    """Whether every application has a service that is known to have, and to want, no container."""
    services = [observed.service_of(row) for row in observed.applications or ()]
    return all(row is not None and not row.wanted and not row.running for row in services)


def _undecided(known: DokployStatus, now: datetime) -> DokployStatus:
    """An earlier call to delete it, unanswered, has had its time: nothing was removed after all."""
    since = known.removing_since
    if since is None or 0 <= (now - since).total_seconds() < _DELETE_SETTLES:
        return known
    return replace_known(known, removing_since=None)


def _held_up(session: Session, known: DokployStatus, lost: Loss) -> Plan:
    failure = lost.holds_up(session)
    return Plan(failure.message, known, pace=Pace.BACKOFF, blocked=failure)


def _wait_for_containers(known: DokployStatus) -> Plan:
    message = "Its application is gone; its volumes follow once its container is, too"
    return Plan(message, known, pace=Pace.MOTION, blocked=Failure(Next.WAIT, Reason.STORAGE_IN_USE, message))


def _wait_for_services(session: Session, observed: Observed) -> Plan:
    names = ", ".join(row.app_name for row in observed.orphans())
    message = (
        f"The service {names} is still there without its application; if it stays, Dokploy has no "
        f"call to remove it; on the Dokploy host: docker service rm {names}"
    )
    return Plan(
        message,
        session.status.dokploy,
        pace=Pace.BACKOFF,
        blocked=Failure(Next.WAIT, Reason.ORPHAN_SERVICE, message),
    )
