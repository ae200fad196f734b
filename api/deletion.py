"""When a deletion is refused, and when it can be undone. Pure: store and container are asked elsewhere."""

from __future__ import annotations

from typing import TypeVar

from api.ports import Loss
from api.problems import Problem, Reason
from crds.base import Resource
from crds.session import ORPHAN_ANNOTATION, OperatingMode, Session
from crds.vocabulary import Reason as Why

R = TypeVar("R", bound=Resource)

FORCE_DELETE_ANNOTATION = "berth.dev/force-delete"
"""``"true"``: the session may go although work in it is not saved elsewhere (law S9)."""

_OUT_OF_REACH = frozenset({Why.TARGET_NOT_FOUND, Why.TARGET_REPLACED, Why.TARGET_UNREACHABLE})
"""Reasons for which only ``--orphan`` ends a deletion, should they last."""

FOR_THIS_DELETION = frozenset({FORCE_DELETE_ANNOTATION, ORPHAN_ANNOTATION})
"""Annotations that say how one deletion goes, and nothing of the next."""


def refused(session: Session, loss: Loss) -> Problem:
    """The answer to a deletion that would lose work; what is declared stays as it is."""
    name = session.metadata.name
    waits = session.metadata.deletion_timestamp is not None
    who = f"Session {session.key} {'is being deleted, which waits, and' if waits else 'is not deleted: it'}"
    give_up = "give the work up by deleting with force"
    if loss.reason == Reason.WORK_UNSAVED:
        runs = session.spec.operating_mode is OperatingMode.RUNNING
        save = f"commit and push (berth open {name})" if runs else f"start it (berth start {name}) and push"
        detail = f"{who} holds work that is saved nowhere else: {loss.what}; {save}, or {give_up}"
        return Problem(Reason.WORK_UNSAVED, detail)
    if any(condition.reason in _OUT_OF_REACH for condition in session.status.conditions):
        give_up = f"{give_up}, or, if its target does not come back, with orphan"
    detail = (
        f"{who} may hold work that is saved nowhere else: {loss.what}; "
        f"try again once it answers (berth why {name}), or {give_up}"
    )
    return Problem(Reason.WORK_UNKNOWN, detail)


def check_nothing_removed(stored: Resource) -> None:
    """Raise Problem Conflict where a deletion has gone too far to be undone."""
    if is_being_removed(stored):
        detail = (
            f"{stored.KIND} {stored.key} cannot be kept: what it had is being removed since "
            f"{_since(stored)}; wait until it is gone, then declare it anew"
        )
        raise Problem(Reason.CONFLICT, detail)


def is_being_removed(stored: Resource) -> bool:
    """Whether the controller has taken the first step of a deletion."""
    return isinstance(stored, Session) and stored.status.dokploy.removing_since is not None


def how_to_wait(stored: Resource) -> str:
    """What whoever wants something of a record that is being deleted can do."""
    if is_being_removed(stored) or not isinstance(stored, Session):
        return "wait until it is gone, then try again"
    return f"keep it first (berth undelete session {stored.metadata.name}), or wait until it is gone"


def force_delete(stored: Session) -> Session:
    """The session with leave to lose its unsaved work."""
    return annotated(stored, FORCE_DELETE_ANNOTATION, "true")


def not_forced(stored: Session) -> Session:
    """The session without what was said for that deletion alone: that it loses work, or leaves it behind."""
    left = {
        name: value for name, value in stored.metadata.annotations.items() if name not in FOR_THIS_DELETION
    }
    return stored.model_copy(update={"metadata": stored.metadata.model_copy(update={"annotations": left})})


def annotated(stored: R, annotation: str, value: str) -> R:
    """The record with an annotation more."""
    annotations = {**stored.metadata.annotations, annotation: value}
    metadata = stored.metadata.model_copy(update={"annotations": annotations})
    return stored.model_copy(update={"metadata": metadata})


def _since(stored: Resource) -> str:
    since = stored.status.dokploy.removing_since if isinstance(stored, Session) else None
    return since.isoformat(timespec="seconds") if since else "now"
