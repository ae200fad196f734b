"""The build path: when to build, and how the build that runs is followed (FACTS 13). Pure.

A build is known by the deployments that follow the newest one before it: titles are overwritten by
commit messages. Dokploy's queue is in memory: a build with neither a job nor a row was lost with a
restart and is asked for again. A build is never abandoned: nothing cancels it (FACTS-2 1), and at
its end it creates the service, whatever became of the application; so one that outlasts its
deadline is reported, and waited for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from controller.actions import Build
from controller.desired import Desired
from controller.errors import Failure, Next
from controller.observed import Observed, Reading
from controller.planned import replace_known
from crds.session import BuildStatus, DokployStatus
from crds.vocabulary import Reason
from dokploy.port import ApplicationRow, Deployment, TaskRow

_QUEUE_GRACE = 15.0
"""Seconds in which an accepted build may show neither as a job nor as a row."""

_CLOSING = ("Error occurred", "❌ Docker build failed", "❌ [ERROR] Fail to clone")
"""How the lines begin that end every failed build's log; what went wrong stands before them
(FACTS-2 1)."""


@dataclass(frozen=True, slots=True)
class BuildStep:
    """What the build path has to say before configuration and apply are looked at."""

    why: str
    known: DokployStatus
    readings: tuple[Reading, ...] = ()
    in_progress: bool = False
    build: Build | None = None
    failure: Failure | None = None


def follow_build(
    want: Desired,
    known: DokployStatus,
    observed: Observed,
    application: ApplicationRow,
    *,
    restarted_at: datetime | None,
    now: datetime,
    deadline: float,
) -> BuildStep:
    """Follow a build that runs, ask for one that is needed, or have nothing to say.

    A build that failed is tried again when a restart is asked for: what it was built from may have
    been mended where it lives.
    """
    build = known.build
    if build is not None and build.outcome == "Running":
        return _follow(want, known, build, observed, application, now=now, deadline=deadline)
    if want.build_inputs is None or want.config.replicas == 0:
        return BuildStep("", known)
    if build is not None and build.inputs == want.build_inputs:
        if build.outcome == "Done":
            return BuildStep("", known)
        if restarted_at is None or restarted_at <= build.started_at:
            if observed.suspect:  # somebody may have deployed again, and mended it
                return _follow(want, known, build, observed, application, now=now, deadline=deadline)
            return _failed(known, observed)
    return _ask(want, want.build_inputs, known, observed)


def _ask(want: Desired, inputs: str, known: DokployStatus, observed: Observed) -> BuildStep:
    if observed.deployments is None:
        return BuildStep("Earlier builds must be known", known, (Reading.DEPLOYMENTS,))
    previous = observed.deployments[0].deployment_id if observed.deployments else None
    return BuildStep(
        "It has not been built from these inputs", known, build=Build(inputs, previous, want.origin)
    )


def _failed(known: DokployStatus, observed: Observed) -> BuildStep:
    if observed.build_log is None:
        return BuildStep("The build's log tells why", known, (Reading.BUILD_LOG,))
    telling = (line for line in reversed(observed.build_log) if line and not line.startswith(_CLOSING))
    why = next(telling, "see the build's log")
    message = f"The build failed: {why}"
    return BuildStep(message, known, failure=Failure(Next.STALL, Reason.BUILD_FAILED, message))


def _follow(
    want: Desired,
    known: DokployStatus,
    build: BuildStatus,
    observed: Observed,
    application: ApplicationRow,
    *,
    now: datetime,
    deadline: float,
) -> BuildStep:
    if observed.deployments is None or observed.jobs is None:
        return BuildStep("The build is followed", known, (Reading.DEPLOYMENTS, Reading.JOBS))
    row = _decisive(build, observed.deployments)
    elapsed = (now - build.started_at).total_seconds()
    queued = observed.has_job(application.ref.application_id)
    if row is None and not queued and elapsed > _QUEUE_GRACE:
        return _again(want, known, observed)
    if row is None or row.status == "running" or queued:
        return _running(known, build, row, elapsed, deadline)
    if row.status == "cancelled":
        return _again(want, known, observed)
    ended = build.model_copy(
        update={"deployment_id": row.deployment_id, "outcome": "Done" if row.status == "done" else "Failed"}
    )
    if row.status == "error":
        return _failed(known.model_copy(update={"build": ended}), observed)
    if observed.tasks is None:
        return BuildStep("The build is done, and started a container", known, (Reading.TASKS,))
    # The end of a build applies what Dokploy held when it began; nothing was configured since.
    return BuildStep(
        "The build is done",
        replace_known(
            known,
            build=ended,
            applied=known.configured,
            deployed_at=now,
            down_since=None,
            task=_started(observed.tasks, known, elapsed),
        ),
    )


def _started(tasks: tuple[TaskRow, ...], known: DokployStatus, elapsed: float) -> str | None:
    """The task that the build started, if it runs already.

    A build may end long before that is seen, and its container then runs for longer than it is known
    to be applied: by its age it would be taken for an old one.
    """
    newest = tasks[0] if tasks else None
    if newest is None or newest.state != "Running" or newest.task_id == known.replaced:
        return None
    return newest.task_id if newest.age is None or newest.age <= elapsed else None


def _again(want: Desired, known: DokployStatus, observed: Observed) -> BuildStep:
    """Dokploy lost the build with a restart."""
    forgotten = known.model_copy(update={"build": None})
    if want.build_inputs is None or want.config.replicas == 0:
        return BuildStep("Dokploy lost the build", forgotten)
    return _ask(want, want.build_inputs, forgotten, observed)


def _running(
    known: DokployStatus, build: BuildStatus, row: Deployment | None, elapsed: float, deadline: float
) -> BuildStep:
    seen = build.model_copy(update={"deployment_id": row.deployment_id}) if row else build
    known = known.model_copy(update={"build": seen})
    if elapsed <= deadline:
        return BuildStep("The image is being built", known, in_progress=True)
    # Told by its deadline and not by its age: a message that counts would be a write each minute (L2).
    message = (
        f"The build runs for longer than {deadline / 60:.0f} minutes; Dokploy cannot cancel a single build, "
        "so it is waited for; it can be ended on the Dokploy host"
    )
    failure = Failure(Next.WAIT, Reason.BUILD_DEADLINE_EXCEEDED, message)
    return BuildStep(message, known, in_progress=True, failure=failure)


def _decisive(build: BuildStatus, deployments: tuple[Deployment, ...]) -> Deployment | None:
    """Of the deployments since ours was asked for, the one that tells how the build stands.

    Somebody else's may be among them, before ours or after, and nothing tells them apart. While one
    runs it is waited for; one that came to its end made the image, whoever asked for it, and the
    container then says what it runs; only if none did has the build failed.
    """
    since: list[Deployment] = []
    for row in deployments:
        if row.deployment_id == build.previous:
            break
        since.append(row)
    for status in ("running", "done"):
        found = next((row for row in since if row.status == status), None)
        if found is not None:
            return found
    return since[0] if since else None
