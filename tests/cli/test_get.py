from __future__ import annotations

import json

import pytest
import yaml

from tests.cli.samples import condition, running, session


def fill(fake):
    fake.put(session("hello", labels={"team": "web"}), **running())
    fake.put(
        session("fix-login", spec={"source": {"url": "git@github.com:acme/app.git"}, "image": "acme/one:1"}),
        phase="Creating",
        conditions=[condition("Ready", "False", reason="Starting")],
        revision={"desired": "9f3c0000aaaa", "running": "11112222bbbb"},
        restarts=2,
    )
    fake.put(session("other", spec={}, namespace="alice"))


def test_sessions_are_listed_as_aligned_columns(berth, fake):
    fill(fake)
    result = berth("get", "sessions")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "NAME        PHASE      READY   ATTENTION   REPO                      AGE",
        "fix-login   Creating   False   Unknown     git@github.com:acme/app   5m",
        "hello       Running    True    Idle        github.com/acme/app       5m",
    ]


def test_wide_adds_columns_and_all_namespaces_adds_one(berth, fake):
    fill(fake)
    lines = berth("get", "se", "-A", "-o", "wide").stdout.splitlines()
    assert " ".join(lines[0].split()) == (
        "NAMESPACE NAME PHASE READY ATTENTION REPO AGE URL IMAGE REVISION TARGET RESTARTS REASON"
    )
    assert lines[1].split()[:3] == ["alice", "other", "Pending"]
    assert lines[2].split()[8:] == ["acme/one:1", "11112222->9f3c0000", "default", "2", "Starting"]


def test_a_selector_and_a_namespace_narrow_the_list(berth, fake):
    fill(fake)
    assert berth("get", "se", "-l", "team=web", "-o", "name").stdout == "session/hello\n"
    assert berth("get", "SESSIONS", "-n", "alice", "-o", "name").stdout == "session/other\n"
    assert berth("-n", "alice", "get", "Session", "-o", "name").stdout == "session/other\n"
    assert berth("get", "se", "-o", "name", BERTH_NAMESPACE="alice").stdout == "session/other\n"


def test_nothing_found_is_said_on_stderr_and_is_no_error(berth):
    result = berth("get", "sessions")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "no sessions found in namespace default\n"


def test_one_record_is_shown_as_it_is(berth, fake):
    fill(fake)
    for words in (["session", "hello"], ["session/hello"], ["se/hello"]):
        record = json.loads(berth("get", *words, "-o", "json").stdout)
        assert record == fake.records["sessions", "default", "hello"]
    assert yaml.safe_load(berth("get", "se/hello", "-o", "yaml").stdout) == record
    assert berth("get", "se/hello", "-o", "jsonpath={.status.url}").stdout == record["status"]["url"]


def test_several_are_a_list(berth, fake):
    fill(fake)
    told = json.loads(berth("get", "se", "-o", "json").stdout)
    assert (told["kind"], [item["metadata"]["name"] for item in told["items"]]) == (
        "SessionList",
        ["fix-login", "hello"],
    )
    told = yaml.safe_load(berth("get", "se", "hello", "fix-login", "-o", "yaml").stdout)
    assert (told["kind"], len(told["items"])) == ("List", 2)


def test_what_is_there_is_shown_though_some_is_not(berth, fake):
    fill(fake)
    result = berth("get", "session", "hello", "nope")
    assert result.exit_code == 4
    assert "hello" in result.stdout
    assert result.stderr == "error: there is no session default/nope\n"


def test_no_headers_and_sort_by(berth, fake):
    fill(fake)
    result = berth("get", "se", "--no-headers", "--sort-by", "{.status.phase}")
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["fix-login", "hello"]
    fake.report("hello", phase="A")
    result = berth("get", "se", "--no-headers", "--sort-by", ".status.phase")
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["hello", "fix-login"]


def test_all_pages_of_a_long_list_are_read(berth, fake):
    for number in range(1_203):
        fake.put(session(f"s{number:04}"))
    assert len(berth("get", "se", "-o", "name").stdout.split()) == 1_203
    assert len(fake.requests) == 3


def test_a_watch_shows_each_change_and_ends_when_its_reader_does(berth, fake):
    fake.put(session("hello"), phase="Creating")

    def begin() -> None:
        fake.later(1, lambda: fake.report("hello", **running()))
        fake.later(2, lambda: fake.put(session("new")))
        fake.later(3, lambda: setattr(fake, "down", True))

    original = fake._watch

    def watching(parameters):
        if fake.watches == 0:
            begin()
        return original(parameters)

    fake._watch = watching
    result = berth("get", "se", "-w")
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [
        ["NAME", "PHASE"],
        ["hello", "Creating"],
        ["hello", "Running"],
        ["new", "Pending"],
    ]
    # It is waited for as long as a restart may take, and then said to be gone.
    assert result.exit_code == 7
    assert "Berth cannot be reached at http://127.0.0.1:7431" in result.stderr


def test_secrets_and_targets_have_columns_of_their_own(berth, fake):
    fake.put(
        {
            "kind": "Secret",
            "metadata": {"name": "github"},
            "type": "Opaque",
            "data": {"a": "eA==", "b": "eQ=="},
        }
    )
    fake.put(
        {"kind": "Target", "metadata": {"name": "default"}, "spec": {"url": "http://d"}}, version="v0.30.2"
    )
    assert berth("get", "secrets").stdout.splitlines()[1].split() == ["github", "Opaque", "2", "5m"]
    assert berth("get", "target", "default").stdout.splitlines()[1].split() == [
        "default",
        "Unknown",
        "no",
        "<none>",
        "v0.30.2",
        "5m",
    ]


def test_wrong_words_are_named(berth):
    for words, said in (
        (["sesion"], "there is no kind 'sesion'"),
        (["session/"], "'' is not a name"),
        (["session/a", "b"], "'b' has no kind, while others have"),
        (["se", "a", "-w"], "-w, -l and -A go with a kind, not with names"),
        (["se", "-o", "table"], "-o table is not an output"),
        (["se", "-o", "jsonpath={.a"], "jsonpath: a brace is not closed, or not opened"),
    ):
        result = berth("get", *words)
        assert result.exit_code == 2, words
        assert f"error: {said}" in result.stderr


def test_control_characters_of_a_record_do_not_reach_the_terminal(berth, fake):
    fake.put(session("hello"), attention="\x1b[2Jgone\nnext")
    assert "\x1b" not in berth("get", "se").stdout
    assert len(berth("get", "se").stdout.splitlines()) == 2


def test_a_field_that_no_record_has_is_no_order(berth, fake):
    fill(fake)
    result = berth("get", "se", "--sort-by", ".metdata.name")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: --sort-by: no record shown has this field")


@pytest.mark.parametrize("name", ["Bad Name", "-x", "a/b", "x" * 64, ""])
def test_a_namespace_that_cannot_be_one_is_refused(berth, name):
    result = berth("get", "se", f"--namespace={name}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: -n: {name!r} cannot be a namespace")
    if name:
        assert berth("get", "se", BERTH_NAMESPACE=name).stderr.startswith("error: BERTH_NAMESPACE: ")
