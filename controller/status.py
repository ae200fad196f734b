"""How a session stands, in one pure function; steps never set status, and Ready is computed.

Every condition is present from the first visit, Unknown counting as present. A failed reading is
Unknown, in our own words. What only the container can tell (workspace, agent, logins, work) keeps
its last value while the container is silent, and is Unknown while there is none; whether work is
saved is kept even then, since a deletion asks for it (law S9).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from container.contract import HealthReport
from controller.desired import Desired
from controller.errors import Failure, Next
from controller.observed import Observed
from controller.planned import Plan
from controller.report import Verdict, reported
from controller.standing import Stage
from crds.base import Condition, ConditionStatus
from crds.session import (
    Attention,
    LastFailure,
    OperatingMode,
    Phase,
    Revision,
    Session,
    SessionStatus,
)
from crds.vocabulary import ConditionType, Reason

_TRUE, _FALSE, _UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN

_FAILURES = frozenset(
    {
        Reason.BUILD_FAILED,
        Reason.BUILD_DEADLINE_EXCEEDED,
        Reason.IMAGE_NOT_FOUND,
        Reason.CONTAINER_FAILING,
        Reason.OUT_OF_MEMORY,
        Reason.START_DEADLINE_EXCEEDED,
        Reason.ROLLED_BACK,
    }
)
"""Reasons that are failures of the container or its build, kept in ``lastFailure``."""

_ADMISSION = frozenset(
    {
        Reason.SECRET_NOT_FOUND,
        Reason.SECRET_KEY_NOT_FOUND,
        Reason.TEMPLATE_NOT_FOUND,
        Reason.TARGET_NOT_FOUND,
        Reason.INVALID_SPEC,
        Reason.QUOTA_EXCEEDED,
        Reason.HOST_TAKEN,
    }
)
"""Reasons for which a session is not admitted: what it refers to or asks for is not to be had."""

_WAITS = _ADMISSION - {Reason.INVALID_SPEC}
"""Of these, the ones that pass by themselves once something else is there."""


_OBSTACLES = frozenset({Reason.ORPHAN_SERVICE, Reason.WORK_UNSAVED})
"""What no deletion gets past before a person has acted (law L3): the reason says so, not the message
alone."""


@dataclass(frozen=True, slots=True)
class Pass:
    """All that one pass over a session found and did."""

    session: Session
    want: Desired | Failure
    plan: Plan
    observed: Observed
    failure: Failure | None
    """How the first action that failed did so."""
    now: datetime

    @property
    def trouble(self) -> Failure | None:
        """What keeps the session from its desired state: a failed action, else the plan's block."""
        return self.failure or self.plan.blocked

    @property
    def report(self) -> HealthReport | None:
        """The container's own report, where it gave one."""
        return self.observed.echo if isinstance(self.observed.echo, dict) else None

    @property
    def view_is_unknown(self) -> bool:
        """Nothing could be said of Dokploy in this pass."""
        return self.observed.applications is None or self.observed.services is None

    @property
    def stage(self) -> Stage:
        """How far the container is."""
        return self.plan.stands.stage if self.plan.stands else Stage.UNKNOWN


def summarize(step: Pass) -> SessionStatus:
    """The whole status after a pass; equal to the one before where nothing changed."""
    before = step.session.status
    conditions = _conditions(step)
    ready = conditions[ConditionType.READY]
    known = step.plan.known
    restarted = before.dokploy.task is not None and known.task not in {None, before.dokploy.task}
    generation = before.observed_generation if step.view_is_unknown else step.session.metadata.generation
    return before.model_copy(
        update={
            "phase": _phase(step, ready),
            "url": step.want.url if isinstance(step.want, Desired) else before.url,
            "revision": _revision(step),
            "dokploy": known,
            "conditions": _stamped(step, conditions, generation),
            "attention": _attention(step),
            "stopped_by": _stopped_by(step),
            "restarts": before.restarts + (1 if restarted else 0),
            "last_failure": _last_failure(step),
            "observed_generation": generation,
        }
    )


def _conditions(step: Pass) -> dict[ConditionType, Verdict]:
    told = _reported(step)
    ready = _ready(step, told[ConditionType.WORKSPACE_READY])
    return {
        ConditionType.READY: ready,
        ConditionType.PROGRESSING: _progressing(step, ready),
        ConditionType.DEGRADED: _degraded(step, told),
        ConditionType.ADMITTED: _admitted(step),
        ConditionType.PROVISIONED: _provisioned(step),
        ConditionType.CONFIG_APPLIED: _config_applied(step),
        ConditionType.ROUTE_READY: _route_ready(step),
        ConditionType.SUSPENDED: _suspended(step),
        **told,
    }


