"""How a session's container stands, from what was observed of it. Pure; used by plan and status.

Dokploy's own word is no evidence: ``done`` means that Swarm took the specification (FACTS 7.3),
and ``1/1`` just after a write may be the old task (FACTS 12). A container counts as running when
its service has a healthy task, that task is not the one which the last apply replaces, and, where
there is a route, the container echoes the desired revision through it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

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
        return _echoed(want, observed, elapsed, task)
    return _not_running(known, observed, elapsed, start_deadline, want.config.memory_limit)


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
    """The task that runs and is the one meant, or None."""
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


def _echoed(want: Desired, observed: Observed, elapsed: float, task: str) -> Standing:
    """Judge a healthy container by its own word, where one can be had."""
    if want.domain is None or observed.echo is None:
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
    if revision == want.revision:
        return Standing(Stage.RUNNING, Reason.RUNNING, "The container runs", task)
    if elapsed > _ROLLBACK_GRACE:
        return Standing(
            Stage.FAILING,
            Reason.ROLLED_BACK,
            f"The container runs revision {revision or 'none'} in place of {want.revision}",
        )
    return Standing(Stage.STARTING, Reason.REVISION_PENDING, "The container of the new revision is awaited")


def _not_running(
    known: DokployStatus, observed: Observed, elapsed: float, deadline: float, memory_limit: int | None
) -> Standing:
    horizon = min(elapsed + _ROUNDING, _RECENT)
    recent = [row for row in observed.tasks or () if row.age is None or row.age <= horizon]
    failure = _failure(recent, memory_limit)
    if failure is not None:
        return failure
    if elapsed > deadline:
        return Standing(
            Stage.FAILING,
            Reason.START_DEADLINE_EXCEEDED,
            f"The container has not become healthy within {deadline:.0f} s",
        )
    if known.task is not None:
        return Standing(Stage.STARTING, Reason.RESTARTING, "The container ended and is started again")
    return Standing(Stage.STARTING, Reason.STARTING, "The container is starting")


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
