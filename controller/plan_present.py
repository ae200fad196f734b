"""The rows of the state table for a session with exactly one application. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from controller.actions import (
    Action,
    Apply,
    AttachRoute,
    AttachVolume,
    Build,
    Configure,
    DetachRoute,
    route_text,
)
from controller.desired import Desired
from controller.effect import same_effect
from controller.errors import Failure, Next
from controller.observed import Observed, Reading
from controller.plan_build import BuildStep, follow_build
from controller.planned import Deadlines, Pace, Plan, may_take_effect, needing, replace_known, unanswered
from controller.standing import Stage, is_up, standing
from crds.session import DokployStatus, Session
from crds.vocabulary import Reason
from dokploy.port import ApplicationDetail, ApplicationRow, Domain

_NOT_IDEMPOTENT = frozenset({AttachVolume.__name__, AttachRoute.__name__})
"""What must not be asked for again before an earlier one, unanswered, has shown or failed: the same
mount twice is a service that Swarm refuses, the same route twice an ambiguous one (FACTS 7.4)."""


def plan_present(
    session: Session,
    want: Desired,
    observed: Observed,
    application: ApplicationRow,
    now: datetime,
    deadlines: Deadlines,
) -> Plan:
    """Plan for the one application that bears the session's marker."""
    known = session.status.dokploy
    if may_take_effect(known.intent, _NOT_IDEMPOTENT, now):
        # It is noted at once: a listing that lacks it later would be believed of one without an id.
        return unanswered(_named(known, application), "attachment")
    if _needs_detail(session, want, observed, application):
        missing = _readings_to_adopt(known, want, observed)
        if missing is not None or observed.detail is None:
            return missing or needing(known, "What Dokploy holds must be read", Reading.DETAIL)
        known = _adopted(session, want, observed, observed.detail)
    known = replace_known(_named(known, application), intent=None, lost_at=None)
    step = follow_build(
        want,
        known,
        observed,
        application,
        restarted_at=session.spec.restarted_at,
        now=now,
        deadline=deadlines.build,
    )
    if step.readings:
        return needing(step.known, step.why, *step.readings)
    known = step.known
    if step.in_progress:
        return Plan(step.why, known, pace=Pace.MOTION, blocked=step.failure)
    actions = _changes(session, want, known, observed, step)
    if not actions or _are_for_people(actions, want, known):
        settled = _settle(session, want, known, observed, step, now, deadlines)
        return settled if settled.readings else replace(settled, actions=actions)
    if observed.jobs is None and (want.build_inputs or application.status == "running"):
        return needing(known, "No build may be queued or running when it is applied", Reading.JOBS)
    if observed.has_job(application.ref.application_id):
        return Plan("A build of it is queued or running", known, pace=Pace.MOTION)
    if _still_stopping(want, observed, actions):
        why = "Its old container is still ending; it is started after that"
        return Plan(why, known, pace=Pace.MOTION)
    if _replaces_unknown_task(known, observed, actions):
        return needing(known, "Which task is replaced must be known", Reading.TASKS)
    return Plan(_why(actions), _replacing(known, observed, actions), actions, pace=Pace.MOTION)


def _named(known: DokployStatus, application: ApplicationRow) -> DokployStatus:
    ref = application.ref
    return replace_known(known, application_id=ref.application_id, app_name=ref.app_name)


def _needs_detail(session: Session, want: Desired, observed: Observed, application: ApplicationRow) -> bool:
    """Whether our own record of the application is no longer to be trusted."""
    known, service = session.status.dokploy, observed.service
    if known.intent is not None or observed.suspect:
        return True
    if known.application_id != application.ref.application_id:
        return True
    if application.name != want.config.name:
        return True
    if known.route != _route_of(want.domain):
        # An old route's id is needed to remove it, and a second of the new one would be one too many.
        return True
    settled = known.applied == want.digest == known.configured
    return settled and (service is None or service.wanted != want.config.replicas)


