"""How a session stands, in one sentence. Pure."""

from __future__ import annotations

from crds.base import Condition, ConditionStatus
from crds.session import Session
from crds.vocabulary import ConditionType


def summary_of(session: Session, why: str) -> str:
    """What a person wants to know first: the phase, what is in the way, and what comes next."""
    status = session.status
    parts = [f"{session.metadata.name} is {status.phase.value}"]
    ready = _condition(status.conditions, ConditionType.READY)
    if ready is not None and ready.status is not ConditionStatus.TRUE:
        parts.append(f"not ready: {ready.message or ready.reason}")
    if status.observed_generation < session.metadata.generation:
        parts.append("the controller has not yet seen the newest change")
    if why and not any(why in part for part in parts):
        parts.append(why)
    return "; ".join(parts)


def _condition(conditions: tuple[Condition, ...], kind: ConditionType) -> Condition | None:
    return next((condition for condition in conditions if condition.type == kind), None)
