"""The sentence: look at the record and at Dokploy, plan, perform, sum up, write back.

One pass over one session. A crash is allowed between any two of its lines; the next pass starts
from what it finds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import structlog

from controller.actions import Action, Build, Create, domain_in
from controller.conditions import Pass
from controller.errors import Failure, Next, failure_of
from controller.events import EventWriter
from controller.execute import begun, execute, recorded
from controller.inputs import Inputs
from controller.observe import read
from controller.observed import Observed, Reading, Unknown
from controller.placing import elsewhere, is_certain, nothing_was_made, out_of_reach, placed
from controller.plan import plan
from controller.plan_deletion import plan_deletion
from controller.planned import Deadlines, Pace, Plan, replace_known
from controller.probe import Probe
from controller.replaced import replaced
from controller.secrets import mask
from controller.status import announced, summarize
from crds.base import Key
from crds.session import DokployStatus, Intent, Session, SessionStatus, TargetPlace
from crds.vocabulary import Reason
from dokploy.errors import DokployError, Effect
from dokploy.port import ApplicationRef, Dokploy, Domain, Place
from records.errors import NotFound
from records.port import Claim, Records

FINALIZER = "berth.dev/session"

log = structlog.get_logger(__name__)


class Target(Protocol):
    """A connected target, as a pass needs it."""

    @property
    def dokploy(self) -> Dokploy:
        """Its client."""
        ...

    @property
    def place(self) -> Place:
        """Where applications are created."""
        ...

    @property
    def here(self) -> TargetPlace | None:
        """Where it leads; None before it was first connected."""
        ...

    @property
    def absence_is_accepted(self) -> bool:
        """Whether a person has confirmed, not long ago, that what is missing is gone."""
        ...

    @property
    def deadlines(self) -> Deadlines:
        """Seconds after which a step is reported as failing."""
        ...

    @property
    def probe_address(self) -> str | None:
        """Where the controller connects for its own readings."""
        ...

    def observed(self, key: Key, session_id: str) -> Observed:
        """The session's part of the newest snapshot that is younger than its last write."""
        ...

    def wrote(self, key: Key) -> None:
        """A changing call for this session was sent: older snapshots no longer count (law S7)."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What passes share."""

    records: Records
    probe: Probe
    events: EventWriter
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Result:
    """When the session is worth another look, and what it looked like."""

    pace: Pace
    failure: Failure | None = None
    gone: bool = False


async def reconcile(session: Session, inputs: Inputs, target: Target | None, context: Context) -> Result:
    """One pass over one session; raises RecordsError when the store does not answer."""
    if session.metadata.deletion_timestamp is None and FINALIZER not in session.metadata.finalizers:
        # Before the first side effect: a record that goes while it has an application is an orphan.
        session = await context.records.add_finalizer(
            Session, session.key, uid=session.metadata.uid, finalizer=FINALIZER
        )
    inputs, target = _found(session, inputs, target)
    observed, planned, failure = await _observe_and_plan(session, inputs, target, context)
    stored = session.status
    if planned.actions or planned.finished:
        stored = await _announce(planned, session, inputs, observed, context)
    if planned.actions and target is not None:
        known, failure = await _perform(planned, session, stored.dokploy, target, context)
        planned = replace(planned, known=known)
    if planned.finished and failure is None:
        if observed.unknown is not None and not nothing_was_made(session):
            await context.events.write(session, "Warning", "Orphaned", planned.why)
        await context.records.remove_finalizer(
            Session, session.key, uid=session.metadata.uid, finalizer=FINALIZER
        )
        return Result(Pace.SETTLED, gone=True)
    # The times of conditions go on from what was announced, which is what the store has.
    began = session.status.model_copy(update={"conditions": stored.conditions})
    session = session.model_copy(update={"status": began})
    step = Pass(session, inputs.want, planned, _masked(observed, inputs), failure, context.now())
    await _write_back(step, stored, context)
    return Result(_pace(planned, failure), failure or planned.blocked)


def _found(session: Session, inputs: Inputs, target: Target | None) -> tuple[Inputs, Target | None]:
    """The target, where it is the one that the session was made on; what it shows counts for nothing else."""
    if target is None or is_certain(session, target.here):
        return inputs, target
    observed = target.observed(session.key, inputs.identity.session_id)
    obstacle = elsewhere(session, target.here, observed, accepted=target.absence_is_accepted)
    if obstacle is None:
        return inputs, target
    going = session.metadata.deletion_timestamp is not None
    want = inputs.want if going else obstacle
    return replace(inputs, want=want, obstacle=obstacle), None


async def _observe_and_plan(
    session: Session, inputs: Inputs, target: Target | None, context: Context
) -> tuple[Observed, Plan, Failure | None]:
    """Plan, reading what the plan asks for, until it asks for nothing more."""
    observed = target.observed(session.key, inputs.identity.session_id) if target else _nowhere(inputs)
    for _ in range(len(Reading) + 1):  # a plan asks for each reading at most once
        planned = _plan(session, inputs, observed, target, context.now())
        if not planned.readings or target is None:
            here = target.here if target is not None and observed.applications is not None else None
            creating = any(isinstance(action, Create) for action in planned.actions)
            known = placed(planned.known, session, here, creating=creating)
            return observed, replace(planned, known=known), None
        try:
            observed = await read(
                planned.readings,
                observed,
                identity=inputs.identity,
                domain=_domain(inputs, planned.known),
                known=planned.known,
                dokploy=target.dokploy,
                probe=context.probe,
                probe_address=target.probe_address,
            )
        except DokployError as error:
            failure = failure_of(error)
            idle = replace(planned, readings=frozenset(), pace=Pace.BACKOFF, known=session.status.dokploy)
            return observed, idle, failure
    raise RuntimeError(f"the plan for {session.key} asks again for what was read")


