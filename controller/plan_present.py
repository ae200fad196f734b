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
    DetachVolume,
    domain_in,
)
from controller.adoption import adopted, needs_detail, readings_to_adopt, route_of
from controller.desired import Desired
from controller.errors import Failure, Next
from controller.observed import Observed, Reading, Silence
from controller.plan_build import BuildStep, follow_build
from controller.plan_settle import settle
from controller.planned import Deadlines, Pace, Plan, may_take_effect, needing, replace_known, unanswered
from controller.standing import Stage
from controller.takeup import Hold, hold, waiting_for
from crds.session import DokployStatus, Session
from crds.vocabulary import Reason
from dokploy.port import ApplicationRow, VolumeMount

_NOT_IDEMPOTENT = frozenset({AttachVolume.__name__, AttachRoute.__name__})
"""What must not be asked for again before an earlier one, unanswered, has shown or failed: the same
mount twice is a service that Swarm refuses, the same route twice an ambiguous one (FACTS 7.4)."""


_TO_RUN = frozenset({"ready", "running"})
"""Desired states of a task that an update stops before it starts the next one."""


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
    if needs_detail(session, want, observed, application):
        missing = readings_to_adopt(known, want, observed)
        if missing is not None or observed.detail is None:
            return missing or needing(known, "What Dokploy holds must be read", Reading.DETAIL)
        known = adopted(session, want, observed, observed.detail)
    known = replace_known(_named(known, application), intent=None, lost_at=None)
    held = hold(session, want, known, observed, now)
    known = held.known
    if held.waiting is not None:
        return _held(session, want, observed, held, now, deadlines)
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
    if _leave_the_container(actions, want, observed):
        settled = settle(session, want, known, observed, step, now, deadlines)
        return settled if settled.readings else replace(settled, actions=actions)
    if observed.jobs is None and (want.build_inputs or application.status == "running"):
        return needing(known, "No build may be queued or running when it is applied", Reading.JOBS)
    if observed.has_job(application.ref.application_id):
        return Plan("A build of it is queued or running", known, pace=Pace.MOTION)
    if _replaces_unknown_task(want, observed, actions):
        return needing(known, "Which task is replaced must be known", Reading.TASKS)
    waiting = _old_container_ends(session, known, want, observed, actions)
    if waiting is not None:
        return waiting
    after = afterwards(actions[-1], want)
    return Plan(
        _why(actions),
        _replacing(known, observed, actions),
        actions,
        pace=Pace.MOTION,
        after=f"{after[0].upper()}{after[1:]}",
    )


def _held(
    session: Session, want: Desired, observed: Observed, held: Hold, now: datetime, deadlines: Deadlines
) -> Plan:
    """Write what is declared, and leave what runs as it is: it is applied at an idle moment or a restart."""
    known, waiting = held.known, held.waiting
    if held.readings:
        return needing(known, "Whether its agent is at rest tells when it is applied", *held.readings)
    step = BuildStep("", known)
    settled = settle(session, want, known, observed, step, now, deadlines)
    if settled.readings or waiting is None:
        return settled
    left = [each for each in _changes(session, want, known, observed, step) if not isinstance(each, Apply)]
    route = session.status.dokploy.route
    before = domain_in(route)
    if before is not None and want.domain is not None and before.host == want.domain.host:
        # Another port alone waits with the rest: what runs listens on the one before.
        left = [each for each in left if not isinstance(each, AttachRoute | DetachRoute)]
        settled = replace(settled, known=replace_known(settled.known, route=route))
    runs = settled.stands is not None and settled.stands.stage is Stage.RUNNING
    why = waiting.message if runs else settled.why
    return replace(settled, actions=tuple(left), waiting=waiting, why=why)


def _named(known: DokployStatus, application: ApplicationRow) -> DokployStatus:
    ref = application.ref
    return replace_known(known, application_id=ref.application_id, app_name=ref.app_name)


def _changes(
    session: Session, want: Desired, known: DokployStatus, observed: Observed, step: BuildStep
) -> tuple[Action, ...]:
    """The steps from what Dokploy holds to what it shall hold, in their order."""
    actions: list[Action] = []
    if known.configured != want.digest or known.described != want.described:
        actions.append(Configure(want.config, want.digest, want.described))
    actions += _surplus_mounts(want, observed)
    actions += [AttachVolume(mount) for mount in want.volumes if mount.volume not in known.storage]
    actions += _route_changes(want, known, observed)
    if step.build is not None:
        return (*actions, step.build)
    if step.failure is not None:
        return tuple(actions)
    why = _reason_to_apply(session, want, known, actions)
    return (*actions, Apply(why, want.origin)) if why else tuple(actions)


def _leave_the_container(actions: tuple[Action, ...], want: Desired, observed: Observed) -> bool:
    """Whether nothing that runs changes by what is left to do, if anything is.

    That is to write what is for people, to put back an edit that nobody applied, or to take away a
    mount or a route that is one too many.
    """
    quiet = (Configure, DetachVolume, DetachRoute)
    if not all(isinstance(action, quiet) for action in actions):
        return False
    is_routed = observed.detail is not None and want.domain in observed.detail.domains
    return want.domain is None or is_routed or not any(isinstance(action, DetachRoute) for action in actions)


