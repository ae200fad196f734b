"""The build path of controller/plan_build.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.actions import (
    Apply,
    Build,
    Configure,
)
from controller.observed import Reading
from controller.planned import Pace
from crds.session import BuildStatus, Session
from crds.vocabulary import Reason
from dokploy.port import Deployment, Job
from tests.controller.builders import (
    NOW,
    application,
    desired,
    detail,
    kinds,
    planned,
    report,
    running,
    seconds,
    seen,
    session,
    settled,
    task,
    with_known,
)


def built(outcome: str, **changes: object) -> Session:
    of = session()
    build = BuildStatus(inputs="b1", started_at=NOW - seconds(20), outcome=outcome, previous="dep-0")
    return with_known(of, settled(of, desired(of, git=True), **{"build": build, **changes}))


def row(name: str, status: str) -> Deployment:
    return Deployment(name, "", status, NOW)  # type: ignore[arg-type]


def test_new_inputs_are_built_and_only_these():
    of = built("Done")
    assert planned(of, seen(of), git=True).actions == ()
    stale = built("Done", build=BuildStatus(inputs="b0", started_at=NOW, outcome="Done"))
    assert planned(stale, seen(stale), git=True).readings == {Reading.DEPLOYMENTS}
    made = planned(stale, seen(stale, deployments=(row("dep-7", "done"),), jobs=()), git=True)
    assert kinds(made) == [Build]
    assert made.actions[0].previous == "dep-7"


def test_a_running_build_is_followed_and_nothing_is_applied_meanwhile():
    of = built("Running", applied=None)
    rows = (row("dep-1", "running"), row("dep-0", "done"))
    made = planned(of, seen(of, deployments=rows, jobs=()), git=True, digest="d2")
    assert made.actions == ()
    assert made.pace is Pace.MOTION
    assert made.known.build is not None
    assert made.known.build.deployment_id == "dep-1"


def test_the_end_of_a_build_counts_as_applied():
    of = built("Running", applied=None, task=None)
    rows = (row("dep-1", "done"), row("dep-0", "done"))
    observed = seen(of, deployments=rows, jobs=(), tasks=(task("task-5"),), echo=report(of))
    made = planned(of, observed, git=True)
    assert made.known.applied == "d1"
    assert made.pace is Pace.SETTLED


def test_a_failed_build_is_told_with_the_end_of_its_log_and_waits_for_a_person():
    of = built("Running", applied=None)
    observed = seen(of, deployments=(row("dep-1", "error"), row("dep-0", "done")), jobs=())
    asking = planned(of, observed, git=True)
    assert asking.readings == {Reading.BUILD_LOG}
    assert asking.known.build is not None
    assert asking.known.build.deployment_id == "dep-1", "the log is read of this one"
    made = planned(
        of, replace(observed, build_log=("fatal: no such branch", "Error occurred ❌, check")), git=True
    )
    assert made.actions == ()
    assert made.blocked is not None
    assert made.blocked.reason is Reason.BUILD_FAILED
    assert "no such branch" in made.blocked.message


@pytest.mark.parametrize("order", ["before ours", "after ours"])
def test_somebody_elses_deploy_that_failed_is_not_taken_for_a_build_of_ours(order: str):
    of = built("Running", applied=None, task=None)
    rows = (row("dep-2", "done"), row("dep-1", "error"), row("dep-0", "done"))
    if order == "after ours":
        rows = (row("dep-2", "error"), row("dep-1", "done"), row("dep-0", "done"))
    observed = seen(of, deployments=rows, jobs=(), tasks=(task("task-5"),), echo=report(of))
    made = planned(of, observed, git=True)
    assert made.known.applied == "d1"
    assert made.blocked is None


def test_a_failed_build_that_somebody_deployed_again_is_looked_at_again():
    of = built("Failed", applied=None, task=None)
    rows = (row("dep-2", "done"), row("dep-1", "error"), row("dep-0", "done"))
    observed = seen(
        of,
        suspect=True,
        detail=detail(of, desired(of, git=True)),
        deployments=rows,
        jobs=(),
        tasks=(task("task-5"),),
        echo=report(of),
    )
    made = planned(of, observed, git=True)
    assert made.known.build is not None
    assert made.known.build.outcome == "Done"


@pytest.mark.parametrize("rows", [(row("dep-0", "done"),), (row("dep-1", "cancelled"), row("dep-0", "done"))])
def test_a_build_that_a_restart_of_dokploy_lost_is_asked_for_again(rows: tuple[Deployment, ...]):
    of = built("Running", applied=None)
    assert kinds(planned(of, seen(of, deployments=rows, jobs=()), git=True)) == [Build]


def test_a_build_past_its_deadline_is_reported_and_waited_for():
    of = built("Running", build=BuildStatus(inputs="b1", started_at=NOW - seconds(4000), outcome="Running"))
    made = planned(of, seen(of, deployments=(row("dep-1", "running"),), jobs=()), git=True)
    assert made.actions == ()
    assert made.blocked is not None
    assert made.blocked.reason is Reason.BUILD_DEADLINE_EXCEEDED


def test_nothing_is_applied_while_somebody_elses_deploy_runs():
    of, _ = running()
    observed = seen(of, applications=(application(of, status="running"),), tasks=(task(),))
    assert planned(of, observed, digest="d2").readings == {Reading.JOBS}
    busy = replace(observed, jobs=(Job("app-1", "active", ""),))
    assert planned(of, busy, digest="d2").actions == ()
    assert kinds(planned(of, replace(observed, jobs=()), digest="d2")) == [Configure, Apply]


def test_a_failed_build_is_tried_again_when_a_restart_is_asked_for():
    of = built("Failed", applied=None)
    of = of.model_copy(update={"spec": of.spec.model_copy(update={"restarted_at": NOW})})
    assert kinds(planned(of, seen(of, deployments=(), jobs=()), git=True)) == [Build]
