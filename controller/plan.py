"""What to do next for one session. Pure: no I/O, no clock; ``now`` is an argument.

The state table; the first row that fits decides. *Applied* means: the digest that Dokploy was last
told to run is the desired one, no newer ``restartedAt`` waits, and the service wants as many tasks.
What nobody asked of a session is said in :mod:`controller.takeup`.

=========================================  ====================================================
what is seen                               what follows
=========================================  ====================================================
a listing is unknown                       nothing (S7)
the session is being deleted               :mod:`controller.plan_deletion`
what it refers to is missing               nothing; a container that should be stopped is stopped
several applications bear the marker       delete all but one, once no build of them runs (S2)
none, and it was declared Legacy           nothing
none, but Dokploy knows its id             wait: the listing is out of date or cut short
none, a create may still be under way      wait
none, but its service lives on             nothing: a second container would share its volumes
none                                       Create Configure AttachVolume… AttachRoute Apply|Build
one, an attachment may be under way        wait: twice would be one too many
one, and an earlier pass was cut off       read it whole, then as below
one, a build of it is queued or runs       wait, follow the build
one, to be started, a container is left    wait: two containers would share its volumes (S2)
one, to be stopped, its container runs     ask it for its work first: a deletion may need the answer
one, not configured                        Configure, then as below
one, its name or title out of date         Configure; nothing is applied
one, volumes or route missing or too many  Detach…, AttachVolume, AttachRoute, then as below
one, what nobody asked of it changed       Configure; Apply|Build once its agent is at rest
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

from dataclasses import replace
from datetime import datetime

from controller.actions import (
    Action,
    Apply,
    AttachRoute,
    AttachVolume,
    Build,
    Configure,
    Create,
    Delete,
)
from controller.desired import Desired
from controller.errors import Failure, Next
from controller.observed import Observed, Reading, Silence
from controller.plan_present import afterwards, plan_present
from controller.planned import (
    Deadlines,
    Pace,
    Plan,
    may_take_effect,
    needing,
    replace_known,
    unanswered,
    unconfirmed,
    unknown,
)
from controller.unsaved import before_a_stop
from crds.session import DokployStatus, OperatingMode, Session
from crds.vocabulary import Reason
from dokploy.port import ApplicationRow


def plan(
    session: Session,
    want: Desired | Failure,
    observed: Observed,
    *,
    now: datetime,
    deadlines: Deadlines,
) -> Plan:
    """Plan for a session that is not being deleted."""
    planned = _plan(session, want, observed, now=now, deadlines=deadlines)
    return before_a_stop(planned, want, observed)


def _plan(
    session: Session, want: Desired | Failure, observed: Observed, *, now: datetime, deadlines: Deadlines
) -> Plan:
    known = session.status.dokploy
    if observed.applications is None or observed.services is None:
        return unknown(known, observed)
    if isinstance(want, Failure):
        return _plan_unresolved(session, want, observed)
    if len(observed.applications) > 1:
        return _plan_twins(known, observed)
    if not observed.applications:
        return _plan_absent(session, want, observed, now)
    return plan_present(session, want, observed, observed.applications[0], now, deadlines)


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
        (Configure(stopped, "unresolved", "unresolved"), Apply("declared Stopped")),
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
    doubt = unconfirmed(known, observed)
    if doubt is not None:
        return doubt
    if may_take_effect(known.intent, _CREATE, now):
        return unanswered(known, "create")
    if observed.orphans():
        return _orphaned(known, observed)
    if known.application_id is not None:
        ending = _old_container_ends(known, want, observed, now)
        if ending is not None:
            return ending
    fresh = DokployStatus()
    builds = want.build_inputs is not None and want.config.replicas > 0
    last: Action = (
        Build(str(want.build_inputs), previous=None, origin=want.origin)
        if builds
        else Apply("it is new", want.origin)
    )
    return Plan(
        "It has no application" if known.application_id is None else "Its application is gone",
        fresh,
        (
            Create(want.identity.marker, want.config.name, want.config.description),
            Configure(want.config, want.digest, want.described),
            *(AttachVolume(mount) for mount in want.volumes),
            *((AttachRoute(want.domain),) if want.domain else ()),
            last,
        ),
        pace=Pace.MOTION,
        after=f"Its application was created; {afterwards(last, want)}",
    )


def _old_container_ends(
    known: DokployStatus, want: Desired, observed: Observed, now: datetime
) -> Plan | None:
    """Wait for the container of an application that is gone: it would share the volumes (law S2).

    A stopped session waits as well, for it may be started before the old container has ended. That
    outlives its service by its stop grace, which passes in any case: an engine that is down shows no
    container either. One that is still listed then has the volumes still.
    """
    lost_at = known.lost_at or now
    lost = replace_known(known, lost_at=lost_at, applied=None, task=None)
    grace = want.config.stop_grace / _NANO + _SWARM_LAG
    if (now - lost_at).total_seconds() < grace:
        return Plan("Its application is gone; its old container is given time to end", lost, pace=Pace.MOTION)
    if observed.containers is None:
        return needing(lost, "Its old container must be gone", Reading.CONTAINERS)
    if observed.containers is Silence.NO_ANSWER:
        message = "Its application is gone; whether its old container has ended, too, cannot be read"
        unread = Failure(Next.WAIT, Reason.NOT_OBSERVED, message)
        return Plan(message, lost, pace=Pace.BACKOFF, blocked=unread)
    if observed.containers:
        return Plan("Its application is gone; its old container is still ending", lost, pace=Pace.MOTION)
    return None


_CREATE = frozenset({Create.__name__})
_NANO = 1_000_000_000
_SWARM_LAG = 2.0
"""Seconds that Swarm may take to begin what it was told."""


def _orphaned(known: DokployStatus, observed: Observed) -> Plan:
    names = ", ".join(row.app_name for row in observed.orphans())
    message = (
        f"The service {names} runs without an application, and Dokploy has no call to remove it; "
        f"on the Dokploy host: docker service rm {names}"
    )
    return Plan(message, known, pace=Pace.BACKOFF, blocked=Failure(Next.WAIT, Reason.ORPHAN_SERVICE, message))
