"""How a session's container stands, from what was observed of it. Pure; used by plan and status.

Dokploy's own word is no evidence: ``done`` means that Swarm took the specification (FACTS 7.3),
and ``1/1`` just after a write may be the old task (FACTS 12). A container counts as running when
its service has a healthy task, that task is not the one which the last apply replaces, and, where
there is a route, the container echoes the desired revision through it. Where there is none, Docker's
own record of a task that has newly come tells its revision: Swarm may have restarted a container that
crashed, or rolled back to the one before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from itertools import takewhile

from controller.desired import Desired
from controller.observed import Observed, Silence
from crds.session import DokployStatus
from crds.vocabulary import Reason
from dokploy.port import TaskRow

_FAILURES_THAT_COUNT = 2
"""One exit is a restart; two since the last apply are a container that does not stay up."""

_RECENT = 600.0
"""Seconds; an older failure says nothing of how the container stands now."""

_UNHEALTHY = "unhealthy container"
"""In the error of a task that was stopped because its health check failed, whatever its exit code."""

_ROUNDING = 2.0
"""Seconds by which Docker's words for an age may be off near the moment of a write."""

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0

_ROLLBACK_GRACE = 30.0
"""Seconds for which another revision is a container on its way out rather than a rollback."""


class Stage(Enum):
    """How far the container is."""

    UNKNOWN = auto()
    STARTING = auto()
    RUNNING = auto()
    FAILING = auto()
    STOPPING = auto()
    STOPPED = auto()


@dataclass(frozen=True, slots=True)
class Standing:
    """A stage, why, and the task that was seen running."""

    stage: Stage
    reason: Reason
    message: str
    task: str | None = None


def standing(
    want: Desired, known: DokployStatus, observed: Observed, *, now: datetime, start_deadline: float
) -> Standing:
    """Say how the container of an applied configuration stands."""
    if want.config.replicas == 0:
        return _stopped(observed)
    elapsed = (now - known.deployed_at).total_seconds() if known.deployed_at else _RECENT
    task = _running_task(known, observed, elapsed)
    if is_up(observed) and task is not None:
        return _echoed(want, known, observed, elapsed, task)
    failure = _failure(_since_the_apply(known, observed, elapsed), want.config.memory_limit)
    if failure is not None:
        return failure
    # Counted from what is waited for: a container that was healthy is missed since it was not.
    since = max((at for at in (known.deployed_at, known.down_since) if at is not None), default=now)
    return _not_running(
        known, overdue=(now - since).total_seconds() > start_deadline, deadline=start_deadline
    )


def _stopped(observed: Observed) -> Standing:
    """Judge a session that shall not run: stopped once nothing of it is left.

    ``0/0`` is no proof: a container that is not healthy leaves the listing at once (FACTS-2 8).
    """
    service = observed.service
    runs = service is not None and (service.running > 0 or service.wanted > 0)
    if observed.remains is Silence.NO_ANSWER and not runs:
        return Standing(Stage.UNKNOWN, Reason.NOT_OBSERVED, "Whether its container has ended cannot be read")
    if runs or observed.remains:
        return Standing(Stage.STOPPING, Reason.STOPPING, "The container is being stopped")
    return Standing(Stage.STOPPED, Reason.STOPPED, "Stopped as declared")


def is_up(observed: Observed) -> bool:
    """Whether a container is healthy: by its service, or by its newest task where that is not listed."""
    if observed.service is not None:
        return observed.service.running > 0
    newest = observed.tasks[0] if observed.tasks else None
    return newest is not None and newest.state == "Running"


def _running_task(known: DokployStatus, observed: Observed, elapsed: float) -> str | None:
    """The task that runs and is the one meant, or None. ``elapsed``: seconds since the last apply."""
    if observed.tasks is None:
        return known.task
    if not observed.tasks:
        return None
    newest = observed.tasks[0]
    if newest.wanted != "running" or newest.state != "Running" or newest.task_id == known.replaced:
        return None
    if newest.task_id != known.task and newest.age is not None and newest.age > elapsed + _ROUNDING:
        return None
    return newest.task_id