def _ready(step: Pass, workspace: Verdict) -> Verdict:
    mode, trouble = step.session.spec.operating_mode, step.trouble
    if step.session.metadata.deletion_timestamp is not None:
        if trouble is None:
            return Verdict(_FALSE, Reason.DELETING, "It is being deleted")
        reason = trouble.reason if trouble.reason in _OBSTACLES else Reason.DELETING
        return Verdict(_FALSE, reason, trouble.message)
    if step.view_is_unknown and trouble is not None:
        return Verdict(_UNKNOWN, trouble.reason, trouble.message)
    if trouble is not None:
        return Verdict(_FALSE, trouble.reason, trouble.message)
    if mode is OperatingMode.LEGACY and step.stage is Stage.UNKNOWN:
        return Verdict(_FALSE, Reason.LEGACY, "Declared without a container")
    stands = step.plan.stands
    if stands is None:
        return Verdict(_FALSE, _moving_reason(step), step.plan.why)
    if stands.stage is not Stage.RUNNING:
        return Verdict(_FALSE, stands.reason, stands.message)
    if workspace.status is _FALSE:
        return Verdict(_FALSE, workspace.reason, workspace.message)
    return Verdict(_TRUE, Reason.RUNNING, stands.message)


def _moving_reason(step: Pass) -> Reason:
    """Why it is not ready while steps are being taken."""
    if step.session.spec.operating_mode is not OperatingMode.RUNNING:
        return Reason.STOPPING
    build = step.plan.known.build
    if build is not None and build.outcome == "Running":
        return Reason.BUILDING
    return Reason.APPLYING if step.session.status.dokploy.applied else Reason.CREATING


def _progressing(step: Pass, ready: Verdict) -> Verdict:
    trouble = step.trouble
    if trouble is not None and trouble.next in {Next.STALL, Next.FREEZE}:
        return Verdict(_FALSE, trouble.reason, trouble.message)
    if ready.status is _TRUE or step.stage is Stage.STOPPED or ready.reason is Reason.LEGACY:
        return Verdict(_FALSE, Reason.SETTLED, "It is as declared")
    if step.view_is_unknown:
        return Verdict(_UNKNOWN, ready.reason, ready.message)
    return Verdict(_TRUE, ready.reason, ready.message)


def _degraded(step: Pass, told: dict[ConditionType, Verdict]) -> Verdict:
    trouble = step.trouble
    waits = trouble is not None and (trouble.next is Next.WAIT or trouble.reason in _WAITS)
    if trouble is not None and (trouble.reason in _FAILURES or not waits):
        return Verdict(_TRUE, trouble.reason, trouble.message)
    failing = [verdict for verdict in told.values() if verdict.status is _FALSE and verdict.reason in _BAD]
    if failing:
        return Verdict(_TRUE, failing[0].reason, failing[0].message)
    return Verdict(_FALSE, Reason.HEALTHY)


_BAD = frozenset(
    {
        Reason.CLONE_FAILED,
        Reason.AGENT_FAILED,
        Reason.LOGIN_EXPIRED,
        Reason.LOGIN_REVOKED,
        Reason.LOGIN_INVALID,
    }
)


def _admitted(step: Pass) -> Verdict:
    if step.session.metadata.deletion_timestamp is not None:
        # Going needs no room, no secret and no template.
        return Verdict(_TRUE, Reason.ADMITTED)
    if isinstance(step.want, Failure):
        return Verdict(_FALSE, step.want.reason, step.want.message)
    if step.failure is not None and step.failure.reason in _ADMISSION:
        return Verdict(_FALSE, step.failure.reason, step.failure.message)
    return Verdict(_TRUE, Reason.ADMITTED)


def _provisioned(step: Pass) -> Verdict:
    known, trouble = step.plan.known, step.trouble
    if step.view_is_unknown:
        return _previous(step, ConditionType.PROVISIONED) or _not_reported(trouble)
    if trouble is not None and trouble.reason in {
        Reason.TWINS,
        Reason.AMBIGUOUS_CREATE,
        Reason.ORPHAN_SERVICE,
    }:
        return Verdict(_FALSE, trouble.reason, trouble.message)
    if known.application_id is not None:
        return Verdict(_TRUE, Reason.PROVISIONED, f"The application {known.app_name}")
    return Verdict(_FALSE, Reason.PENDING, "It has no application")


def _config_applied(step: Pass) -> Verdict:
    if not isinstance(step.want, Desired) or step.view_is_unknown:
        return _previous(step, ConditionType.CONFIG_APPLIED) or _not_reported(step.trouble)
    stands = step.plan.stands
    if stands is not None and stands.reason is Reason.ROLLED_BACK:
        return Verdict(_FALSE, Reason.ROLLED_BACK, stands.message)
    if step.plan.known.applied == step.want.digest:
        return Verdict(_TRUE, Reason.APPLIED, f"Revision {step.want.revision}")
    return Verdict(_FALSE, _moving_reason(step), step.plan.why)


