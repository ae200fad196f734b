"""Reads the world: one snapshot of a target for all its sessions, details for the few that ask.

A snapshot is two calls, whatever the number of sessions (law P1). Each answer may lie: an engine
that is down, a member's key or a restored database show as *nothing there* (FACTS 14), so what is
missing is weighed against what we know to own before it is believed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, TypeVar

from controller.containers import containers_of, read_remains, read_revision
from controller.echo import read_report
from controller.identity import Identity, Markers
from controller.observed import Observed, Reading, Unknown
from controller.probe import Probe
from crds.session import DokployStatus, Session
from crds.vocabulary import Reason
from dokploy.errors import NotFound
from dokploy.port import ApplicationRef, ApplicationRow, Dokploy, Domain, ServiceRow

_Row = TypeVar("_Row")

_LOG_LINES = 40
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_MASS = 3
"""So many things of ours missing at once, and more than half of them all, is a mass absence."""


@dataclass(frozen=True, slots=True)
class Missing:
    """How much of what we own a snapshot lacks."""

    applications: int = 0
    applications_expected: int = 0
    services: int = 0
    """Those whose application is there: a service goes with its application."""
    services_expected: int = 0


@dataclass(frozen=True, slots=True)
class Listing(Generic[_Row]):
    """One bulk answer: the rows of each session of ours, and what tells whether any of them changed."""

    rows: tuple[_Row, ...] = ()
    """As they came, others' among them."""
    by_session: Mapping[str, tuple[_Row, ...]] = field(default_factory=dict)
    signatures: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    """What is shown of each session: equal while nothing happened to it."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One bulk reading of a target."""

    started_at: float
    """Loop time before the first of the calls: what we wrote later may not show."""
    taken_at: datetime
    listed_applications: Listing[ApplicationRow] = field(default_factory=Listing)
    listed_services: Listing[ServiceRow] = field(default_factory=Listing)
    doubt: Unknown | None = None
    """Why absence in this snapshot is not to be believed."""
    missing: Missing = field(default_factory=Missing)
    """What of ours it lacks."""

    @property
    def applications(self) -> Mapping[str, tuple[ApplicationRow, ...]]:
        """Those that bear our marker, by session id."""
        return self.listed_applications.by_session

    @property
    def services(self) -> Mapping[str, tuple[ServiceRow, ...]]:
        """Those that bear our marker, by session id."""
        return self.listed_services.by_session

    def signature(self, session_id: str) -> tuple[object, ...]:
        """What the snapshot shows of one session: equal while nothing happened to it."""
        return (
            self.listed_applications.signatures.get(session_id, ()),
            self.listed_services.signatures.get(session_id, ()),
            self.doubt,
        )


@dataclass(frozen=True, slots=True)
class Expected:
    """What a session is known to have in Dokploy."""

    session_id: str
    application: bool
    service: bool


def expected_of(session: Session, session_id: str) -> Expected:
    """What a session's record says that it has.

    The application of one that is being deleted may go at any time; while it is there, its service is.
    """
    known = session.status.dokploy
    alive = known.application_id is not None and session.metadata.deletion_timestamp is None
    return Expected(session_id, application=alive, service=known.applied is not None)


async def take_snapshot(
    dokploy: Dokploy,
    markers: Markers,
    expected: Iterable[Expected],
    *,
    now: datetime,
    before: Snapshot | None = None,
) -> Snapshot:
    """Read both listings; raises DokployError.

    A listing that is the one of the snapshot ``before``, as at rest it is, is not sorted again.
    """
    started = asyncio.get_running_loop().time()
    rows, service_rows = await asyncio.gather(dokploy.list_applications(), dokploy.list_services())
    applications, services = (before.listed_applications, before.listed_services) if before else _NOTHING
    if rows is not applications.rows:
        applications = _listing(rows, markers, lambda row: row.ref.app_name, _application_signature)
    if service_rows is not services.rows:
        services = _listing(service_rows, markers, lambda row: row.app_name, _service_signature)
    expected = tuple(expected)
    missing = _missing(expected, applications.by_session, services.by_session)
    return Snapshot(
        started_at=started,
        taken_at=now,
        listed_applications=applications,
        listed_services=services,
        doubt=_doubt(
            missing,
            engine_is_silent=not service_rows and _lacks_a_service(expected, applications.by_session),
        ),
        missing=missing,
    )


_NOTHING: tuple[Listing[ApplicationRow], Listing[ServiceRow]] = Listing(), Listing()


def _listing(
    rows: tuple[_Row, ...],
    markers: Markers,
    name_of: Callable[[_Row], str],
    signature_of: Callable[[_Row], object],
) -> Listing[_Row]:
    found: dict[str, list[_Row]] = {}
    for row in rows:
        session_id = markers.session_id(name_of(row))
        if session_id is not None:
            found.setdefault(session_id, []).append(row)
    return Listing(
        rows,
        {session_id: tuple(mine) for session_id, mine in found.items()},
        {session_id: tuple(map(signature_of, mine)) for session_id, mine in found.items()},
    )


def _application_signature(row: ApplicationRow) -> object:
    return row.ref.application_id, row.name, row.last_deploy_at


def _service_signature(row: ServiceRow) -> object:
    return row.app_name, row.running, row.wanted


