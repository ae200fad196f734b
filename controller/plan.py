"""What to do next for one session. Pure: no I/O, no clock; ``now`` is an argument.

The state table; the first row that fits decides. *Applied* means: the digest that Dokploy was last
told to run is the desired one, no newer ``restartedAt`` waits, and the service wants as many tasks.

=========================================  ====================================================
what is seen                               what follows
=========================================  ====================================================
a listing is unknown                       nothing (S7)
the session is being deleted               :mod:`controller.plan_deletion`
what it refers to is missing               nothing; a container that should be stopped is stopped
several applications bear the marker       delete all but one, once no build of them runs (S2)
none, and it was declared Legacy           nothing
none, a create may still be under way      wait
none, but its service lives on             nothing: a second container would share its volumes
none                                       Create Configure AttachVolume… AttachRoute Apply|Build
one, and an earlier pass was cut off       read it whole, then as below
one, a build of it is queued or runs       wait, follow the build
one, not configured                        Configure, then as below
one, volumes or route missing              AttachVolume, DetachRoute, AttachRoute, then as below
one, never built from these inputs         Build
one, not applied                           Apply
one, applied, not yet settled              read tasks and echo; wait
one, settled                               nothing
=========================================  ====================================================

The order within a row matters: volumes before the first container, or its work would be lost with
it; configuration before apply, or the old one would be applied; the route before apply, so that
the session can be reached the moment it is healthy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto

from controller.actions import (
    Action,
    Apply,
    AttachRoute,
    AttachVolume,
    Build,
    Configure,
    Create,
    Delete,
    DetachRoute,
    route_text,
)
from controller.desired import Desired
from controller.errors import Failure, Next
from controller.observed import Observed, Reading
from controller.plan_build import BuildStep, follow_build
from controller.standing import Stage, Standing, standing
from crds.session import DokployStatus, OperatingMode, Session
from crds.vocabulary import Reason
from dokploy.port import ApplicationDetail, ApplicationRow, Domain

CREATE_SETTLES = 10.0
"""Seconds in which a create that got no answer may still take effect."""


class Pace(Enum):
    """When the session is worth another look, if nothing else happens."""

    SETTLED = auto()
    """Not before something changes."""
    MOTION = auto()
    """At every fast tick."""
    BACKOFF = auto()
    """After a growing delay."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The next steps, or the readings without which there is no telling."""

    why: str
    known: DokployStatus
    """What we hold Dokploy to have, corrected by what was read."""
    actions: tuple[Action, ...] = ()
    readings: frozenset[Reading] = frozenset()
    pace: Pace = Pace.SETTLED
    blocked: Failure | None = None
    """Why the desired state cannot be reached now."""
    stands: Standing | None = None
    """How the container stands, where nothing is left to do."""
    finished: bool = False
    """The deletion is done once the actions are: the record may go."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds after which a step is reported as failing."""

    start: float = 300.0
    build: float = 1800.0


def plan(
    session: Session,
    want: Desired | Failure,
    observed: Observed,
    *,
    now: datetime,
    deadlines: Deadlines,
) -> Plan:
    """Plan for a session that is not being deleted."""
    known = session.status.dokploy
    if observed.applications is None or observed.services is None:
        return unknown(known, observed)
    if isinstance(want, Failure):
        return _plan_unresolved(session, want, observed)
    if len(observed.applications) > 1:
        return _plan_twins(known, observed)
    if not observed.applications:
        return _plan_absent(session, want, observed, now)
    return _plan_present(session, want, observed, observed.applications[0], now, deadlines)


def unknown(known: DokployStatus, observed: Observed) -> Plan:
    """Nothing is done on an unknown view (law S7)."""
    cause = observed.unknown
    reason = cause.reason if cause else Reason.NOT_OBSERVED
    message = cause.message if cause else "The target has not been listed yet"
    return Plan(message, known, blocked=Failure(Next.WAIT, reason, message))


def needing(known: DokployStatus, why: str, *readings: Reading) -> Plan:
    """A plan that cannot be made before something is read."""
    return Plan(why, known, readings=frozenset(readings))


def _plan_unresolved(session: Session, want: Failure, observed: Observed) -> Plan:
    known, application = session.status.dokploy, observed.application
    idle = Plan(want.message, known, blocked=want)
    service = observed.service
    if session.spec.operating_mode is OperatingMode.RUNNING or application is None:
        return idle
    if service is None or service.wanted == 0:
        return idle
    # Stopped is stopped, whatever else the record lacks (S11): the configuration that Dokploy
    # has is written back with no replicas.
    if observed.detail is None:
        return needing(known, "It must be stopped with the configuration it has", Reading.DETAIL)
    if observed.detail.config is None:
        return idle
    stopped = replace(observed.detail.config, replicas=0)
    return Plan(
        "Stop it, although its record cannot be resolved",
        replace_known(
            known, application_id=application.ref.application_id, app_name=application.ref.app_name
        ),
        (Configure(stopped, "unresolved"), Apply("declared Stopped")),
        pace=Pace.MOTION,
        blocked=want,
    )


