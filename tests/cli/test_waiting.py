from __future__ import annotations

import pytest

from tests.cli.samples import condition, running, session


def on_watch(fake, *changes):
    """Schedule (seconds, change) from the moment of the first watch."""
    original = fake._watch

    def watching(parameters):
        if fake.watches == 0:
            for seconds, change in changes:
                fake.later(seconds, change)
        return original(parameters)

    fake._watch = watching


def creating(**more):
    return {"phase": "Creating", "conditions": [condition("Ready", "False", reason="Starting", **more)]}


def test_a_wait_tells_each_state_once_and_ends_when_it_is_reached(berth, fake):
    fake.put(session("hello"))
    on_watch(
        fake,
        (1, lambda: fake.report("hello", **creating())),
        (2, lambda: fake.report("hello", **creating(), restarts=1)),
        (3, lambda: fake.report("hello", **creating(message="not healthy yet"))),
        (50, lambda: fake.report("hello", **running())),
    )
    result = berth("wait", "session/hello", "--for=condition=Ready", "--timeout=60s")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "session/hello condition met\n"
    assert result.stderr.splitlines() == [
        "waiting for session/hello: not yet looked at",
        "waiting for session/hello: Creating (Starting)",
        "waiting for session/hello: Creating (Starting): not healthy yet",
    ]


def test_at_the_deadline_the_state_and_its_reason_are_told(berth, fake):
    fake.put(session("hello"), **creating(message="not healthy yet"))
    result = berth("wait", "session", "hello", "--timeout=1m30s")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-2:] == [
        "error: session/hello is not Ready=True after 90s: Creating (Starting): not healthy yet",
        "  try: berth why hello",
    ]


def test_the_deadline_is_one_for_all_that_are_named(berth, fake):
    fake.put(session("a"))
    fake.put(session("b"))
    on_watch(fake, (20, lambda: fake.report("a", **running())), (40, lambda: fake.report("b", **running())))
    result = berth("wait", "session/a", "session/b", "--timeout=30s")
    assert (result.exit_code, result.stdout) == (1, "session/a condition met\n")
    assert "error: session/b is not Ready=True after 30s" in result.stderr


def test_a_condition_of_an_older_generation_does_not_count(berth, fake):
    fake.put(session("hello"), **running())
    fake.put(session("hello", spec={"image": "a:2"}))
    on_watch(fake, (5, lambda: fake.report("hello", **running(generation=2), restarts=7)))
    assert berth("wait", "se/hello", "--timeout=4s").exit_code == 1
    fake.watches = 0
    assert berth("wait", "se/hello", "--timeout=6s").exit_code == 0


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ("condition=ready", 0),
        ("condition=Ready=False", 1),
        ("condition=Ready=true", 0),
        ("jsonpath={.status.phase}=Running", 0),
        ("jsonpath='{.status.phase}'=Stopped", 1),
        ("jsonpath={.status.url}", 0),
        ("jsonpath={.status.nothing}", 1),
        ('jsonpath={.status.conditions[?(@.type=="Ready")].status}=True', 0),
        ("jsonpath={.metadata.generation}=1", 0),
        ("delete", 1),
        ("condition", 2),
        ("ready", 2),
    ],
)
def test_wishes(berth, fake, wish, code):
    fake.put(session("hello"), **running())
    assert berth("wait", "session/hello", f"--for={wish}", "--timeout=0").exit_code == code


def test_waiting_for_what_is_not_there(berth, fake):
    result = berth("wait", "session/nope")
    assert result.exit_code == 4
    assert result.stderr.startswith("error: there is no session/nope in namespace default\n")
    assert berth("wait", "session/nope", "--for=delete").stdout == "session/nope deleted\n"
    assert berth("wait", "session").exit_code == 2
    assert berth("wait", "session/a", "--timeout=soon").exit_code == 2


def test_a_session_that_is_deleted_meanwhile_ends_the_wait(berth, fake):
    fake.put(session("hello"))
    on_watch(fake, (3, lambda: fake.remove("sessions", "hello")))
    result = berth("wait", "session/hello", "--timeout=1h")
    assert result.exit_code == 4


def test_waiting_for_deletion_is_not_fooled_by_a_new_one_of_the_name(berth, fake):
    fake.put(session("hello"))

    def replaced():
        fake.remove("sessions", "hello")
        fake.put(session("hello"))

    on_watch(fake, (3, replaced))
    assert berth("wait", "session/hello", "--for=delete").exit_code == 0


# -- start, stop, restart, delete


def test_stop_waits_until_the_controller_has_seen_it(berth, fake):
    fake.put(session("hello"), **running())
    fake.then["stop"] = lambda _: (
        fake.later(1, lambda: fake.report("hello", phase="Stopping", observedGeneration=2)),
        fake.later(2, lambda: fake.report("hello", phase="Stopped", observedGeneration=2, conditions=[])),
    )
    result = berth("stop", "session", "hello")
    assert (result.exit_code, result.stdout) == (0, "session/hello stopped\n")
    assert fake.records["sessions", "default", "hello"]["spec"]["operatingMode"] == "Stopped"
    assert result.stderr.splitlines() == [
        "waiting for session/hello: Running (Healthy), the newest change not yet seen",
        "waiting for session/hello: Stopping (Healthy)",
    ]


def test_a_restart_may_wait_for_an_idle_agent_and_take_newer_logins(berth, fake):
    fake.put(session("hello"), **running())
    result = berth("restart", "hello", "--when-idle", "--take-logins")
    assert result.stdout == "session/hello will be restarted once its agent is at rest\n"
    spec = fake.records["sessions", "default", "hello"]["spec"]
    assert "restartedAt" not in spec
    assert spec["authFiles"] == {"takeGivenAt": spec["restartWhenIdleAt"]}


