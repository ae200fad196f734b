"""The laws that tests call by their number; they are stated here and nowhere else."""

from __future__ import annotations

from crds.base import Condition
from crds.conditions import CONDITIONS
from crds.session import Session
from crds.vocabulary import ConditionType, Reason


def s4(before: Session, after: Session) -> None:
    """observedGeneration never decreases and never exceeds generation; lastTransitionTime changes
    iff the condition's status changes."""
    old, new = before.status, after.status
    assert old.observed_generation <= new.observed_generation <= after.metadata.generation
    conditions = {condition.type: condition for condition in old.conditions}
    for condition in new.conditions:
        earlier = conditions.get(condition.type)
        if earlier is not None:
            moved = earlier.last_transition_time != condition.last_transition_time
            assert moved == (earlier.status is not condition.status), condition


def s5(before: Session, after: Session) -> None:
    """The controller never writes a spec."""
    assert before.spec == after.spec


def status_laws(session: Session) -> None:
    """Every condition is present from the first visit; reasons come from the closed list of their
    condition; Stalled and Progressing exclude each other; Ready is False or Unknown while a
    generation is unobserved; no reading of Dokploy's is repeated in foreign words."""
    conditions = {condition.type: condition for condition in session.status.conditions}
    assert set(conditions) == set(ConditionType)
    for kind in ConditionType:
        _reason_is_listed(kind, conditions[kind])
    if session.status.observed_generation < session.metadata.generation:
        assert conditions[ConditionType.READY].status != "True"
    if conditions[ConditionType.READY].status == "True":
        assert conditions[ConditionType.PROGRESSING].status == "False"


def _reason_is_listed(kind: ConditionType, condition: Condition) -> None:
    reason = Reason(condition.reason)
    allowed = CONDITIONS[kind].reasons
    assert reason in allowed, f"{kind}={condition.status} for {reason}, which is not among {sorted(allowed)}"
