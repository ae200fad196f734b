"""How a session is deleted: work first, then application, then volumes, then the record. Pure.

==========================================  ===================================================
what is seen                                what follows
==========================================  ===================================================
no application was ever asked for           the record may go
a listing is unknown                        nothing (S7)
a container holds unsaved work, unforced    nothing: its owner is told (S9)
an application, a build of it queued/runs   wait: at its end it would leave an orphan (FACTS 13)
an application                              Delete
none, but Dokploy knows its id              wait: the listing is out of date or cut short
none, a create may still be under way       wait
none, but its service lives on              reported: no call can remove it
none, its policy says Retain                the record may go
none, its container is still on the host    wait: it holds the volumes, ended or not
none                                        RemoveVolume…, then the record may go
==========================================  ===================================================

Volumes come last: removed before the container is gone, they would be in use, and a deletion that
is cut off would have destroyed work that is still being written. An empty list of containers is no
proof that they are gone (FACTS-2 2, an engine that is down), nor need there be a list at all; what
counts then is Docker's own refusal to remove a volume in use, and the next look.
"""

from __future__ import annotations

from datetime import datetime

from controller.actions import Create, Delete, RemoveVolume
from controller.errors import Failure, Next
from controller.identity import Identity
from controller.observed import Observed, Reading
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
from crds.base import ConditionStatus
from crds.session import DokployStatus, Session, Storage
from crds.vocabulary import ConditionType, Reason
from dokploy.port import VolumeRole

_CREATE = frozenset({Create.__name__})

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
    if at_stake and _can_be_asked(session, observed):
        return needing(known, "The container has the last word on its work", Reading.ECHO)
    if at_stake and _holds_unsaved_work(session, observed):
        message = "Its work is not saved elsewhere: commit and push it, or delete with --force to give it up"
        return Plan(
            message, known, pace=Pace.BACKOFF, blocked=Failure(Next.WAIT, Reason.WORK_UNSAVED, message)
        )
    if observed.applications:
        return _delete_applications(session, observed)
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


def _can_be_asked(session: Session, observed: Observed) -> bool:
    """Whether a container runs that can tell more than its last report, which may be a while old."""
    running = any(row.running for row in observed.services or ())
    return (
        bool(observed.applications)
        and running
        and observed.echo is None
        and session.status.dokploy.route is not None
    )


def _holds_unsaved_work(session: Session, observed: Observed) -> bool:
    if isinstance(observed.echo, dict):
        return observed.echo["work"]["state"] == "Unsaved"
    return any(
        condition.type == ConditionType.WORK_SAVED and condition.status is ConditionStatus.FALSE
        for condition in session.status.conditions
    )


def _delete_applications(session: Session, observed: Observed) -> Plan:
    known = replace_known(session.status.dokploy, lost_at=None)
    if observed.jobs is None:
        return needing(known, "No build of it may be queued or running", Reading.JOBS)
    rows = [row for row in observed.applications or () if not observed.has_job(row.ref.application_id)]
    if not rows:
        message = "A build of it is queued or running; deleted now, it would leave a service behind"
        return Plan(message, known, pace=Pace.MOTION, blocked=Failure(Next.WAIT, Reason.BUILDING, message))
    return Plan("It is being deleted", known, tuple(Delete(row.ref) for row in rows), pace=Pace.MOTION)


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