def _route_ready(step: Pass) -> Verdict:
    want, stands = step.want, step.plan.stands
    if not isinstance(want, Desired):
        return _previous(step, ConditionType.ROUTE_READY) or _not_reported(step.trouble)
    if want.domain is None:
        return Verdict(_TRUE, Reason.NOT_REQUIRED, "Its target has no route pattern and it names no host")
    if step.report is not None and step.report["session"] == want.identity.session_id:
        return Verdict(_TRUE, Reason.ROUTE_READY, f"{want.domain.host} leads to the container")
    if stands is not None and stands.stage in {Stage.STOPPED, Stage.STOPPING}:
        return Verdict(_FALSE, Reason.STOPPED, "There is no container to lead to")
    if stands is not None and stands.reason in {Reason.ROUTE_FAILING, Reason.HOST_TAKEN}:
        return Verdict(_FALSE, stands.reason, stands.message)
    if step.observed.echo is not None:
        return Verdict(_FALSE, Reason.ROUTE_FAILING, f"{want.domain.host} gives no answer")
    return _previous(step, ConditionType.ROUTE_READY) or _not_reported(step.trouble)


def _suspended(step: Pass) -> Verdict:
    if step.stage is Stage.STOPPED:
        return Verdict(_TRUE, Reason.SUSPENDED, "No container runs; its volumes are kept")
    if step.view_is_unknown:
        return _previous(step, ConditionType.SUSPENDED) or _not_reported(step.trouble)
    return Verdict(_FALSE, Reason.NOT_SUSPENDED)


def _reported(step: Pass) -> dict[ConditionType, Verdict]:
    """What only the container can tell."""
    report = step.report
    if report is not None:
        return reported(report)
    silent = _not_reported(None)
    kept = _previous(step, ConditionType.WORK_SAVED) or silent
    types = (ConditionType.WORKSPACE_READY, ConditionType.AGENT_READY, ConditionType.AUTH_READY)
    if step.stage in {Stage.STOPPED, Stage.STOPPING}:
        return {**dict.fromkeys(types, silent), ConditionType.WORK_SAVED: kept}
    return {**{kind: _previous(step, kind) or silent for kind in types}, ConditionType.WORK_SAVED: kept}


def _not_reported(trouble: Failure | None) -> Verdict:
    if trouble is not None:
        return Verdict(_UNKNOWN, trouble.reason, trouble.message)
    return Verdict(_UNKNOWN, Reason.NOT_REPORTED, "Nothing has been reported yet")


def _previous(step: Pass, kind: ConditionType) -> Verdict | None:
    for condition in step.session.status.conditions:
        if condition.type == kind:
            return Verdict(condition.status, Reason(condition.reason), condition.message)
    return None


def _stamped(step: Pass, verdicts: dict[ConditionType, Verdict], generation: int) -> tuple[Condition, ...]:
    """Conditions with the time of their last change of status, and of nothing else (law S4)."""
    before = {condition.type: condition for condition in step.session.status.conditions}
    stamped = []
    for kind in ConditionType:
        verdict, old = verdicts[kind], before.get(kind)
        changed = old is None or old.status is not verdict.status
        stamped.append(
            Condition(
                type=kind,
                status=verdict.status,
                reason=verdict.reason,
                message=verdict.message,
                observed_generation=generation,
                last_transition_time=step.now if old is None or changed else old.last_transition_time,
            )
        )
    return tuple(stamped)


def _phase(step: Pass, ready: Verdict) -> Phase:
    if step.session.metadata.deletion_timestamp is not None:
        return Phase.DELETING
    if step.view_is_unknown:
        return step.session.status.phase
    if ready.reason is Reason.LEGACY:
        return Phase.LEGACY
    if step.stage is Stage.STOPPED:
        return Phase.STOPPED
    if ready.status is _TRUE:
        return Phase.RUNNING
    trouble = step.trouble
    if trouble is not None and trouble.reason in _WAITS:
        return Phase.PENDING
    if trouble is not None and (trouble.next in {Next.STALL, Next.FREEZE} or trouble.reason in _FAILURES):
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
    if trouble is None or trouble.reason not in _FAILURES:
        return before
    if before is not None and (before.reason, before.message) == (trouble.reason, trouble.message):
        return before
    lines = step.observed.build_log if trouble.reason is Reason.BUILD_FAILED else step.observed.logs
    return LastFailure(
        reason=trouble.reason, message=trouble.message, log_tail=tuple(lines or ())[-20:], at=step.now
    )