def _readings_to_adopt(known: DokployStatus, want: Desired, observed: Observed) -> Plan | None:
    """What has to be read besides before Dokploy's word is taken for our record."""
    if observed.detail is None:
        return None
    if _may_be_applied(known, want, observed) and want.domain:
        asked = {Reading.ECHO: observed.echo, Reading.TASKS: observed.tasks}
        missing = [reading for reading, answer in asked.items() if answer is None]
        if missing:
            return needing(known, "The container tells what it runs", *missing)
    edited = observed.detail.config is None or not same_effect(observed.detail.config, want.config)
    if observed.tasks is None and edited and known.task is not None:
        return needing(known, "Whether what was edited was applied, too, is told by its tasks", Reading.TASKS)
    if observed.tasks is None and not _is_wanted(want, observed):
        return needing(known, "A start, a stop or a loss is believed by its tasks", Reading.TASKS)
    return None


def _may_be_applied(known: DokployStatus, want: Desired, observed: Observed) -> bool:
    """Whether a pass that was cut off may have got as far as its apply."""
    service = observed.service
    return bool(
        known.intent
        and want.config.replicas
        and service is not None
        and service.wanted == want.config.replicas
    )


def _adopted(session: Session, want: Desired, observed: Observed, detail: ApplicationDetail) -> DokployStatus:
    """Our record, corrected by what Dokploy holds."""
    known = session.status.dokploy
    configured = detail.config is not None and same_effect(detail.config, want.config)
    running = _is_wanted(want, observed)
    applied = known.applied if known.application_id == detail.ref.application_id else None
    if known.intent is not None and _APPLIES.intersection(known.intent.actions):
        echoed = _newest_echoes(want, observed)
        stopped = want.config.replicas == 0
        there = configured and running and observed.service is not None
        applied = want.digest if there and (echoed or stopped) else None
    elif not running or not (configured or _is_untouched(known, observed)):
        applied = None
    return replace_known(
        known,
        configured=want.digest if configured else None,
        described=want.described if detail.config == want.config else None,
        applied=applied,
        # What runs as declared is not about to be replaced, whatever a pass that was cut off meant to do.
        replaced=None if known.intent is not None and applied == want.digest else known.replaced,
        storage=tuple(mount.volume for mount in detail.mounts if mount in want.volumes),
        route=_route_of(want.domain) if _only(detail.domains, want.domain) else None,
    )


def _is_untouched(known: DokployStatus, observed: Observed) -> bool:
    """Whether the container that runs is the one that was seen last.

    Then an edit that nobody applied, or an older database, is written over and worth no restart.
    """
    newest = observed.tasks[0] if observed.tasks else None
    return newest is not None and newest.task_id == known.task and newest.state == "Running"


def _newest_echoes(want: Desired, observed: Observed) -> bool:
    """Whether what runs as declared is what Swarm means to run.

    A container that is on its way out still answers: when a bad change is taken back, its revision
    is the desired one again, and its successor the one that cannot start.
    """
    echoed = isinstance(observed.echo, dict) and observed.echo["revision"] == want.revision
    newest = observed.tasks[0] if observed.tasks else None
    return echoed and newest is not None and newest.state == "Running"


_APPLIES = frozenset({Apply.__name__, Build.__name__})
"""What leaves in doubt which configuration runs, where a pass was cut off; a change of route or of a
name does not."""


def _is_wanted(want: Desired, observed: Observed) -> bool:
    """Whether Swarm wants as many tasks as are declared.

    A listing that is out of date shows a session as stopped that was just started, and one that was
    cut short shows none; to apply again would restart it. Its newest task tells.
    """
    service = observed.service
    if service is not None and service.wanted == want.config.replicas:
        return True
    if observed.tasks is None:
        return False
    runs = bool(observed.tasks) and observed.tasks[0].wanted == "running"
    return runs == (want.config.replicas > 0)


def _only(domains: tuple[Domain, ...], domain: Domain | None) -> bool:
    return domains == ((domain,) if domain else ())


def _route_of(domain: Domain | None) -> str | None:
    return route_text(domain) if domain else None