def _missing(
    expected: tuple[Expected, ...], applications: Mapping[str, object], services: Mapping[str, object]
) -> Missing:
    """Count what we own and do not see."""
    owned = [item.session_id for item in expected if item.application]
    running = [item.session_id for item in expected if item.application and item.service]
    return Missing(
        applications=sum(session_id not in applications for session_id in owned),
        applications_expected=len(owned),
        services=sum(session_id not in services and session_id in applications for session_id in running),
        services_expected=len(running),
    )


def _lacks_a_service(expected: tuple[Expected, ...], applications: Mapping[str, object]) -> bool:
    """Whether a listing without any service lacks one: a deletion, too, waits for the engine.

    Deleted while it is down, an application leaves its service behind, and no call removes that.
    """
    return any(item.service and item.session_id in applications for item in expected)


def _doubt(missing: Missing, *, engine_is_silent: bool) -> Unknown | None:
    """Weigh what is missing against what we own."""
    if _is_mass(missing.applications, missing.applications_expected):
        return _mass_absence("applications", missing.applications, missing.applications_expected)
    if engine_is_silent:
        return Unknown(
            Reason.NOT_OBSERVED,
            "Dokploy lists no service at all, as it does when its Docker engine is down; nothing is done",
        )
    if _is_mass(missing.services, missing.services_expected):
        return _mass_absence("services", missing.services, missing.services_expected)
    return None


def _mass_absence(what: str, missing: int, expected: int) -> Unknown:
    return Unknown(
        Reason.MASS_ABSENCE,
        f"{missing} of {expected} {what} are missing at once; nothing is done until this is confirmed, "
        "see docs/troubleshooting.md#massabsence",
    )


def _is_mass(missing: int, of: int) -> bool:
    return missing >= _MASS and missing * 2 > of


def observed_in(snapshot: Snapshot, session_id: str, *, accept_absence: bool) -> Observed:
    """One session's part of a snapshot."""
    if snapshot.doubt is not None and not accept_absence:
        return Observed(unknown=snapshot.doubt)
    return Observed(
        applications=snapshot.applications.get(session_id, ()),
        services=snapshot.services.get(session_id, ()),
    )


async def read(
    readings: frozenset[Reading],
    observed: Observed,
    *,
    identity: Identity,
    domain: Domain | None,
    known: DokployStatus,
    dokploy: Dokploy,
    probe: Probe,
    probe_address: str | None,
) -> Observed:
    """Read what a plan asked for; raises DokployError.

    An application that is gone meanwhile is told by an empty listing, so that the next plan starts
    from there.
    """
    application = observed.application
    for reading in sorted(readings, key=lambda reading: reading.value):
        match reading:
            case Reading.JOBS:
                observed = replace(observed, jobs=await dokploy.list_jobs())
            case Reading.ECHO | Reading.WORK:
                answer = await read_report(
                    probe, domain, probe_address, identity, asking=reading is Reading.WORK
                )
                observed = replace(observed, echo=answer.report, work=answer.work or observed.work)
            case Reading.GONE:
                observed = replace(observed, gone=await _is_gone(dokploy, known))
            case Reading.CONTAINERS:
                observed = replace(observed, containers=await containers_of(dokploy, identity))
            case Reading.BUILD_LOG:
                observed = replace(observed, build_log=await _build_log(dokploy, known))
            case _ if application is None:
                raise NotFound(reading.name.lower(), "there is no application to read it of")
            case Reading.REMAINS:
                was_applied = observed.service is not None or known.deployed_at is not None
                tasks, remains = await read_remains(
                    dokploy, identity, application.ref.app_name, was_applied=was_applied
                )
                observed = replace(observed, tasks=tasks, remains=remains)
            case _:
                observed = await _read_of(application.ref, reading, observed, dokploy)
    return observed


async def _read_of(ref: ApplicationRef, reading: Reading, observed: Observed, dokploy: Dokploy) -> Observed:
    """Read what one application alone has."""
    match reading:
        case Reading.DETAIL:
            return replace(observed, detail=await dokploy.read_application(ref.application_id))
        case Reading.TASKS:
            return replace(observed, tasks=await dokploy.read_tasks(ref.app_name))
        case Reading.RUNS:
            return replace(observed, runs=await read_revision(dokploy, observed.tasks or ()))
        case Reading.DEPLOYMENTS:
            return replace(observed, deployments=await dokploy.list_deployments(ref.application_id))
        case _:
            text = await dokploy.read_logs(ref.application_id, tail=_LOG_LINES, since=None)
            return replace(observed, logs=tuple(text.splitlines()))


async def _is_gone(dokploy: Dokploy, known: DokployStatus) -> bool:
    if known.application_id is None:
        return True
    try:
        await dokploy.read_application(known.application_id)
    except NotFound:
        return True
    return False


async def _build_log(dokploy: Dokploy, known: DokployStatus) -> tuple[str, ...]:
    if known.build is None or known.build.deployment_id is None:
        return ()
    text = await dokploy.read_build_log(known.build.deployment_id, tail=_LOG_LINES)
    lines = [_COLOUR.sub("", line).strip() for line in text.replace("\r", "\n").splitlines()]
    return tuple(line for line in lines if line)