def _plan_twins(known: DokployStatus, observed: Observed) -> Plan:
    applications = observed.applications or ()
    if observed.jobs is None:
        return needing(known, "Several applications bear its marker", Reading.JOBS)
    kept = min(applications, key=lambda row: _claim_to_stay(row, known, observed))
    spare = [row for row in applications if row is not kept]
    ready = [row for row in spare if not observed.has_job(row.ref.application_id)]
    return Plan(
        f"{len(applications)} applications bear its marker; {kept.ref.app_name} is kept",
        known,
        tuple(Delete(row.ref) for row in ready),
        pace=Pace.MOTION,
        blocked=Failure(Next.WAIT, Reason.TWINS, f"{len(spare)} surplus applications are being deleted"),
    )


def _claim_to_stay(
    row: ApplicationRow, known: DokployStatus, observed: Observed
) -> tuple[bool, bool, datetime, str]:
    """The recorded one, else one that runs, else the oldest."""
    service = observed.service_of(row)
    running = service is not None and service.wanted > 0
    return (
        row.ref.application_id != known.application_id,
        not running,
        row.created_at,
        row.ref.application_id,
    )


def _plan_absent(session: Session, want: Desired, observed: Observed, now: datetime) -> Plan:
    known = session.status.dokploy
    if want.mode is OperatingMode.LEGACY:
        return Plan("Declared without a container", DokployStatus())
    intent = known.intent
    if intent and _CREATE in intent.actions and (now - intent.at).total_seconds() < CREATE_SETTLES:
        message = "An earlier create got no answer; it may still take effect"
        return Plan(
            message, known, pace=Pace.MOTION, blocked=Failure(Next.WAIT, Reason.AMBIGUOUS_CREATE, message)
        )
    if observed.orphans():
        return _orphaned(known, observed)
    fresh = DokployStatus(build=None)
    builds = want.build_inputs is not None and want.config.replicas > 0
    last: Action = Build(str(want.build_inputs), previous=None) if builds else Apply("it is new")
    return Plan(
        "It has no application" if known.application_id is None else "Its application is gone",
        fresh,
        (
            Create(want.identity.marker, want.name, want.description),
            Configure(want.config, want.digest),
            *(AttachVolume(mount) for mount in want.volumes),
            *((AttachRoute(want.domain),) if want.domain else ()),
            last,
        ),
        pace=Pace.MOTION,
    )


_CREATE = Create.__name__


def _orphaned(known: DokployStatus, observed: Observed) -> Plan:
    names = ", ".join(row.app_name for row in observed.orphans())
    message = (
        f"The service {names} runs without an application, and Dokploy has no call to remove it; "
        f"on the Dokploy host: docker service rm {names}"
    )
    return Plan(message, known, pace=Pace.BACKOFF, blocked=Failure(Next.WAIT, Reason.ORPHAN_SERVICE, message))


def _plan_present(
    session: Session,
    want: Desired,
    observed: Observed,
    application: ApplicationRow,
    now: datetime,
    deadlines: Deadlines,
) -> Plan:
    known = session.status.dokploy
    if _needs_detail(session, want, observed, application):
        if observed.detail is None:
            return needing(known, "What Dokploy holds must be read", Reading.DETAIL)
        if _may_be_applied(known, want, observed) and want.domain and observed.echo is None:
            return needing(known, "The container tells what it runs", Reading.ECHO)
        known = _adopted(session, want, observed, observed.detail)
    known = replace_known(
        known, application_id=application.ref.application_id, app_name=application.ref.app_name, intent=None
    )
    step = follow_build(want, known, observed, application, now=now, deadline=deadlines.build)
    if step.readings:
        return needing(known, step.why, *step.readings)
    known = step.known
    if step.in_progress:
        return Plan(step.why, known, pace=Pace.MOTION, blocked=step.failure)
    actions = _changes(session, want, known, observed, step)
    if not actions:
        return _settle(want, known, observed, step, now, deadlines)
    if observed.jobs is None and (want.build_inputs or application.status == "running"):
        return needing(known, "No build may be queued or running when it is applied", Reading.JOBS)
    if observed.has_job(application.ref.application_id):
        return Plan("A build of it is queued or running", known, pace=Pace.MOTION)
    if _replaces_unknown_task(known, observed, actions):
        return needing(known, "Which task is replaced must be known", Reading.TASKS)
    return Plan(_why(actions), _replacing(known, observed, actions), actions, pace=Pace.MOTION)