def _surplus_mounts(want: Desired, observed: Observed) -> list[Action]:
    """The mounts that are one too many at the path of a declared one, whatever they mount.

    One comes about when a ``mounts.create`` takes effect long after its time-out, and was asked for
    again; Swarm then refuses the service. Mounts of others at paths of their own are theirs.
    """
    paths = {mount.path for mount in want.volumes}
    kept: list[VolumeMount] = []
    surplus: list[Action] = []
    for mount in observed.detail.mounts if observed.detail else ():
        if mount in want.volumes and mount not in kept:
            kept.append(mount)
        elif mount.path in paths:
            surplus.append(DetachVolume(mount))
    return surplus


def _route_changes(want: Desired, known: DokployStatus, observed: Observed) -> list[Action]:
    domains = observed.detail.domains if observed.detail else ()
    kept = next((domain for domain in domains if domain == want.domain), None)
    stays = kept is not None
    detach: list[Action] = [DetachRoute(domain, surplus=stays) for domain in domains if domain is not kept]
    if want.domain is None or stays or known.route == route_of(want.domain):
        return detach
    return [*detach, AttachRoute(want.domain)]


def _reason_to_apply(
    session: Session, want: Desired, known: DokployStatus, before: list[Action]
) -> str | None:
    restart = session.spec.restarted_at
    if known.applied != want.digest:
        if known.applied is None:
            return "what runs is not what is declared"
        waited = waiting_for(session, want, known)
        return waited.why if waited is not None else "its configuration changed"
    if any(isinstance(action, AttachVolume) for action in before):
        return "a volume was missing"
    if want.config.replicas and restart is not None and known.restarted != restart:
        return "a restart was asked for"
    waited = waiting_for(session, want, known)
    return waited.why if waited is not None else None


def _why(actions: tuple[Action, ...]) -> str:
    """In words that follow "because"."""
    last = actions[-1]
    return last.why if isinstance(last, Apply) else str(last)


def afterwards(last: Action, want: Desired) -> str:
    """What is so once this action, the last of a plan, was accepted; it begins a sentence or follows one."""
    match last:
        case Build():
            return "its image is being built"
        case Apply(why=why) if want.config.replicas:
            return f"its configuration was applied because {why}, and its container is awaited"
        case Apply():
            return "it is declared Stopped, and no container of it is to run"
        case AttachRoute(domain=domain):
            return f"the route {domain.host} was attached, and its container is awaited there"
        case _:
            return "what Dokploy holds for it was changed"


def _old_container_ends(
    session: Session, known: DokployStatus, want: Desired, observed: Observed, actions: tuple[Action, ...]
) -> Plan | None:
    """Wait for all that may still write to the volumes before a service is started from none (law S2).

    An update is stop-first, but a service scaled from none to one knows no task to stop first. Whoever
    stopped it: a container that was not healthy is in no listing of services while it ends.
    """
    service = observed.service
    if not _starts_from_none(session.status.dokploy, want, observed, actions):
        return None
    if service is None or service.running == 0:
        if observed.remains is None:
            return needing(known, "No container of it may be left when it is started", Reading.REMAINS)
        if observed.remains == ():
            return None
    if observed.remains is Silence.NO_ANSWER:
        message = "Whether its old container has ended cannot be read; it is started once that is known"
        failure = Failure(Next.WAIT, Reason.NOT_OBSERVED, message)
        return Plan(message, known, pace=Pace.BACKOFF, blocked=failure)
    return Plan("Its old container is still ending; it is started after that", known, pace=Pace.MOTION)


def _starts_from_none(
    before: DokployStatus, want: Desired, observed: Observed, actions: tuple[Action, ...]
) -> bool:
    service = observed.service
    if not isinstance(actions[-1], Apply | Build) or want.config.replicas == 0:
        return False
    if service is not None:
        replaces = any(row.wanted in _TO_RUN for row in observed.tasks or ())
        return service.wanted == 0 or not (replaces or isinstance(actions[-1], Build))
    return before.applied is not None or before.intent is not None


def _replaces_unknown_task(want: Desired, observed: Observed, actions: tuple[Action, ...]) -> bool:
    """Whether the tasks must be read before the apply: no listing is young enough to go by.

    Somebody may have stopped the service since, or the listing is out of date: it would be started
    beside the container that ends. And while a service fails, Swarm makes another task every few
    seconds, whose failures are not those of the new configuration: the newest of now must be known.
    """
    applies = isinstance(actions[-1], Apply) and want.config.replicas > 0
    runs = observed.service is not None and observed.service.wanted > 0
    return applies and runs and observed.tasks is None


def _replacing(known: DokployStatus, observed: Observed, actions: tuple[Action, ...]) -> DokployStatus:
    """Remember the task that is about to be replaced (FACTS 12)."""
    if not isinstance(actions[-1], Apply | Build):
        return known
    newest = observed.tasks[0].task_id if observed.tasks else None
    return replace_known(known, replaced=newest or known.task or known.replaced, task=None)
