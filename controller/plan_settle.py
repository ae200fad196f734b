"""Nothing is left to do for a session with one application: whether its container has followed. Pure."""

from __future__ import annotations

from datetime import datetime

from controller.desired import Desired
from controller.errors import Failure, Next
from controller.observed import Observed, Reading
from controller.plan_build import BuildStep
from controller.planned import Deadlines, Pace, Plan, needing, replace_known
from controller.standing import Stage, is_up, standing
from crds.session import DokployStatus, Session
from crds.vocabulary import Reason


def settle(
    session: Session,
    want: Desired,
    known: DokployStatus,
    observed: Observed,
    step: BuildStep,
    now: datetime,
    deadlines: Deadlines,
) -> Plan:
    """Nothing is left to do; see whether the container has followed."""
    if step.failure is not None:
        return Plan(step.why, known, pace=Pace.SETTLED, blocked=step.failure)
    missing = _readings_to_settle(session, want, known, observed)
    if missing:
        return needing(known, "How the container stands must be read", *missing)
    known = replace_known(known, down_since=_down_since(want, known, observed, now))
    stands = standing(want, known, observed, now=now, start_deadline=deadlines.start)
    match stands.stage:
        case Stage.RUNNING:
            known = replace_known(known, task=stands.task, boot=_boot(observed) or known.boot)
            return Plan("It runs as declared", known, pace=_report_pace(observed), stands=stands)
        case Stage.STOPPED:
            return Plan("It is stopped as declared", replace_known(known, task=None), stands=stands)
        case Stage.FAILING:
            if observed.logs is None:
                return needing(known, "Its last words tell why", Reading.LOGS)
            if stands.reason is Reason.ROLLED_BACK:
                # Whatever put another configuration in its place, ours is written and applied anew.
                known = replace_known(known, configured=None, applied=None)
            failure = Failure(Next.RETRY, stands.reason, stands.message)
            return Plan(stands.message, known, pace=Pace.BACKOFF, blocked=failure, stands=stands)
        case Stage.UNKNOWN:
            failure = Failure(Next.WAIT, stands.reason, stands.message)
            return Plan(stands.message, known, pace=Pace.BACKOFF, blocked=failure, stands=stands)
        case _:
            return Plan(stands.message, known, pace=Pace.MOTION, stands=stands)


def _readings_to_settle(
    session: Session, want: Desired, known: DokployStatus, observed: Observed
) -> list[Reading]:
    """What tells how the container stands; nothing while it was well and its service still is."""
    if want.config.replicas == 0:
        return [] if _is_known_to_be_stopped(session, observed) else [Reading.REMAINS]
    healthy = is_up(observed)
    was_well = known.task is not None and session.status.is_ready
    restarted = _boot(observed) not in {None, known.boot}
    missing: list[Reading] = []
    if observed.tasks is None and (not was_well or not healthy or restarted):
        missing.append(Reading.TASKS)
    if want.domain is None:
        if observed.tasks is None and observed.suspect:
            missing.append(Reading.TASKS)  # nothing else would show a rollback between two ticks
        if _has_another_task(known, observed) and observed.runs is None:
            missing.append(Reading.RUNS)
    if observed.echo is None and want.domain is not None and healthy and (observed.due or not was_well):
        missing.append(Reading.ECHO)
    return missing


def _has_another_task(known: DokployStatus, observed: Observed) -> bool:
    """Whether a task runs that the last look did not show: a restart, a rollback, or an apply of ours."""
    newest = observed.tasks[0] if observed.tasks else None
    seen = {known.task, known.replaced}
    return newest is not None and newest.state == "Running" and newest.task_id not in seen


def _down_since(want: Desired, known: DokployStatus, observed: Observed, now: datetime) -> datetime | None:
    """Since when a healthy container is missed that there was: the first look that showed none.

    The first one after an apply is awaited since that apply.
    """
    if want.config.replicas == 0 or is_up(observed):
        return None
    if known.task is None and known.deployed_at is not None:
        return known.down_since
    return known.down_since or now


def _is_known_to_be_stopped(session: Session, observed: Observed) -> bool:
    """Whether no more need be read of a session that shall not run.

    Its service tells that it runs still, or an earlier pass proved that nothing of it is left.
    """
    service = observed.service
    runs = service is not None and (service.running > 0 or service.wanted > 0)
    return runs or observed.remains is not None or session.status.is_suspended


def _boot(observed: Observed) -> str | None:
    return observed.echo["boot"] if isinstance(observed.echo, dict) else None


def _report_pace(observed: Observed) -> Pace:
    """A workspace that is still being prepared is motion, though the container runs."""
    if isinstance(observed.echo, dict) and observed.echo["workspace"]["state"] == "Preparing":
        return Pace.MOTION
    return Pace.SETTLED
