"""The state table of controller/plan_deletion.py, row by row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.actions import (
    Delete,
    RemoveVolume,
)
from controller.observed import Observed, Reading, Silence
from controller.plan_deletion import FORCE_ANNOTATION, plan_deletion
from controller.planned import Pace, Plan
from crds.base import Condition, ConditionStatus
from crds.session import DokployStatus, Intent, OperatingMode, Session, Storage
from crds.vocabulary import Reason
from dokploy.port import Job
from tests.controller.builders import (
    NOW,
    desired,
    detail,
    identity,
    kinds,
    nothing,
    report,
    seconds,
    seen,
    service,
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
    of = ran()
    assert deleting(of, seen(of)).readings == {Reading.JOBS}
    assert deleting(of, seen(of, jobs=(Job("app-1", "waiting", ""),), work=CLEAN)).actions == ()
    assert kinds(deleting(of, seen(of, jobs=(), work=CLEAN))) == [Delete]


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
    back = deleting(with_known(of, waits.known), seen(of, jobs=(), work=CLEAN))
    assert kinds(back) == [Delete]
    assert deleting(with_known(of, back.known), nothing()).readings == {Reading.GONE}


def test_retained_volumes_stay():
    made = deleting(session(deleting=True), nothing(), on_delete="Retain")
    assert made.finished
    assert made.actions == ()


# -- work that would be lost ------------------------------------------------------------------

CLEAN = {"state": "Clean", "uncommitted": 0, "unpushed": 0}
UNSAVED = {"state": "Unsaved", "uncommitted": 2, "unpushed": 1}
LOOSE = {"state": "NoRemote", "uncommitted": 3, "unpushed": 0}
BARE = {"state": "NoRemote", "uncommitted": 0, "unpushed": 0}
UNTOLD = {"state": "Unknown", "uncommitted": 0, "unpushed": 0}
SAVED = (ConditionStatus.TRUE, Reason.SAVED)
LOST = (ConditionStatus.FALSE, Reason.UNSAVED)
UNREAD = (ConditionStatus.UNKNOWN, Reason.WORK_UNKNOWN)
NEVER = (ConditionStatus.UNKNOWN, Reason.NOT_REPORTED)
DOWN = {"running": 0, "wanted": 0}
CRASHED = {"running": 0, "wanted": 1}


def ran(
    saved: tuple[ConditionStatus, Reason] = SAVED,
    *,
    annotations: dict[str, str] | None = None,
    **known: object,
) -> Session:
    """A session being deleted that had a container, with what was said last of its work."""
    of = session(deleting=True, annotations=annotations)
    status, reason = saved
    told = Condition(type="WorkSaved", status=status, reason=reason, last_transition_time=NOW)
    dokploy = settled(of, desired(of)).model_copy(update=known)
    update = {"conditions": (told,), "dokploy": dokploy}
    return of.model_copy(update={"status": of.status.model_copy(update=update)})


def reason(made: Plan) -> Reason | None:
    """Why a deletion waits; None where it goes on."""
    if made.blocked is None:
        assert kinds(made) in ([Delete], [RemoveVolume, RemoveVolume])
        return None
    assert made.actions == ()
    assert not made.finished
    assert made.pace is Pace.BACKOFF
    assert "berth undelete session fix-login" in made.blocked.message
    assert "--force" in made.blocked.message
    return made.blocked.reason


def test_the_question_is_the_last_reading_before_the_application_is_deleted():
    of = ran()
    assert deleting(of, seen(of)).readings == {Reading.JOBS}
    assert deleting(of, seen(of, jobs=())).readings == {Reading.WORK}
    assert deleting(of, seen(of, jobs=(), echo=report(of))).readings == {Reading.WORK}, "no word of before"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (CLEAN, None),
        (BARE, None),
        (UNSAVED, Reason.WORK_UNSAVED),
        (LOOSE, Reason.WORK_UNSAVED),
        (UNTOLD, Reason.WORK_UNKNOWN),
        *((silence, Reason.WORK_UNKNOWN) for silence in Silence),
    ],
)
def test_a_running_container_is_believed_by_its_answer_to_the_question_alone(
    answer: object, expected: object
):
    for saved in (SAVED, NEVER, UNREAD):
        of = ran(saved)
        assert reason(deleting(of, seen(of, jobs=(), work=answer))) == expected
        assert kinds(deleting(of, seen(of, jobs=()), on_delete="Retain")) == [Delete], "nothing is lost"
        forced = ran(saved, annotations={FORCE_ANNOTATION: "true"})
        assert kinds(deleting(forced, seen(forced, jobs=()))) == [Delete]


def test_work_that_was_unsaved_is_not_forgotten_by_a_container_that_is_silent():
    of = ran(LOST)
    made = deleting(of, seen(of, jobs=(), work=Silence.NO_ANSWER))
    assert reason(made) is Reason.WORK_UNSAVED


@pytest.mark.parametrize(
    ("saved", "expected"),
    [(SAVED, None), (NEVER, None), (LOST, Reason.WORK_UNSAVED), (UNREAD, Reason.WORK_UNKNOWN)],
)
def test_of_a_session_without_a_container_the_last_reading_counts(saved: object, expected: object):
    of = ran(saved)
    assert reason(deleting(of, seen(of, jobs=(), services=(service(of, **DOWN),)))) == expected
    gone = nothing(gone=True, containers=())
    assert reason(deleting(of, gone)) == expected, "somebody else deleted the application"


@pytest.mark.parametrize(
    ("saved", "expected"), [(SAVED, Reason.WORK_UNKNOWN), (NEVER, None), (LOST, Reason.WORK_UNSAVED)]
)
def test_a_container_that_crashes_is_asked_when_it_runs_again(saved: object, expected: object):
    """What it told before it crashed is not what it held then; one that never told was never entered."""
    of = ran(saved)
    crashed = seen(of, jobs=(), services=(service(of, **CRASHED),))
    assert deleting(of, crashed).readings == {Reading.WORK}
    assert reason(deleting(of, replace(crashed, work=Silence.NO_ANSWER))) == expected


def test_what_can_be_done_depends_on_whether_somebody_can_get_in():
    of = ran(LOST)
    runs = deleting(of, seen(of, jobs=(), work=UNSAVED)).blocked
    assert runs is not None
    assert "Commit and push it" in runs.message
    stopped = of.model_copy(
        update={"spec": of.spec.model_copy(update={"operating_mode": OperatingMode.STOPPED})}
    )
    still = deleting(stopped, seen(stopped, jobs=(), services=(service(of, **DOWN),))).blocked
    assert still is not None
    assert "Keep the session with berth undelete session fix-login, start it and push" in still.message


def test_a_container_that_no_route_leads_to_cannot_be_asked():
    of = ran(NEVER, route=None)
    assert deleting(of, seen(of, jobs=())).readings == {Reading.DETAIL}
    routeless = detail(of, desired(of, routed=False))
    assert reason(deleting(of, seen(of, jobs=(), detail=routeless))) is Reason.WORK_UNKNOWN
    stopped = seen(of, jobs=(), detail=routeless, services=(service(of, **DOWN),))
    assert reason(deleting(of, stopped)) is Reason.WORK_UNKNOWN
    unborn = ran(NEVER, route=None, applied=None, task=None)
    assert reason(deleting(unborn, seen(unborn, jobs=(), detail=routeless, services=()))) is None


def test_a_route_that_a_pass_attached_before_it_was_cut_off_is_asked_through():
    of = ran(NEVER, route=None)
    made = deleting(of, seen(of, jobs=(), detail=detail(of, desired(of))))
    assert made.readings == {Reading.WORK}
    assert made.known.route == "https://fix-login.example.com:3000"


def test_a_deletion_that_began_is_not_asked_about_any_more():
    of = ran(LOST, removing_since=NOW - seconds(1))
    made = deleting(of, nothing(gone=True, containers=()))
    assert kinds(made) == [RemoveVolume, RemoveVolume]
    assert made.known.removing_since == NOW - seconds(1)


def test_what_began_without_an_effect_can_be_undone_again_after_a_while():
    for age, kept in ((5, True), (300, False)):
        of = ran(removing_since=NOW - seconds(age))
        made = deleting(of, seen(of, jobs=(), work=UNSAVED))
        assert reason(made) is Reason.WORK_UNSAVED
        assert (made.known.removing_since is not None) is kept


def test_a_late_create_is_awaited_before_volumes_go():
    intent = Intent(actions=("Create",), at=NOW - seconds(2))
    of = with_known(session(deleting=True), DokployStatus(intent=intent))
    assert deleting(of, nothing()).actions == ()


def test_a_late_build_is_awaited_before_the_application_goes():
    of = ran(intent=Intent(actions=("Build",), at=NOW - seconds(2)))
    assert deleting(of, seen(of, jobs=(), work=CLEAN)).actions == ()
    late = ran(intent=Intent(actions=("Build",), at=NOW - seconds(20)))
    assert kinds(deleting(late, seen(late, jobs=(), work=CLEAN))) == [Delete]


def test_on_an_unknown_view_nothing_is_deleted():
    assert deleting(session(deleting=True), Observed()).actions == ()
