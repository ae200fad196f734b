"""Where a session is: the one target that its application and volumes are on. Pure.

A session has one place for as long as it lives (law S14). Its volumes hold its work and cannot be
taken along, so another place is refused and never made, whether the session names another Target,
or its Target has come to lead to another Dokploy. What tells one Dokploy from another is the id of
the organisation, drawn by Dokploy when it is set up. A Target that was declared anew or got another
address leads to the same place if that is the same, and the session's application shows there.
"""

from __future__ import annotations

from controller.errors import Failure, Next
from controller.observed import Observed
from controller.planned import Pace, Plan
from controller.reasons import OUT_OF_REACH, UNPLACED
from crds.session import ORPHAN_ANNOTATION, DokployStatus, Session, TargetPlace
from crds.vocabulary import Reason


def change_refused(session: Session) -> Failure | None:
    """Why a session that names another target than its own is left alone; None where it does not."""
    wanted, place = session.spec.target.name, session.target_name
    if wanted == place:
        return None
    message = (
        f"spec.target.name: its application and volumes are on the target {place!r}, and a session cannot be "
        f"moved to {wanted!r}; set it back to {place!r}, or save its work, delete it and declare it again"
    )
    return Failure(Next.STALL, Reason.TARGET_CHANGE_REFUSED, message)


def not_found(session: Session) -> Failure:
    """That the target of a session is not there."""
    name = session.target_name
    if not session.is_placed:
        message = f"spec.target.name: the target {name!r} is not there, or has no key"
    else:
        message = (
            f"the target {name!r}, where its application and volumes are, is not there, or has no key; "
            f"declare it again, or give up what is there: {_give_up(session)}"
        )
    return Failure(Next.STALL, Reason.TARGET_NOT_FOUND, message)


def elsewhere(
    session: Session, here: TargetPlace | None, observed: Observed, *, accepted: bool
) -> Failure | None:
    """Why what a target shows says nothing of a session: it was made on another Dokploy.

    ``here`` is where the target leads, None before that is known. ``accepted`` is whether a person has
    said that what the target lacks is gone.
    """
    known = session.status.dokploy
    place = known.target
    if place is None or here is None:
        return None
    if here.organization_id != place.organization_id:
        why = f"leads to another Dokploy than the one at {place.url}, where its application and volumes are"
        return _replaced(session, why)
    if here.url == place.url or known.application_id is None or accepted:
        return None
    if observed.applications is not None and not observed.applications:
        # The database of a Dokploy may have been copied to another host while the first still runs.
        why = f"has another address than {place.url}, and its application does not show there"
        return _replaced(session, why)
    return None


def _replaced(session: Session, why: str) -> Failure:
    message = (
        f"the target {session.target_name!r} {why}; set the target back, or give up what is there: "
        f"{_give_up(session)}"
    )
    return Failure(Next.STALL, Reason.TARGET_REPLACED, message)


def _give_up(session: Session) -> str:
    return f"berth delete session {session.metadata.name} --orphan"


def placed(
    known: DokployStatus, session: Session, here: TargetPlace | None, *, creating: bool
) -> DokployStatus:
    """Our record with the place in it, from the first create on; it is never forgotten again.

    ``here`` is the target that was looked at and shows the session, None where none was.
    """
    before = session.status.dokploy.target
    place = before if here is None or not (creating or session.is_placed) else here
    return known if known.target == place else known.model_copy(update={"target": place})


def is_certain(session: Session, here: TargetPlace | None) -> bool:
    """Whether a target leads to where the session is for all that is on record: no look is needed."""
    place = session.status.dokploy.target
    if place is None or here is None:
        return True
    return (here.organization_id, here.url) == (place.organization_id, place.url)


def nothing_was_made(session: Session) -> bool:
    """Whether nothing of a session can be anywhere: its place is on record before the first create."""
    return not session.is_placed and session.status.dokploy.intent is None


def out_of_reach(session: Session, observed: Observed) -> Plan | None:
    """What becomes of a deletion whose target cannot be reached; None where it can be.

    It waits, and names the way out; or it ends, where its owner gives up what is there.
    """
    cause = observed.unknown
    if cause is None or cause.reason not in OUT_OF_REACH:
        return None
    known = session.status.dokploy
    if session.metadata.annotations.get(ORPHAN_ANNOTATION) == "true":
        message = (
            f"Left on the target {session.target_name!r}: {session.left_behind}. Should the target come "
            f"back, "
            "its sweep deletes the application and reports the volumes"
        )
        return Plan(message, known, pace=Pace.SETTLED, finished=True)
    message = cause.message
    if cause.reason not in UNPLACED:
        message = (
            f"the target {session.target_name!r} cannot be reached: {message}; the deletion goes on once "
            f"it can "
            f"be, or give up what is there: {_give_up(session)}"
        )
    return Plan(message, known, blocked=Failure(Next.WAIT, cause.reason, message))