def _echoed(want: Desired, known: DokployStatus, observed: Observed, elapsed: float, task: str) -> Standing:
    """Judge a healthy container by its own word; without a route, by Docker's of its newest task."""
    if want.domain is None:
        if task == known.task and observed.runs is None:
            return Standing(Stage.RUNNING, Reason.RUNNING, "The container runs", task)
        if not isinstance(observed.runs, str):
            return Standing(
                Stage.STARTING,
                Reason.REVISION_PENDING,
                "The container is healthy; which revision it runs cannot be read yet",
            )
        return _of_revision(want, known, observed.runs, elapsed, task)
    if observed.echo is None:
        return Standing(Stage.RUNNING, Reason.RUNNING, "The container runs", task)
    if observed.echo is Silence.ANOTHER:
        return Standing(
            Stage.STARTING, Reason.HOST_TAKEN, f"{want.domain.host} leads to another session's container"
        )
    # A container without a session id is one of ours whose environment somebody emptied: nothing of
    # what it says is believed, and it does not run the declared revision.
    if isinstance(observed.echo, Silence) and observed.echo is not Silence.NAMELESS:
        return Standing(
            Stage.STARTING,
            Reason.ROUTE_FAILING,
            f"The container is healthy, but {want.domain.host} does not lead to it yet",
        )
    revision = observed.echo["revision"] if isinstance(observed.echo, dict) else ""
    return _of_revision(want, known, revision, elapsed, task)


def _of_revision(want: Desired, known: DokployStatus, revision: str, elapsed: float, task: str) -> Standing:
    """Judge a healthy container by the revision that it runs."""
    applied = _applied_revision(want, known)
    if revision in {want.revision, applied}:
        return Standing(Stage.RUNNING, Reason.RUNNING, "The container runs", task)
    if elapsed > _ROLLBACK_GRACE:
        return Standing(
            Stage.FAILING,
            Reason.ROLLED_BACK,
            f"The container runs revision {revision or 'none'} in place of {applied}",
        )
    return Standing(Stage.STARTING, Reason.REVISION_PENDING, "The container of the new revision is awaited")


def _applied_revision(want: Desired, known: DokployStatus) -> str:
    """The revision that runs: an older one than the desired while its agent is not interrupted for that."""
    waits = known.applied is not None and known.applied != want.digest
    return known.applied_from.revision if waits and known.applied_from is not None else want.revision


def _not_running(known: DokployStatus, *, overdue: bool, deadline: float) -> Standing:
    if overdue:
        again = " again" if known.task is not None else ""
        return Standing(
            Stage.FAILING,
            Reason.START_DEADLINE_EXCEEDED,
            f"The container has not become healthy{again} within {deadline:.0f} s",
        )
    if known.task is not None:
        return Standing(Stage.STARTING, Reason.RESTARTING, "The container ended and is started again")
    return Standing(Stage.STARTING, Reason.STARTING, "The container is starting")


def _since_the_apply(known: DokployStatus, observed: Observed, elapsed: float) -> list[TaskRow]:
    """The recent tasks that the last apply brought about, the newest first.

    The tasks of the configuration before it fail on until they are replaced, up to the moment of the
    apply. They are those from the newest at the apply on, and, since another may have come between that
    look and the apply, those that by Docker's rounded words may be as old as it.
    """
    newer = takewhile(lambda row: row.task_id != known.replaced, observed.tasks or ())
    horizon = min(elapsed, _RECENT)
    return [row for row in newer if row.age is None or row.age + _rounded_by(row.age) <= horizon]


def _rounded_by(age: float) -> float:
    """Seconds by which Docker's words for an age may be too few: it tells whole units."""
    return next((unit for unit in (_DAY, _HOUR, _MINUTE) if age >= unit), 1.0)


def _failure(recent: list[TaskRow], memory_limit: int | None) -> Standing | None:
    rejected = [row for row in recent if row.state == "Rejected"]
    if rejected:
        error = rejected[0].error
        reason = Reason.IMAGE_NOT_FOUND if "No such image" in error else Reason.CONTAINER_FAILING
        return Standing(Stage.FAILING, reason, error or "Swarm rejects the container")
    ended = [row for row in recent if row.state in {"Failed", "Complete"}]
    if len(ended) < _FAILURES_THAT_COUNT:
        return None
    error = next((row.error for row in ended if row.error), "")
    if _UNHEALTHY in error:
        return Standing(
            Stage.FAILING,
            Reason.CONTAINER_FAILING,
            f"Docker replaces the container again and again because its health check fails ({error})",
        )
    if "(137)" in error and memory_limit is not None:
        return Standing(
            Stage.FAILING,
            Reason.OUT_OF_MEMORY,
            f"The container is killed again and again (exit code 137); its limit is "
            f"{memory_limit // 2**20} MiB of memory",
        )
    return Standing(
        Stage.FAILING,
        Reason.CONTAINER_FAILING,
        f"The container does not stay up: {error or 'it ends or fails its health check'}",
    )
