"""The state table of controller/plan.py, row by row; builds and deletions have their own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller import execute
from controller.actions import (
    Apply,
    AttachRoute,
    AttachVolume,
    Build,
    Configure,
    Create,
    DetachRoute,
    DetachVolume,
)
from controller.errors import Failure, Next
from controller.observed import Observed, Reading, Silence, Unknown
from controller.plan import plan
from controller.planned import Pace, Plan
from controller.standing import Stage
from crds.session import DokployStatus, Intent, OperatingMode, Session
from crds.vocabulary import Reason
from dokploy.port import Domain, VolumeMount
from tests.controller.builders import (
    DEADLINES,
    NOW,
    application,
    config,
    desired,
    detail,
    kinds,
    nothing,
    planned,
    report,
    running,
    seconds,
    seen,
    service,
    session,
    settled,
    task,
    with_known,
)

# -- nothing is there ------------------------------------------------------------------------


def test_a_new_session_is_created_configured_attached_routed_and_applied_in_this_order():
    made = planned(session(), nothing())
    assert kinds(made) == [Create, Configure, AttachVolume, AttachVolume, AttachRoute, Apply]
    assert made.pace is Pace.MOTION


def test_without_a_route_pattern_no_route_is_attached():
    assert AttachRoute not in kinds(planned(session(), nothing(), routed=False))


def test_a_stopped_session_is_created_with_no_replicas():
    made = planned(session(mode=OperatingMode.STOPPED), nothing())
    assert kinds(made)[-1] is Apply
    assert made.actions[1].config.replicas == 0


def test_a_session_to_be_built_ends_with_a_build_and_a_stopped_one_does_not():
    assert kinds(planned(session(), nothing(), git=True))[-1] is Build
    assert kinds(planned(session(mode=OperatingMode.STOPPED), nothing(), git=True))[-1] is Apply


def test_a_legacy_session_has_no_application():
    assert planned(session(mode=OperatingMode.LEGACY), nothing()).actions == ()


def test_on_an_unknown_view_nothing_is_done():
    of, _ = running()
    made = planned(of, Observed(unknown=Unknown(Reason.TARGET_UNREACHABLE, "down")))
    assert made.actions == ()
    assert made.blocked is not None
    assert made.blocked.reason is Reason.TARGET_UNREACHABLE


def test_a_create_without_answer_is_given_time_and_then_repeated():
    intent = Intent(actions=("Create", "Configure"), at=NOW - seconds(3))
    of = with_known(session(), DokployStatus(intent=intent))
    made = planned(of, nothing())
    assert made.actions == ()
    assert made.blocked is not None
    assert made.blocked.reason is Reason.AMBIGUOUS_CREATE
    late = with_known(of, DokployStatus(intent=intent.model_copy(update={"at": NOW - seconds(11)})))
    assert kinds(planned(late, nothing()))[0] is Create


def test_no_second_container_is_made_beside_an_orphan_service():
    of, _ = running()
    made = planned(of, Observed(applications=(), services=(service(of),), gone=True))
    assert made.actions == ()
    assert made.blocked is not None
    assert made.blocked.reason is Reason.ORPHAN_SERVICE
    assert "docker service rm" in made.blocked.message


def test_an_application_that_was_deleted_behind_our_back_is_made_again_around_the_same_volumes():
    of, known = running(lost_at=NOW - seconds(60))
    lost = nothing(gone=True)
    assert planned(of, lost).readings == {Reading.CONTAINERS}
    made = planned(of, replace(lost, containers=()))
    assert kinds(made)[0] is Create
    volumes = [action.mount.volume for action in made.actions if isinstance(action, AttachVolume)]
    assert tuple(volumes) == known.storage


def test_a_lost_applications_container_is_given_time_to_end():
    of, _ = running()
    made = planned(of, replace(nothing(), gone=True))
    assert made.actions == ()
    assert made.known.lost_at == NOW
    late, _ = running(lost_at=NOW - seconds(60))
    ending = f"{late.status.dokploy.app_name}.1.task"
    assert planned(late, nothing(gone=True, containers=(ending,))).actions == (), "it ends very slowly"
    unread = planned(late, nothing(gone=True, containers=Silence.NO_ANSWER))
    assert unread.actions == (), "a list that cannot be read is not an empty one"
    assert unread.blocked is not None
    assert unread.blocked.reason is Reason.NOT_OBSERVED
    assert kinds(planned(late, nothing(gone=True, containers=())))[0] is Create


def test_a_stopped_sessions_lost_application_is_given_time_as_well():
    of = session(mode=OperatingMode.STOPPED)
    of = with_known(of, settled(of, desired(of), task=None))
    made = planned(of, nothing(gone=True))
    assert made.actions == (), "it may be started while the old container is still ending"
    assert made.known.lost_at == NOW


@pytest.mark.parametrize("mode", [OperatingMode.RUNNING, OperatingMode.STOPPED])
def test_what_a_listing_lacks_is_asked_for_by_its_id_before_it_is_made_again(mode: OperatingMode):
    of, _ = running()
    of = of.model_copy(update={"spec": of.spec.model_copy(update={"operating_mode": mode})})
    assert planned(of, nothing()).readings == {Reading.GONE}
    kept = planned(of, replace(nothing(), gone=False))
    assert kept.actions == ()
    assert kept.blocked is not None
    assert kept.blocked.reason is Reason.NOT_OBSERVED


# -- one application -------------------------------------------------------------------------


def test_a_settled_session_needs_nothing():
    of, _ = running()
    made = planned(of, seen(of))
    assert made.actions == ()
    assert made.readings == frozenset()
    assert made.pace is Pace.SETTLED


@pytest.mark.parametrize("mode", [OperatingMode.RUNNING, OperatingMode.STOPPED])
def test_a_change_is_two_calls(mode: OperatingMode):
    of, _ = running()
    of = of.model_copy(update={"spec": of.spec.model_copy(update={"operating_mode": mode})})
    observed = seen(of, work=Silence.NO_ANSWER, tasks=(task(),))
    assert kinds(planned(of, observed, digest="d2")) == [Configure, Apply]


def test_a_container_is_asked_for_its_work_before_it_is_stopped():
    of, _ = running()
    of = of.model_copy(update={"spec": of.spec.model_copy(update={"operating_mode": OperatingMode.STOPPED})})
    made = planned(of, seen(of))
    assert (made.actions, made.readings) == ((), {Reading.WORK})
    assert kinds(planned(of, seen(of, work=Silence.NO_ANSWER))) == [Configure, Apply], (
        "a stop waits for nobody"
    )
    assert kinds(planned(of, seen(of, services=(service(of, running=0, wanted=0),)), digest="d2")) == [
        Configure,
        Apply,
    ], "nothing runs that could be asked"


def test_a_restart_is_one_call():
    of, _ = running()
    of = of.model_copy(update={"spec": of.spec.model_copy(update={"restarted_at": NOW})})
    assert kinds(planned(of, seen(of, tasks=(task(),)))) == [Apply]


def test_an_apply_is_not_made_on_the_word_of_a_listing():
    """The listing shows it running; it was stopped since, and the next one would start beside it."""
    of, _ = running()
    of = of.model_copy(update={"spec": of.spec.model_copy(update={"restarted_at": NOW})})
    assert planned(of, seen(of)).readings == {Reading.TASKS}
    assert planned(of, seen(of, tasks=(task(wanted="remove"),))).actions == ()


def test_a_restart_of_a_stopped_session_is_none():
    of = session(mode=OperatingMode.STOPPED, restarted_at=NOW)
    of = with_known(of, settled(of, desired(of), restarted=None))
    assert planned(of, seen(of, services=(service(of, running=0, wanted=0),))).actions == ()


@pytest.mark.parametrize(("running_now", "wanted"), [(0, 0), (1, 2)])
def test_a_service_scaled_by_others_is_read_whole_and_applied_again(running_now: int, wanted: int):
    of, _ = running()
    tasks = (task("task-2", "Assigned", wanted="ready"),) if wanted else (task(wanted="remove"),)
    observed = seen(of, services=(service(of, running=running_now, wanted=wanted),), tasks=tasks)
    assert planned(of, observed).readings == {Reading.DETAIL}
    again = planned(of, replace(observed, detail=detail(of, desired(of)), remains=()))
    assert kinds(again) == [Apply]


def test_a_service_that_a_listing_lacks_is_believed_by_its_tasks():
    """Two sessions are too few for the mass absence to be noticed; a container must not be restarted
    for a listing that was cut short."""
    of, _ = running()
    cut_short = seen(of, services=(), detail=detail(of, desired(of)))
    assert planned(of, cut_short).readings == {Reading.TASKS}
    made = planned(of, replace(cut_short, tasks=(task(),), echo=report(of)))
    assert made.actions == ()
    assert made.stands is not None
    assert made.stands.stage is Stage.RUNNING
    gone = replace(cut_short, tasks=(), remains=())
    assert kinds(planned(of, gone)) == [Apply], "the service is really gone"


def test_a_start_waits_for_the_stop_to_be_over():
    of, _ = running(applied="d1-stopped", configured="d1-stopped", task=None)
    ending = seen(of, services=(service(of, running=1, wanted=0),), tasks=())
    assert planned(of, ending).actions == ()
    ended = seen(of, services=(service(of, running=0, wanted=0),), tasks=())
    assert planned(of, ended).readings == {Reading.REMAINS}, "one that was not healthy ends unlisted"
    assert planned(of, replace(ended, remains=("task-1",))).actions == ()
    assert kinds(planned(of, replace(ended, remains=()))) == [Configure, Apply]


def test_a_start_waits_while_it_cannot_be_read_whether_a_container_is_left():
    of, _ = running(applied="d1-stopped", configured="d1-stopped", task=None)
    unread = seen(of, services=(service(of, running=0, wanted=0),), remains=Silence.NO_ANSWER)
    made = planned(of, unread)
    assert made.actions == ()
    assert made.blocked is not None
    assert made.blocked.reason is Reason.NOT_OBSERVED


def test_an_edit_that_an_audit_finds_is_undone():
    of, _ = running()
    want = desired(of)
    edited = seen(of, suspect=True, detail=detail(of, want, config=config(env="A='2'")))
    assert planned(of, edited).readings == {Reading.TASKS}
    assert kinds(planned(of, replace(edited, tasks=(task("task-2"),)))) == [Configure, Apply]


def test_an_edit_that_nobody_applied_is_undone_without_a_restart():
    """The container is the one that was seen last: the edit, or an older database, never reached it."""
    of, known = running()
    edited = detail(of, desired(of), config=config(env="A='2'"))
    made = planned(of, seen(of, suspect=True, detail=edited, tasks=(task(str(known.task)),)))
    assert kinds(made) == [Configure]
    assert made.stands is not None
    assert made.stands.stage is Stage.RUNNING, "it is Ready meanwhile"


def test_an_audit_that_finds_nothing_does_nothing():
    of, _ = running()
    made = planned(of, seen(of, suspect=True, detail=detail(of, desired(of))))
    assert made.actions == ()
    assert made.pace is Pace.SETTLED


def test_a_volume_that_was_detached_is_attached_again_before_the_next_container():
    of, _ = running()
    bare = detail(of, desired(of), mounts=())
    made = planned(of, seen(of, suspect=True, detail=bare, tasks=(task(),)))
    assert kinds(made) == [AttachVolume, AttachVolume, Apply]


@pytest.mark.parametrize("volume", ["the same", "another's", ""])
def test_a_mount_that_is_one_too_many_is_detached_and_what_runs_is_left_alone(volume: str):
    of, _ = running()
    declared = desired(of).volumes
    name = declared[0].volume if volume == "the same" else volume
    surplus = VolumeMount(name, declared[0].path, mount_id="mount-3")
    elsewhere = VolumeMount("somebodys", "/cache", mount_id="mount-4")
    mounts = (*declared, surplus, elsewhere)
    made = planned(of, seen(of, suspect=True, detail=detail(of, desired(of), mounts=mounts)))
    assert made.actions == (DetachVolume(surplus),)
    assert made.actions[0].mount.mount_id == "mount-3"
    assert made.stands is not None
    assert made.stands.stage is Stage.RUNNING


def test_a_mount_in_the_place_of_a_declared_one_is_detached_before_that_is_attached():
    of, _ = running()
    wrong = VolumeMount("another's", "/workspace", mount_id="mount-3")
    mounts = (wrong, desired(of).volumes[1])
    held = detail(of, desired(of), mounts=mounts)
    made = planned(of, seen(of, suspect=True, detail=held, tasks=(task(),)))
    assert kinds(made) == [DetachVolume, AttachVolume, Apply]


def test_a_route_that_is_one_too_many_is_detached_and_what_runs_is_left_alone():
    of, _ = running()
    declared = desired(of).domain
    assert declared is not None
    twice = (replace(declared, domain_id="dom-1"), replace(declared, domain_id="dom-2"))
    made = planned(of, seen(of, suspect=True, detail=detail(of, desired(of), domains=twice)))
    assert [action.domain.domain_id for action in made.actions] == ["dom-2"]
    assert made.stands is not None
    assert made.stands.stage is Stage.RUNNING


def test_a_route_that_is_declared_no_more_is_detached_and_looked_for_until_it_is_gone():
    of, _ = running()
    want = desired(of, routed=False)
    old = Domain("fix-login.example.com", 3000, https=True, domain_id="dom-1")
    held = detail(of, want, domains=(old,))
    made = plan(of, want, seen(of, detail=held, tasks=(task(),)), now=NOW, deadlines=DEADLINES)
    assert kinds(made) == [DetachRoute]
    failed = with_known(of, made.known)
    again = plan(failed, want, seen(failed), now=NOW, deadlines=DEADLINES)
    assert again.readings == {Reading.DETAIL}
    gone = execute.recorded(made.actions[0], None, made.known, of, now=NOW)
    assert gone.route is None


def test_a_route_that_is_not_declared_is_detached_and_the_declared_one_attached():
    of, _ = running()
    other = Domain("other.example.com", 3000, https=True, domain_id="dom-1")
    made = planned(of, seen(of, suspect=True, detail=detail(of, desired(of), domains=(other,))))
    assert kinds(made) == [DetachRoute, AttachRoute]


@pytest.mark.parametrize("last", ["Apply", "Build"])
def test_a_pass_that_was_cut_off_goes_on_from_what_dokploy_holds(last: str):
    intent = Intent(actions=("Configure", last), at=NOW)
    of, _ = running(intent=intent, applied="d0", configured="d0")
    observed = seen(of, tasks=(task(),))
    assert planned(of, observed).readings == {Reading.DETAIL}
    holding = replace(observed, detail=detail(of, desired(of)))
    assert planned(of, holding).readings == {Reading.ECHO}
    echoed = planned(of, replace(holding, echo=report(of)))
    assert echoed.actions == (), "the container echoes the revision: it was applied"
    old = planned(of, replace(holding, echo=report(of, revision="r0")))
    assert kinds(old) == [Apply]


def test_an_application_that_is_waited_for_is_noted_so_that_no_false_listing_makes_another():
    of = with_known(session(), DokployStatus(intent=Intent(actions=("Create", "AttachRoute"), at=NOW)))
    row = application(of)
    waiting = planned(of, replace(nothing(), applications=(row,)))
    assert waiting.actions == ()
    assert waiting.known.application_id == row.ref.application_id
    assert planned(with_known(of, waiting.known), nothing()).readings == {Reading.GONE}


def test_a_container_on_its_way_out_is_no_evidence_that_its_successor_runs():
    """A bad image is applied, taken back, and the pass is cut off before the second apply: what
    still answers is the first container, whose revision is the desired one again."""
    of, _ = running(intent=Intent(actions=("Configure", "Apply"), at=NOW))
    refused = task("task-2", state="Rejected", error="No such image: sim/missing")
    observed = seen(of, detail=detail(of, desired(of)), echo=report(of))
    assert planned(of, observed).readings == {Reading.TASKS}
    made = planned(of, replace(observed, tasks=(refused, task("task-1", wanted="shutdown"))))
    assert kinds(made) == [Apply]


@pytest.mark.parametrize("known", [{"described": "p0"}, {"described": None}])
def test_a_new_title_is_written_and_nothing_is_applied(known: dict[str, object]):
    of, _ = running(**known)
    made = planned(of, seen(of))
    assert kinds(made) == [Configure]
    assert made.stands is not None
    assert made.stands.stage is Stage.RUNNING
    assert made.pace is Pace.SETTLED


def test_another_name_in_dokploys_page_is_looked_into_and_written_again():
    of, _ = running()
    want = desired(of)
    row = replace(application(of), name="renamed")
    observed = seen(of, applications=(row,))
    assert planned(of, observed).readings == {Reading.DETAIL}
    late = planned(of, replace(observed, detail=detail(of, want)))
    assert late.actions == (), "the listing was out of date"
    renamed = replace(want.config, name="renamed")
    made = planned(of, replace(observed, detail=detail(of, want, config=renamed)))
    assert kinds(made) == [Configure]


def test_another_description_is_found_by_the_audit_and_nothing_is_applied():
    of, _ = running()
    described = replace(desired(of).config, description="by an outsider")
    made = planned(of, seen(of, suspect=True, detail=detail(of, desired(of), config=described)))
    assert kinds(made) == [Configure]


@pytest.mark.parametrize("routed", [True, False])
@pytest.mark.parametrize("written", [True, False])
def test_a_title_whose_write_was_cut_off_restarts_nothing(routed: bool, written: bool):
    of = session()
    want = desired(of, routed=routed)
    known = settled(of, want, described="p0", intent=Intent(actions=("Configure",), at=NOW))
    of = with_known(of, known)
    old = replace(want.config, description="the old title")
    held = detail(of, want, config=want.config if written else old)
    observed = seen(of, detail=held, tasks=(task(),), echo=report(of) if routed else None)
    made = plan(of, want, observed, now=NOW, deadlines=DEADLINES)
    assert kinds(made) == ([] if written else [Configure])


def test_the_task_that_an_apply_replaces_is_known_before_it():
    of, _ = running(task=None)
    of = of.model_copy(update={"spec": of.spec.model_copy(update={"restarted_at": NOW})})
    assert planned(of, seen(of)).readings == {Reading.TASKS}
    made = planned(of, seen(of, tasks=(task("task-9"),)))
    assert kinds(made) == [Apply]
    assert made.known.replaced == "task-9"


# -- settling --------------------------------------------------------------------------------


def applied(**changes: object) -> Session:
    of, _ = running(task=None, replaced="task-0", deployed_at=NOW - seconds(5), **changes)
    return of


def test_the_old_task_is_not_taken_for_the_new_one():
    of = applied()
    made = planned(of, seen(of, tasks=(task("task-0", age=300.0),), echo=report(of)))
    assert made.pace is Pace.MOTION
    assert made.known.task is None


def test_a_running_new_task_with_the_right_echo_settles_it():
    of = applied()
    made = planned(of, seen(of, tasks=(task("task-2"),), echo=report(of)))
    assert made.pace is Pace.SETTLED
    assert made.known.task == "task-2"


def test_another_revision_is_awaited_and_after_a_while_called_a_rollback():
    of = applied()
    observed = seen(of, tasks=(task("task-2"),), echo=report(of, revision="r0"))
    assert planned(of, observed).pace is Pace.MOTION
    late, _ = running(task=None, deployed_at=NOW - seconds(60))
    made = planned(late, replace(observed, logs=()))
    assert made.blocked is not None
    assert made.blocked.reason is Reason.ROLLED_BACK
    again = with_known(late, made.known)
    assert kinds(planned(again, seen(again, tasks=(task("task-2"),)))) == [Configure, Apply]


def test_a_container_without_our_environment_is_replaced_and_another_sessions_is_not():
    """Somebody emptied the environment and deployed; the container knows of no session at all."""
    of = applied()
    known = of.status.dokploy.model_copy(update={"deployed_at": NOW - seconds(60)})
    of = with_known(of, known)
    made = planned(of, seen(of, tasks=(task("task-2"),), echo=Silence.NAMELESS, logs=()))
    assert made.stands is not None
    assert made.stands.reason is Reason.ROLLED_BACK
    assert made.known.applied is None, "it is applied anew"
    made = planned(of, seen(of, tasks=(task("task-2"),), echo=Silence.ANOTHER, logs=()))
    assert made.stands is not None
    assert made.stands.reason is Reason.HOST_TAKEN


def test_an_image_that_is_not_there_is_an_error_with_its_name():
    of = applied()
    rejected = task("task-2", "Rejected", wanted="shutdown", error="No such image: nope:9")
    made = planned(of, seen(of, services=(service(of, running=0),), tasks=(rejected,), logs=("x",)))
    assert made.blocked is not None
    assert made.blocked.reason is Reason.IMAGE_NOT_FOUND
    assert "nope:9" in made.blocked.message
    assert made.pace is Pace.BACKOFF


def test_one_exit_is_a_restart_and_two_are_a_failure():
    of, _ = running()
    ended = task("task-1", "Failed", wanted="shutdown", error="task: non-zero exit (1)")
    once = seen(of, services=(service(of, running=0),), tasks=(task("task-2", "Starting"), ended))
    made = planned(of, once)
    assert made.stands is not None
    assert made.stands.reason is Reason.RESTARTING
    twice = replace(once, tasks=(*(once.tasks or ()), ended), logs=("bye",))
    failing = planned(of, twice).blocked
    assert failing is not None
    assert failing.reason is Reason.CONTAINER_FAILING


@pytest.mark.parametrize("code", [143, 137])
def test_a_container_that_fails_its_health_check_is_told_so_whatever_its_exit_code(code: int):
    of = applied()
    error = f"task: non-zero exit ({code}): dockerexec: unhealthy container"
    ended = [task(f"task-{n}", "Failed", wanted="shutdown", error=error) for n in (2, 3)]
    want = replace(desired(of), config=replace(desired(of).config, memory_limit=2**30))
    observed = seen(of, services=(service(of, running=0),), tasks=tuple(ended), logs=())
    failing = plan(of, want, observed, now=NOW, deadlines=DEADLINES).blocked
    assert failing is not None
    assert failing.reason is Reason.CONTAINER_FAILING
    assert "its health check fails" in failing.message
    assert error in failing.message


# -- twins -----------------------------------------------------------------------------------


def test_of_twins_the_recorded_one_stays():
    of, _ = running()
    pair = (application(of, 2, created=NOW - seconds(99)), application(of, 1))
    observed = seen(of, applications=pair)
    assert planned(of, observed).readings == {Reading.JOBS}
    made = planned(of, replace(observed, jobs=()))
    assert [action.ref.application_id for action in made.actions] == ["app-2"]


def test_of_unrecorded_twins_the_running_one_stays_and_else_the_oldest():
    of = session()
    pair = (application(of, 1), application(of, 2, created=NOW - seconds(99)))
    made = planned(of, Observed(applications=pair, services=(service(of, 1),), jobs=()))
    assert [action.ref.application_id for action in made.actions] == ["app-2"]
    made = planned(of, Observed(applications=pair, services=(), jobs=()))
    assert [action.ref.application_id for action in made.actions] == ["app-1"]


# -- missing references ----------------------------------------------------------------------


def unresolved(of: Session, observed: Observed) -> Plan:
    missing = Failure(Next.STALL, Reason.SECRET_NOT_FOUND, "the secret 'my' does not exist")
    return plan(of, missing, observed, now=NOW, deadlines=DEADLINES)


def test_a_missing_secret_leaves_what_runs_alone():
    of, _ = running()
    made = unresolved(of, seen(of))
    assert made.actions == ()
    assert made.blocked is not None


def test_a_stopped_session_is_stopped_even_if_its_secret_is_missing():
    of, _ = running()
    of = of.model_copy(update={"spec": of.spec.model_copy(update={"operating_mode": OperatingMode.STOPPED})})
    assert unresolved(of, seen(of)).readings == {Reading.DETAIL}
    read = seen(of, detail=detail(of, desired(of)))
    assert unresolved(of, read).readings == {Reading.WORK}
    made = unresolved(of, replace(read, work=Silence.NO_ANSWER))
    assert kinds(made) == [Configure, Apply]
    assert made.actions[0].config.replicas == 0
