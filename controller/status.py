"""How a session stands, in one pure function; steps never set status."""

from __future__ import annotations

from datetime import datetime

from controller.conditions import Pass, conditions, work_saved
from controller.desired import Desired
from controller.errors import Next
from controller.reasons import WAITS
from controller.replaced import replaced
from controller.report import Verdict
from controller.standing import Stage
from crds.base import Condition, ConditionStatus
from crds.meanings import FAILURES
from crds.session import (
    Attention,
    LastFailure,
    OperatingMode,
    Phase,
    Revision,
    SessionStatus,
)
from crds.vocabulary import ConditionType, Reason


def summarize(step: Pass) -> SessionStatus:
    """The whole status after a pass; equal to the one before where nothing changed."""
    before = step.session.status
    verdicts = conditions(step)
    ready = verdicts[ConditionType.READY]
    gone = replaced(step)
    generation = before.observed_generation if step.is_blind else step.session.metadata.generation
    return before.model_copy(
        update={
            "phase": _phase(step, ready),
            "url": step.want.url if isinstance(step.want, Desired) else before.url,
            "revision": _revision(step),
            "dokploy": gone.known,
            "conditions": _stamped(step, verdicts, generation),
            "attention": _attention(step),
            "stopped_by": _stopped_by(step),
            "restarts": before.restarts + gone.count,
            "last_failure": _last_failure(step),
            "observed_generation": generation,
        }
    )


def announced(step: Pass) -> SessionStatus:
    """The status before the actions of a pass: as it was, with the plan's record of Dokploy.

    What the container has said of its work goes with it: what is about to be done may end the
    container, and the pass may be cut off before its own summary.
    """
    before = step.session.status
    conditions = tuple(
        _with_work(step, old) if old.type == ConditionType.WORK_SAVED else old for old in before.conditions
    )
    return before.model_copy(update={"dokploy": step.plan.known, "conditions": conditions})


def _with_work(step: Pass, old: Condition) -> Condition:
    kind, generation = ConditionType.WORK_SAVED, old.observed_generation
    return stamped(kind, work_saved(step), old, generation=generation, now=step.now)


def _stamped(step: Pass, verdicts: dict[ConditionType, Verdict], generation: int) -> tuple[Condition, ...]:
    """Conditions with the time of their last change of status, and of nothing else (law S4)."""
    before = {condition.type: condition for condition in step.session.status.conditions}
    return tuple(
        stamped(kind, verdicts[kind], before.get(kind), generation=generation, now=step.now)
        for kind in ConditionType
    )


def stamped(
    kind: ConditionType, verdict: Verdict, old: Condition | None, *, generation: int, now: datetime
) -> Condition:
    """A condition with the time of its last change of status; the old one itself where nothing changed."""
    changed = old is None or old.status is not verdict.status
    if old is not None and (old.status, old.reason, old.message, old.observed_generation) == (
        verdict.status,
        verdict.reason,
        verdict.message,
        generation,
    ):
        return old
    return Condition(
        type=kind,
        status=verdict.status,
        reason=verdict.reason,
        message=verdict.message,
        observed_generation=generation,
        last_transition_time=now if old is None or changed else old.last_transition_time,
    )


def _phase(step: Pass, ready: Verdict) -> Phase:
    if step.session.metadata.deletion_timestamp is not None:
        return Phase.DELETING
    if step.is_blind:
        before = step.session.status.phase
        return Phase.PENDING if before is Phase.DELETING else before  # the deletion was undone
    if ready.reason is Reason.LEGACY:
        return Phase.LEGACY
    if step.stage is Stage.STOPPED:
        return Phase.STOPPED
    if ready.status is ConditionStatus.TRUE:
        return Phase.RUNNING
    trouble = step.trouble
    if trouble is not None and trouble.reason in WAITS:
        return Phase.PENDING
    if trouble is not None and (trouble.next in {Next.STALL, Next.FREEZE} or trouble.reason in FAILURES):
        return Phase.ERROR
    if ready.reason is Reason.CLONE_FAILED:
        return Phase.ERROR
    if step.session.spec.operating_mode is not OperatingMode.RUNNING:
        return Phase.STOPPING
    return Phase.CREATING


def _revision(step: Pass) -> Revision:
    before = step.session.status.revision
    desired = step.want.revision if isinstance(step.want, Desired) else before.desired
    if step.report is not None:
        return Revision(desired=desired, running=step.report["revision"])
    if step.stage is Stage.STOPPED:
        return Revision(desired=desired, running=None)
    return Revision(desired=desired, running=before.running)


def _attention(step: Pass) -> Attention:
    if step.report is not None and step.report["attention"] in set(Attention):
        return Attention(step.report["attention"])
    if step.stage in {Stage.STOPPED, Stage.STOPPING}:
        return Attention.UNKNOWN
    return step.session.status.attention


def _stopped_by(step: Pass) -> str | None:
    return "user" if step.session.spec.operating_mode is OperatingMode.STOPPED else None


def _last_failure(step: Pass) -> LastFailure | None:
    before, trouble = step.session.status.last_failure, step.trouble
    if trouble is None or trouble.reason not in FAILURES:
        return before
    if before is not None and (before.reason, before.message) == (trouble.reason, trouble.message):
        return before
    lines = step.observed.build_log if trouble.reason is Reason.BUILD_FAILED else step.observed.logs
    return LastFailure(
        reason=trouble.reason, message=trouble.message, log_tail=tuple(lines or ())[-20:], at=step.now
    )