def test_restart_is_not_over_while_the_old_container_is_ready(berth, fake):
    fake.put(session("hello"), **running())
    fake.then["restart"] = lambda _: fake.later(40, lambda: fake.report("hello", **running(generation=2)))
    result = berth("restart", "hello", "--timeout=30s")
    assert result.exit_code == 1
    result = berth("restart", "hello", "--timeout=50s")
    assert result.exit_code == 1, "the generation is the third by now"
    fake.then["restart"] = lambda _: fake.later(40, lambda: fake.report("hello", **running(generation=4)))
    assert berth("restart", "hello", "--timeout=50s").stdout == "session/hello restarted\n"


def test_several_are_asked_before_the_first_is_waited_for(berth, fake):
    for name in ("a", "b"):
        fake.put(session(name))
    fake.then["start"] = lambda record: fake.later(
        9, lambda: fake.report(record["metadata"]["name"], **running(generation=2))
    )
    result = berth("start", "a", "b", "--timeout=10s")
    assert (result.exit_code, result.stdout) == (0, "session/a started\nsession/b started\n")


def test_without_waiting_it_is_only_asked_for(berth, fake):
    fake.put(session("hello"))
    assert berth("start", "session/hello", "--no-wait").stdout == "session/hello will be started\n"
    assert fake.watches == 0
    assert berth("stop", "target/default").exit_code == 2
    assert berth("stop", "nope").exit_code == 4


def finalized(name):
    return session(name, finalizers=["berth.dev/container"])


def test_delete_shows_its_phases_and_ends_when_the_record_is_gone(berth, fake):
    fake.put(finalized("hello"), **running())
    fake.then["delete"] = lambda _: (
        fake.later(
            1, lambda: fake.report("hello", conditions=[condition("Ready", "False", reason="Deleting")])
        ),
        fake.later(
            2,
            lambda: fake.report("hello", conditions=[condition("Ready", "False", reason="RemovingVolumes")]),
        ),
        fake.later(3, lambda: fake.remove("sessions", "hello")),
    )
    result = berth("delete", "session", "hello")
    assert (result.exit_code, result.stdout) == (0, "session/hello deleted\n")
    assert result.stderr.splitlines() == [
        "waiting for session/hello: Deleting (Healthy)",
        "waiting for session/hello: Deleting",
        "waiting for session/hello: Deleting (RemovingVolumes)",
    ]


def test_delete_without_waiting_and_without_finalizers(berth, fake):
    fake.put(finalized("hello"))
    fake.put({"kind": "Secret", "metadata": {"name": "github"}})
    result = berth("delete", "session/hello", "secret/github", "--no-wait")
    assert result.stdout == "session/hello will be deleted\nsecret/github deleted\n"


def test_unsaved_work_is_refused_until_it_is_forced(berth, fake):
    fake.put(session("hello"), conditions=[condition("WorkSaved", "False")])
    result = berth("delete", "session", "hello")
    assert result.exit_code == 5
    assert result.stderr.splitlines() == [
        "error: hello holds 3 uncommitted files",
        "  try: save the work in the session (commit and push), or lose it with --force",
    ]
    assert berth("delete", "session", "hello", "--force").exit_code == 0
    assert berth("delete", "session", "hello").exit_code == 4
    assert berth("delete", "session", "hello", "--ignore-not-found").exit_code == 0
    assert berth("delete").exit_code == 2


def test_what_is_given_up_is_named(berth, fake):
    fake.put(session("hello"), conditions=[condition("WorkSaved", "False")])
    result = berth("delete", "session", "hello", "--orphan")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "session/hello: left on the target 'default': the application b-hello",
        "session/hello deleted",
    ]
    assert berth("delete", "session", "hello", "--orphan", "--force").exit_code == 2


def test_work_that_comes_about_during_a_deletion_ends_the_wait_with_what_to_do(berth, fake):
    ready = {**condition("Ready", "False", reason="WorkUnsaved"), "message": "2 files uncommitted"}
    fake.put(finalized("hello"))
    fake.then["delete"] = lambda record: fake.put(record, conditions=[ready])
    result = berth("delete", "session", "hello")
    assert result.exit_code == 5
    assert result.stderr.splitlines()[-2:] == [
        "error: session/hello is not deleted: 2 files uncommitted",
        "  try: berth undelete session/hello keeps it; berth delete session/hello --force loses the work",
    ]
    kept = berth("undelete", "session", "hello")
    assert (kept.exit_code, kept.stdout) == (0, "session/hello is kept\n")
    assert "deletionTimestamp" not in fake.records["sessions", "default", "hello"]["metadata"]


def test_undelete_says_of_each_what_became_of_it(berth, fake):
    fake.put(session("kept"))
    fake.put(session("late"), dokploy={"removingSince": "2026-11-24T12:00:00Z"})
    result = berth("undelete", "session/kept", "session/late", "session/gone")
    assert result.stdout == "session/kept is kept\n"
    assert result.exit_code == 5
    assert "late cannot be kept" in result.stderr
    assert "session/gone" in result.stderr
    assert berth("undelete", "session").exit_code == 2


def test_a_time_out_of_nothing_still_looks_once(berth, fake):
    fake.put(session("hello"), **running())
    fake.delay = 3
    assert berth("wait", "session/hello", "--timeout=0").exit_code == 0
    assert berth("wait", "session/hello", "--for=condition=Ready=False", "--timeout=0").exit_code == 1
