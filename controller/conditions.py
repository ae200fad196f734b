"""Each condition of a session, from what one pass over it found; Ready is computed, and set by no step.

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
from controller.observed import Observed, Silence
from controller.planned import Plan
from controller.reasons import ADMISSION, AILMENTS, OBSTACLES, UNPLACED, WAITS
from controller.report import Verdict, noticed, reported
from controller.standing import Stage
from controller.unsaved import stops
from crds.base import ConditionStatus
from crds.meanings import FAILURES, TROUBLE
from crds.session import OperatingMode, Session
from crds.vocabulary import ConditionType, Reason

_TRUE, _FALSE, _UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN


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
        """The report of the session's own container, where it gave one."""
        return self.observed.echo if isinstance(self.observed.echo, dict) else None

    @property
    def view_is_unknown(self) -> bool:
        """Nothing could be said of Dokploy in this pass."""
        return self.observed.applications is None or self.observed.services is None

    @property
    def is_blind(self) -> bool:
        """A listing cannot be used, or what the plan asked for could not be read (no action failed)."""
        return self.view_is_unknown or (self.failure is not None and not self.plan.actions)

    @property
    def stage(self) -> Stage:
        """How far the container is."""
        return self.plan.stands.stage if self.plan.stands else Stage.UNKNOWN


def conditions(step: Pass) -> dict[ConditionType, Verdict]:
    """How each condition stands."""
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
            return Verdict(_FALSE, Reason.DELETING, step.plan.why)
        reason = trouble.reason if trouble.reason in OBSTACLES else Reason.DELETING
        return Verdict(_FALSE, reason, trouble.message)
    if step.is_blind and trouble is not None:
        return Verdict(_UNKNOWN, trouble.reason, trouble.message)
    if trouble is not None:
        return Verdict(_FALSE, trouble.reason, trouble.message)
    if mode is OperatingMode.LEGACY and step.stage is Stage.UNKNOWN:
        return Verdict(_FALSE, Reason.LEGACY, "Declared without a container")
    stands = step.plan.stands
    if stands is None:
        return Verdict(_FALSE, _moving_reason(step), step.plan.outcome)
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
    if ready.status is _TRUE and step.plan.waiting is not None:
        return Verdict(_FALSE, Reason.RESTART_NEEDED, step.plan.waiting.message)
    if ready.status is _TRUE or step.stage is Stage.STOPPED or ready.reason is Reason.LEGACY:
        return Verdict(_FALSE, Reason.SETTLED, "It is as declared")
    if step.is_blind:
        return Verdict(_UNKNOWN, ready.reason, ready.message)
    return Verdict(_TRUE, ready.reason, ready.message)


def _degraded(step: Pass, told: dict[ConditionType, Verdict]) -> Verdict:
    trouble = None if step.is_blind else step.trouble
    waits = trouble is not None and (trouble.next is Next.WAIT or trouble.reason in WAITS)
    if trouble is not None and (trouble.reason in FAILURES or not waits):
        return Verdict(_TRUE, trouble.reason, trouble.message)
    failing = next((verdict for verdict in told.values() if verdict.reason in AILMENTS), None)
    if failing is not None:
        return Verdict(_TRUE, failing.reason, failing.message)
    return _noticed(step) or Verdict(_FALSE, Reason.HEALTHY)


def _noticed(step: Pass) -> Verdict | None:
    """What else the container says is wrong; while it is silent, what it said last."""
    if step.report is not None:
        return noticed(step.report)
    if step.stage in {Stage.STOPPED, Stage.STOPPING}:
        return None
    before = _previous(step, ConditionType.DEGRADED)
    return before if before is not None and before.reason is Reason.CONTAINER_NOTICE else None


def _admitted(step: Pass) -> Verdict:
    if step.session.metadata.deletion_timestamp is not None:
        # Going needs no room, no secret and no template, but it does need the target.
        if step.trouble is not None and step.trouble.reason in UNPLACED:
            return Verdict(_FALSE, step.trouble.reason, step.trouble.message)
        return Verdict(_TRUE, Reason.ADMITTED)
    if isinstance(step.want, Failure):
        return Verdict(_FALSE, step.want.reason, step.want.message)
    if step.failure is not None and step.failure.reason in ADMISSION:
        return Verdict(_FALSE, step.failure.reason, step.failure.message)
    return Verdict(_TRUE, Reason.ADMITTED)