def _needs_detail(session: Session, want: Desired, observed: Observed, application: ApplicationRow) -> bool:
    """Whether our own record of the application is no longer to be trusted."""
    known, service = session.status.dokploy, observed.service
    if known.intent is not None or observed.suspect:
        return True
    if known.application_id != application.ref.application_id:
        return True
    if known.route not in {None, _route_of(want.domain)}:
        return True  # the old route's id is needed to remove it
    settled = known.applied == want.digest == known.configured
    return settled and (service is None or service.wanted != want.config.replicas)


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
    known, service = session.status.dokploy, observed.service
    configured = detail.config == want.config
    running = service is not None and service.wanted == want.config.replicas
    applied = known.applied if known.application_id == detail.ref.application_id else None
    if known.intent is not None:
        echoed = isinstance(observed.echo, dict) and observed.echo["revision"] == want.revision
        stopped = want.config.replicas == 0
        applied = want.digest if configured and running and (echoed or stopped) else None
    elif not running or not configured:
        applied = None
    return replace_known(
        known,
        configured=want.digest if configured else None,
        applied=applied,
        storage=tuple(mount.volume for mount in detail.mounts if mount in want.volumes),
        route=_route_of(want.domain) if _only(detail.domains, want.domain) else None,
    )


def _only(domains: tuple[Domain, ...], domain: Domain | None) -> bool:
    return domains == ((domain,) if domain else ())


def _route_of(domain: Domain | None) -> str | None:
    return route_text(domain) if domain else None


def _changes(
    session: Session, want: Desired, known: DokployStatus, observed: Observed, step: BuildStep
) -> tuple[Action, ...]:
    """The steps from what Dokploy holds to what it shall hold, in their order."""
    actions: list[Action] = []
    if known.configured != want.digest:
        actions.append(Configure(want.config, want.digest))
    actions += [AttachVolume(mount) for mount in want.volumes if mount.volume not in known.storage]
    actions += _route_changes(want, known, observed)
    if step.build is not None:
        return (*actions, step.build)
    if step.failure is not None:
        return tuple(actions)
    why = _reason_to_apply(session, want, known, actions)
    return (*actions, Apply(why)) if why else tuple(actions)


def _route_changes(want: Desired, known: DokployStatus, observed: Observed) -> list[Action]:
    if known.route == _route_of(want.domain):
        return []
    domains = observed.detail.domains if observed.detail else ()
    detach: list[Action] = [DetachRoute(domain) for domain in domains if domain != want.domain]
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
    return str(actions[-1])


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
    missing = _readings_to_settle(want, known, observed)
    if missing:
        return needing(known, "How the container stands must be read", *missing)
    stands = standing(want, known, observed, now=now, start_deadline=deadlines.start)
    match stands.stage:
        case Stage.RUNNING:
            known = replace_known(known, task=stands.task)
            return Plan("It runs as declared", known, pace=_report_pace(observed), stands=stands)
        case Stage.STOPPED:
            return Plan("It is stopped as declared", replace_known(known, task=None), stands=stands)
        case Stage.FAILING:
            if observed.logs is None:
                return needing(known, "Its last words tell why", Reading.LOGS)
            failure = Failure(Next.RETRY, stands.reason, stands.message)
            return Plan(stands.message, known, pace=Pace.BACKOFF, blocked=failure, stands=stands)
        case _:
            return Plan(stands.message, known, pace=Pace.MOTION, stands=stands)


def _readings_to_settle(want: Desired, known: DokployStatus, observed: Observed) -> list[Reading]:
    service = observed.service
    if want.config.replicas == 0:
        return []
    healthy = service is not None and service.running > 0
    missing: list[Reading] = []
    if observed.tasks is None and (known.task is None or not healthy):
        missing.append(Reading.TASKS)
    if observed.echo is None and want.domain is not None and healthy and (observed.due or known.task is None):
        missing.append(Reading.ECHO)
    return missing


def _report_pace(observed: Observed) -> Pace:
    """A workspace that is still being prepared is motion, though the container runs."""
    if isinstance(observed.echo, dict) and observed.echo["workspace"]["state"] == "Preparing":
        return Pace.MOTION
    return Pace.SETTLED


def replace_known(known: DokployStatus, **changes: object) -> DokployStatus:
    """A copy with changes; pydantic's ``model_copy``, named for what it is here."""
    return known.model_copy(update=changes)