def _changes(
    session: Session, want: Desired, known: DokployStatus, observed: Observed, step: BuildStep
) -> tuple[Action, ...]:
    """The steps from what Dokploy holds to what it shall hold, in their order."""
    actions: list[Action] = []
    if known.configured != want.digest or known.described != want.described:
        actions.append(Configure(want.config, want.digest, want.described))
    actions += [AttachVolume(mount) for mount in want.volumes if mount.volume not in known.storage]
    actions += _route_changes(want, known, observed)
    if step.build is not None:
        return (*actions, step.build)
    if step.failure is not None:
        return tuple(actions)
    why = _reason_to_apply(session, want, known, actions)
    return (*actions, Apply(why)) if why else tuple(actions)


def _are_for_people(actions: tuple[Action, ...], want: Desired, known: DokployStatus) -> bool:
    """Whether all that is left to do is to write a name or a title: nothing that runs changes."""
    return known.configured == want.digest and all(isinstance(action, Configure) for action in actions)


def _route_changes(want: Desired, known: DokployStatus, observed: Observed) -> list[Action]:
    if known.route == _route_of(want.domain):
        return []
    domains = observed.detail.domains if observed.detail else ()
    kept = next((domain for domain in domains if domain == want.domain), None)
    detach: list[Action] = [DetachRoute(domain) for domain in domains if domain is not kept]
    if want.domain is None or want.domain in domains:
        return detach
    return [*detach, AttachRoute(want.domain)]


def _reason_to_apply(
    session: Session, want: Desired, known: DokployStatus, before: list[Action]
) -> str | None:
    restart = session.spec.restarted_at
    if known.applied != want.digest:
        return "its configuration changed" if known.applied else "what runs is not what is declared"
    if any(isinstance(action, AttachVolume) for action in before):
        return "a volume was missing"
    if want.config.replicas and restart is not None and known.restarted != restart:
        return "a restart was asked for"
    return None


def _why(actions: tuple[Action, ...]) -> str:
    """In words that follow "because"."""
    last = actions[-1]
    return last.why if isinstance(last, Apply) else str(last)


def _still_stopping(want: Desired, observed: Observed, actions: tuple[Action, ...]) -> bool:
    """Whether a start would run beside the container that is being stopped (law S2).

    An update is stop-first, but a service scaled from none to one knows no task to stop first.
    """
    service = observed.service
    starts = isinstance(actions[-1], Apply) and want.config.replicas > 0
    return starts and service is not None and service.wanted == 0 and service.running > 0


def _replaces_unknown_task(known: DokployStatus, observed: Observed, actions: tuple[Action, ...]) -> bool:
    service = observed.service
    return (
        isinstance(actions[-1], Apply)
        and known.task is None
        and observed.tasks is None
        and service is not None
        and service.running > 0
    )


def _replacing(known: DokployStatus, observed: Observed, actions: tuple[Action, ...]) -> DokployStatus:
    """Remember the task that is about to be replaced (FACTS 12)."""
    if not isinstance(actions[-1], Apply | Build):
        return known
    newest = observed.tasks[0].task_id if observed.tasks else None
    return replace_known(known, replaced=known.task or newest or known.replaced, task=None)


def _settle(
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
        case _:
            return Plan(stands.message, known, pace=Pace.MOTION, stands=stands)


def _readings_to_settle(
    session: Session, want: Desired, known: DokployStatus, observed: Observed
) -> list[Reading]:
    """What tells how the container stands; nothing while it was well and its service still is."""
    if want.config.replicas == 0:
        return []
    healthy = is_up(observed)
    was_well = known.task is not None and session.status.is_ready
    restarted = _boot(observed) not in {None, known.boot}
    missing: list[Reading] = []
    if observed.tasks is None and (not was_well or not healthy or restarted):
        missing.append(Reading.TASKS)
    if observed.echo is None and want.domain is not None and healthy and (observed.due or not was_well):
        missing.append(Reading.ECHO)
    return missing


def _boot(observed: Observed) -> str | None:
    return observed.echo["boot"] if isinstance(observed.echo, dict) else None


def _report_pace(observed: Observed) -> Pace:
    """A workspace that is still being prepared is motion, though the container runs."""
    if isinstance(observed.echo, dict) and observed.echo["workspace"]["state"] == "Preparing":
        return Pace.MOTION
    return Pace.SETTLED