def _provisioned(step: Pass) -> Verdict:
    known, trouble = step.plan.known, step.trouble
    if step.is_blind:
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
    if not isinstance(step.want, Desired) or step.is_blind:
        return _previous(step, ConditionType.CONFIG_APPLIED) or _not_reported(step.trouble)
    stands = step.plan.stands
    if stands is not None and stands.reason is Reason.ROLLED_BACK:
        return Verdict(_FALSE, Reason.ROLLED_BACK, stands.message)
    waiting = step.plan.waiting
    if waiting is not None and waiting.changed:
        return Verdict(_FALSE, Reason.RESTART_NEEDED, waiting.message)
    if step.plan.known.applied == step.want.digest:
        return Verdict(_TRUE, Reason.APPLIED, f"Revision {step.want.revision}")
    return Verdict(_FALSE, _moving_reason(step), step.plan.outcome)


def _route_ready(step: Pass) -> Verdict:
    want, stands = step.want, step.plan.stands
    if not isinstance(want, Desired):
        return _previous(step, ConditionType.ROUTE_READY) or _not_reported(step.trouble)
    if want.domain is None:
        return Verdict(_TRUE, Reason.NOT_REQUIRED, "Its target has no route pattern and it names no host")
    if step.report is not None:
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
    before = _previous(step, ConditionType.SUSPENDED)
    if step.is_blind:
        # A list that could not be read is no proof that a session which shall not run has stopped.
        stops = step.failure is not None and step.session.spec.operating_mode is OperatingMode.STOPPED
        return _not_reported(step.trouble) if stops or before is None else before
    if step.observed.remains is Silence.NO_ANSWER:
        return _not_reported(step.trouble)
    if step.plan.actions or step.stage is not Stage.UNKNOWN or step.observed.remains or before is None:
        return Verdict(_FALSE, Reason.NOT_SUSPENDED)
    return before


def _reported(step: Pass) -> dict[ConditionType, Verdict]:
    """What only the container can tell."""
    report = step.report
    kept = work_saved(step)
    if report is not None:
        return {**reported(report), ConditionType.WORK_SAVED: kept}
    silent = _not_reported(None)
    types = (ConditionType.WORKSPACE_READY, ConditionType.AGENT_READY, ConditionType.AUTH_READY)
    if step.stage in {Stage.STOPPED, Stage.STOPPING}:
        return {**dict.fromkeys(types, silent), ConditionType.WORK_SAVED: kept}
    return {**{kind: _previous(step, kind) or silent for kind in types}, ConditionType.WORK_SAVED: kept}


def work_saved(step: Pass) -> Verdict:
    """Whether the work is saved, by what the container says, or said last.

    What a running container said a while ago tells nothing of what it held when it was stopped: a
    stop that got no answer to its question leaves the work of a session unknown.
    """
    if step.report is not None:
        verdict = reported(step.report)[ConditionType.WORK_SAVED]
    else:
        verdict = _previous(step, ConditionType.WORK_SAVED) or _not_reported(None)
    answered = isinstance(step.observed.work, dict)
    if verdict.status is _TRUE and not answered and stops(step.plan, step.want, step.observed):
        return Verdict(_UNKNOWN, Reason.WORK_UNKNOWN, "it was stopped before its container could be asked")
    return verdict


def _not_reported(trouble: Failure | None) -> Verdict:
    # What a deletion or a build waits for is no reason why something else is not known.
    if trouble is not None and trouble.reason in TROUBLE:
        return Verdict(_UNKNOWN, trouble.reason, trouble.message)
    return Verdict(_UNKNOWN, Reason.NOT_REPORTED, "Nothing has been reported yet")


def _previous(step: Pass, kind: ConditionType) -> Verdict | None:
    for condition in step.session.status.conditions:
        if condition.type == kind:
            return Verdict(condition.status, Reason(condition.reason), condition.message)
    return None
