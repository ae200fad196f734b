"""The plan of a record, for people: what would be done, and why, without doing any of it.

It starts from what the record's status says of Dokploy, so it needs no call; what the controller
would first read, it says it would read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from controller.admission import Admission
from controller.identity import Identity
from controller.inputs import gather
from controller.observed import Observed, Reading, Silence
from controller.plan import plan
from controller.plan_deletion import plan_deletion
from controller.planned import Deadlines, Plan
from controller.resolver import Resolver
from crds.base import Key
from crds.session import DokployStatus, OperatingMode, Session
from crds.target import Target
from crds.vocabulary import Reason
from dokploy.port import ApplicationRef, ApplicationRow, ServiceRow, TaskRow
from records.errors import NotFound
from records.paging import pages
from records.port import Records

READINGS: Mapping[Reading, str] = {
    Reading.DETAIL: "Read its application in Dokploy",
    Reading.TASKS: "Read the tasks of its service",
    Reading.ECHO: "Ask its container what it runs and how it is",
    Reading.JOBS: "Read the build queue",
    Reading.DEPLOYMENTS: "Read its builds",
    Reading.LOGS: "Read the end of its container's log",
    Reading.BUILD_LOG: "Read the end of its build's log",
    Reading.GONE: "Ask Dokploy for its application by id",
    Reading.CONTAINERS: "List its containers on the Dokploy host",
    Reading.REMAINS: "Read what is left of its container",
    Reading.RUNS: "Read what its container was started with",
    Reading.WORK: "Ask its container whether its work is saved",
}
"""What the controller reads before it decides, as a step that a person understands."""

_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Explanation:
    """A plan in words."""

    why: str
    actions: tuple[str, ...]
    wait_seconds: float | None = None


async def explain(records: Records, session: Session) -> Explanation:
    """Explain what the controller would do for a record as it is given."""
    settings = await records.settings()
    identity = Identity.of(session, instance=settings.instance)
    target = await _target(records, session.target_name)
    inputs = await gather(
        records,
        session,
        target,
        identity=identity,
        resolver=Resolver(settings.digest_key),
        admission=await _admission(records, session),
    )
    obstacle = inputs.obstacle.message if inputs.obstacle else _replaced(session)
    if obstacle is not None and inputs.claimed:
        return Explanation(obstacle, ())
    observed = as_recorded(session)
    if session.metadata.deletion_timestamp is not None:
        planned = plan_deletion(
            session,
            identity,
            observed,
            storage=inputs.storage,
            claimed=inputs.claimed,
            now=datetime.now(UTC),
        )
    else:
        planned = plan(session, inputs.want, observed, now=datetime.now(UTC), deadlines=Deadlines())
        if planned.readings == {Reading.WORK}:
            # A stop waits for no answer, so what follows is known already.
            asked = replace(observed, work=Silence.NO_ANSWER)
            stop = plan(session, inputs.want, asked, now=datetime.now(UTC), deadlines=Deadlines())
            planned = replace(stop, readings=planned.readings)
    return Explanation(planned.why, tuple(_lines(planned)))


def _replaced(session: Session) -> str | None:
    """What the controller found of a target that leads elsewhere: a look at the records does not tell."""
    replaced = (one for one in session.status.conditions if one.reason == Reason.TARGET_REPLACED)
    return next((one.message for one in replaced), None)


def as_recorded(session: Session) -> Observed:
    """The world as the record's status has it."""
    known = session.status.dokploy
    if known.application_id is None or known.app_name is None:
        return Observed(applications=(), services=())
    ref = ApplicationRef(known.application_id, known.app_name)
    row = ApplicationRow(ref, str(session.key), "done", known.environment_id or "", _EPOCH, None)
    wanted = _wanted(known, session)
    service = ServiceRow(known.app_name, wanted if known.task else 0, wanted, "")
    # What an apply would replace is on record, and need not be read to be named.
    tasks = (TaskRow(known.task, "running", "Running", None, ""),) if known.task else None
    return Observed(applications=(row,), services=(service,) if known.applied else (), tasks=tasks)


def _wanted(known: DokployStatus, session: Session) -> int:
    """How many tasks run by our record: those of the mode that was last applied."""
    if known.task is not None:
        return 1
    return 1 if session.spec.operating_mode is OperatingMode.RUNNING else 0


def _lines(planned: Plan) -> Iterable[str]:
    yield from (READINGS[reading] for reading in sorted(planned.readings, key=lambda r: r.value))
    yield from (str(action) for action in planned.actions)


async def _target(records: Records, name: str) -> Target | None:
    try:
        return await records.get(Target, Key("", name))
    except NotFound:
        return None


async def _admission(records: Records, session: Session) -> Admission:
    admission = Admission()
    async for page in pages(records, Session):
        for other in page.items:
            admission.note(other)
    admission.note(session)
    return admission