def _domain(inputs: Inputs, known: DokployStatus) -> Domain | None:
    """The route to the container: the declared one, or for a deletion the one it has."""
    return domain_in(known.route) if isinstance(inputs.want, Failure) else inputs.want.domain


def _plan(session: Session, inputs: Inputs, observed: Observed, target: Target | None, now: datetime) -> Plan:
    if session.metadata.deletion_timestamp is not None:
        nothing = inputs.obstacle is not None and nothing_was_made(session)
        claimed = inputs.claimed and not nothing
        stuck = out_of_reach(session, observed) if claimed else None
        return stuck or plan_deletion(
            session, inputs.identity, observed, storage=inputs.storage, claimed=claimed, now=now
        )
    deadlines = target.deadlines if target else Deadlines()
    return plan(session, inputs.want, observed, now=now, deadlines=deadlines)


def _nowhere(inputs: Inputs) -> Observed:
    """There is no target to look at; a session that never had an application needs none."""
    if inputs.obstacle is not None:
        return Observed(unknown=Unknown(inputs.obstacle.reason, inputs.obstacle.message))
    if isinstance(inputs.want, Failure):
        return Observed(unknown=Unknown(inputs.want.reason, inputs.want.message))
    return Observed(unknown=Unknown(Reason.TARGET_UNREACHABLE, "The target has not been reached yet"))


async def _perform(
    planned: Plan, session: Session, known: DokployStatus, target: Target, context: Context
) -> tuple[DokployStatus, Failure | None]:
    """Perform the actions in their order; stop at the first that fails."""
    made: ApplicationRef | None = None
    for action in planned.actions:
        target.wrote(session.key)
        try:
            made = await execute(action, target.dokploy, target.place, known)
        except DokployError as error:
            failure = failure_of(error)
            log.warning("action failed", session=str(session.key), action=str(action), error=str(error))
            await context.events.failed(session, action, failure)
            return _after_failure(known, session.status.dokploy, action, failure), failure
        finally:
            target.wrote(session.key)
        known = recorded(action, made, known, session, now=context.now())
        log.info("action done", session=str(session.key), action=str(action))
        await context.events.done(session, action)
    return known.model_copy(update={"intent": None}), None


async def _announce(
    planned: Plan, session: Session, inputs: Inputs, observed: Observed, context: Context
) -> SessionStatus:
    """Record what is about to be done, before it is: a pass that is cut off is then known to be.

    Raises Conflict where another controller has written the status since it was read, or where a
    deletion was undone: what was planned is then out of date, and nothing of it is done.
    """
    now = context.now()
    creates = any(isinstance(action, Create) for action in planned.actions)
    if creates:
        await context.records.claim(
            Claim(
                session_id=inputs.identity.session_id,
                key=session.key,
                uid=session.metadata.uid,
                target=session.target_name,
                at=now,
            )
        )
    names = tuple(type(action).__name__ for action in planned.actions)
    intent = Intent(actions=names, at=now) if names else planned.known.intent
    build = next((action for action in planned.actions if isinstance(action, Build)), None)
    # Known from here on: if the store fails just when the build was accepted, its age is still told.
    known = planned.known if build is None else replace_known(planned.known, build=begun(build, now=now))
    going = session.metadata.deletion_timestamp is not None
    # From here on the deletion cannot be undone, and where it was undone, nothing of this is done.
    since = planned.known.removing_since or now if going else None
    known = replace_known(known, intent=intent, removing_since=since)
    status = announced(
        Pass(session, inputs.want, replace(planned, known=known), observed, failure=None, now=now)
    )
    meta = session.metadata
    await context.records.update_status(
        Session,
        session.key,
        uid=meta.uid,
        status=status,
        before=session.status,
        # Nor is anything made where another target was named since: it could not be moved there.
        generation=meta.generation if going or creates else None,
    )
    return status


def _after_failure(
    known: DokployStatus, before: DokployStatus, action: Action, failure: Failure
) -> DokployStatus:
    """Keep the intent, and the build, where the failed action may have taken effect."""
    if failure.effect is Effect.UNKNOWN and isinstance(action, Build):
        return known
    known = replace_known(known, build=before.build)
    if failure.effect is Effect.UNKNOWN:
        return known
    if isinstance(action, Create):
        return DokployStatus(target=before.target)
    # Nothing was removed, and the deletion can still be undone.
    known = replace_known(known, removing_since=before.removing_since)
    # The apply comes last, so it has not happened: the task that was to be replaced still is the one.
    return replace_known(known, intent=None, task=before.task, replaced=before.replaced)


async def _write_back(step: Pass, stored: SessionStatus, context: Context) -> None:
    """Write the status if it differs from what we hold the store to have."""
    status = summarize(step)
    if status == stored:
        return
    try:
        await context.records.update_status(
            Session, step.session.key, uid=step.session.metadata.uid, status=status, before=stored
        )
    except NotFound:
        log.info("record gone before its status was written", session=str(step.session.key))
        return
    gone = replaced(step)
    if gone.count:
        await context.events.replaced(step.session, gone.count, gone.why)
    await context.events.transitions(step.session, status)


def _masked(observed: Observed, inputs: Inputs) -> Observed:
    """What a container or a build printed, without the secrets it was given."""
    if observed.logs is None and observed.build_log is None:
        return observed
    hidden = inputs.hidden
    return replace(
        observed, logs=mask(observed.logs or (), hidden), build_log=mask(observed.build_log or (), hidden)
    )


def _pace(planned: Plan, failure: Failure | None) -> Pace:
    if failure is None:
        return planned.pace
    if failure.next is Next.STALL:
        return Pace.SETTLED
    return Pace.MOTION if failure.next is Next.WAIT else Pace.BACKOFF
