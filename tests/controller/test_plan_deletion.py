"""The state table of controller/plan_deletion.py, row by row."""

from __future__ import annotations

from controller.actions import (
    Delete,
    RemoveVolume,
)
from controller.observed import Observed, Reading, Silence
from controller.plan_deletion import FORCE_ANNOTATION, plan_deletion
from controller.planned import Pace, Plan
from crds.base import Condition, ConditionStatus
from crds.session import DokployStatus, Intent, Session, Storage
from crds.vocabulary import Reason
from dokploy.port import Job
from tests.controller.builders import (
    NOW,
    desired,
    identity,
    kinds,
    nothing,
    report,
    seconds,
    seen,
    session,
    settled,
    with_known,
)


def deleting(of: Session, observed: Observed, *, claimed: bool = True, **changes: object) -> Plan:
    storage = Storage(**changes)
    return plan_deletion(of, identity(of), observed, storage=storage, claimed=claimed, now=NOW)


def test_a_session_that_never_had_an_application_goes_without_a_call():
    for observed in (nothing(), Observed()):
        made = deleting(session(deleting=True), observed, claimed=False)
        assert made.finished
        assert made.actions == ()


def test_an_application_is_deleted_only_when_no_build_of_it_runs():
    of = session(deleting=True)
    assert deleting(of, seen(of)).readings == {Reading.JOBS}
    assert deleting(of, seen(of, jobs=(Job("app-1", "waiting", ""),))).actions == ()
    assert kinds(deleting(of, seen(of, jobs=()))) == [Delete]


def test_volumes_follow_the_application_and_the_record_follows_the_volumes():
    of = session(deleting=True)
    assert deleting(of, nothing()).readings == {Reading.CONTAINERS}
    made = deleting(of, nothing(containers=()))
    assert kinds(made) == [RemoveVolume, RemoveVolume]
    assert made.finished


def test_volumes_stay_while_a_container_that_has_them_is_on_the_host():
    made = deleting(session(deleting=True), nothing(containers=("a-container",)))
    assert made.actions == ()
    assert not made.finished
    assert made.pace is Pace.MOTION
    assert made.blocked is not None
    assert made.blocked.reason is Reason.STORAGE_IN_USE


def test_without_a_list_of_containers_docker_itself_guards_the_volumes():
    made = deleting(session(deleting=True), nothing(containers=Silence.NO_ANSWER))
    assert kinds(made) == [RemoveVolume, RemoveVolume]


def test_a_deleted_application_is_asked_for_by_its_id_once():
    of = session(deleting=True)
    of = with_known(of, settled(of, desired(of)))
    assert deleting(of, nothing()).readings == {Reading.GONE}
    waits = deleting(of, nothing(gone=True, containers=("a-container",)))
    again = deleting(with_known(of, waits.known), nothing())
    assert again.readings == {Reading.CONTAINERS}
    back = deleting(with_known(of, waits.known), seen(of, jobs=(), echo=Silence.NO_ANSWER))
    assert kinds(back) == [Delete]
    assert deleting(with_known(of, back.known), nothing()).readings == {Reading.GONE}


def test_retained_volumes_stay():
    made = deleting(session(deleting=True), nothing(), on_delete="Retain")
    assert made.finished
    assert made.actions == ()


def test_unsaved_work_stops_a_deletion_that_is_not_forced():
    unsaved = Condition(
        type="WorkSaved", status=ConditionStatus.FALSE, reason="Unsaved", last_transition_time=NOW
    )
    of = session(deleting=True)
    of = of.model_copy(update={"status": of.status.model_copy(update={"conditions": (unsaved,)})})
    made = deleting(of, seen(of, jobs=()))
    assert made.actions == ()
    assert made.blocked is not None
    assert made.blocked.reason is Reason.WORK_UNSAVED
    forced = of.model_copy(
        update={"metadata": of.metadata.model_copy(update={"annotations": {FORCE_ANNOTATION: "true"}})}
    )
    assert kinds(deleting(forced, seen(forced, jobs=()))) == [Delete]


def test_a_running_container_is_asked_before_its_work_is_deleted():
    of = session(deleting=True, known=DokployStatus(route="http://fix-login.example.com:3000"))
    assert deleting(of, seen(of)).readings == {Reading.ECHO}
    unsaved = {**report(of), "work": {"state": "Unsaved", "uncommitted": 1, "unpushed": 0}}
    made = deleting(of, seen(of, echo=unsaved, jobs=()))
    assert made.blocked is not None
    assert made.blocked.reason is Reason.WORK_UNSAVED
    assert kinds(deleting(of, seen(of, echo=report(of), jobs=()))) == [Delete]
    assert kinds(deleting(of, seen(of, jobs=()), on_delete="Retain")) == [Delete]


def test_a_late_create_is_awaited_before_volumes_go():
    intent = Intent(actions=("Create",), at=NOW - seconds(2))
    of = with_known(session(deleting=True), DokployStatus(intent=intent))
    assert deleting(of, nothing()).actions == ()


def test_on_an_unknown_view_nothing_is_deleted():
    assert deleting(session(deleting=True), Observed()).actions == ()
