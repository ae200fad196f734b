from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.ages import age, spoken
from cli.app import app
from cli.surroundings import Surroundings
from tests.cli.conftest import NOW, in_virtual_time
from tests.cli.fake import ENTRY_TOKEN, TOKEN, URL
from tests.cli.samples import condition, event, running, session

PAGE = "http://hello.default.localhost:7432"
EXPLANATION = {
    "summary": "hello is Creating; not ready: not healthy yet",
    "phase": "Creating",
    "conditions": [
        condition("Ready", "False", reason="Starting", message="not healthy yet"),
        condition("Provisioned", "True"),
        condition("Progressing", "True", reason="Starting", message="a task is awaited"),
        condition("Degraded", "False"),
        condition("WorkSaved", "Unknown", reason="NotRead"),
    ],
    "plan": {"why": "the task is young", "actions": [], "waitSeconds": 2},
    "events": [event("e1", "hello", "Create the application b1-hello", at="2026-11-23T12:04:00Z", count=3)],
}


def test_why_tells_what_is_not_as_wished_what_is_next_and_what_was(berth, fake):
    fake.put(session("hello"))
    fake.explanation = EXPLANATION
    assert berth("why", "hello").stdout.splitlines() == [
        "session/hello: hello is Creating; not ready: not healthy yet",
        "",
        "Conditions not met:",
        "  Ready=False        Starting  for 5m",
        "  Progressing=True   Starting  for 5m  a task is awaited",
        "  WorkSaved=Unknown  NotRead   for 5m",
        "",
        "Next:",
        "  the task is young",
        "  looks again in 2s",
        "",
        "What happened:",
        "  60s (x3)  Normal  Applied  Create the application b1-hello",
    ]
    assert json.loads(berth("why", "session/hello", "-o", "json").stdout) == EXPLANATION


def test_why_says_one_cause_once(berth, fake):
    fake.put(session("hello"))
    missing = {"reason": "TargetNotFound", "message": "There is no target second"}
    kinds = (("Ready", "False"), ("Progressing", "False"), ("Degraded", "True"), ("Admitted", "False"))
    fake.explanation = {
        "summary": "hello is Pending; not ready: There is no target second",
        "conditions": [condition(kind, status, **missing) for kind, status in kinds],
        "plan": {"why": "There is no target second", "actions": []},
        "events": [],
    }
    assert berth("why", "hello").stdout.splitlines() == [
        "session/hello: hello is Pending; not ready: There is no target second",
        "",
        "Conditions not met:",
        "  Ready=False, Degraded=True, Admitted=False  TargetNotFound  for 5m",
    ]


def test_nothing_is_amiss_with_a_session_that_is_stopped_as_declared(berth, fake):
    fake.put(session("hello"))
    fake.explanation = {
        "summary": "hello is Stopped; not ready: Stopped as declared",
        "conditions": [
            condition("Ready", "False", reason="Stopped", message="Stopped as declared"),
            condition("RouteReady", "False", reason="Stopped", message="There is no container to lead to"),
            condition("Progressing", "False", reason="Settled"),
            condition("AgentReady", "Unknown", reason="NotReported"),
            condition("Suspended", "True", reason="Suspended"),
        ],
        "plan": {"why": "It is stopped as declared", "actions": []},
        "events": [],
    }
    assert "Conditions not met" not in berth("why", "hello").stdout


def test_describe_tells_all_there_is(berth, fake):
    fake.put(
        session("hello", labels={"team": "web"}),
        phase="Stopped",
        stoppedBy="idle",
        observedGeneration=0,
        revision={"desired": "aaa", "running": "bbb"},
        conditions=[condition("Ready", "False", reason="Stopped", message="it is declared Stopped")],
        lastFailure={
            "reason": "Crashed",
            "message": "exit code 1",
            "at": "2026-11-23T12:01:00Z",
            "logTail": ["boom"],
        },
    )
    fake.put(event("e1", "hello", "Apply the configuration", at="2026-11-23T12:04:58Z"))
    fake.put(event("e2", "other", "something else", at="2026-11-23T12:04:58Z"))
    fake.explanation = EXPLANATION
    assert berth("describe", "session", "hello").stdout.splitlines() == [
        "Name:           hello",
        "Namespace:      default",
        "Kind:           Session",
        "Labels:         team=web",
        "Created:        2026-11-23T12:00:00Z (5m ago)",
        "Generation:     1 (the controller has seen 0)",
        "Phase:          Stopped (by idle)",
        "Revision:       bbb runs, aaa is wished for",
        "Restarts:       0",
        "Spec:",
        "  source:",
        "    url: https://github.com/acme/app.git",
        "Conditions:",
        "  TYPE   STATUS  REASON   SINCE  MESSAGE",
        "  Ready  False   Stopped  5m     it is declared Stopped",
        "Last failure:",
        "  Crashed 2026-11-23T12:01:00Z (4m ago): exit code 1",
        "  | boom",
        "Controller:",
        "  the task is young",
        "  looks again in 2s",
        "Events:",
        "  2s  Normal  Applied  Apply the configuration",
    ]


def test_describe_of_a_secret_shows_hashes(berth, fake):
    fake.put(
        {"kind": "Secret", "metadata": {"name": "github"}, "type": "Opaque", "data": {"password": "Y2FuYXJ5"}}
    )
    out = berth("describe", "secret/github").stdout
    assert "password: hmac:0a1b2c3d" in out
    assert "Y2FuYXJ5" not in out
    assert berth("describe", "session").exit_code == 2


def test_events_in_order_for_one_record_or_all(berth, fake):
    fake.put(event("e1", "hello", "one", at="2026-11-23T12:04:00Z", count=2))
    fake.put(event("e2", "other", "two", at="2026-11-23T12:04:30Z", kind="Warning"))
    assert berth("events").stdout.splitlines() == [
        "LAST SEEN          TYPE      REASON    OBJECT          MESSAGE",
        "60s (x2 over 5m)   Normal    Applied   session/hello   one",
        "30s                Warning   Applied   session/other   two",
    ]
    assert len(berth("events", "--for", "session/other").stdout.splitlines()) == 2
    assert berth("events", "-A", "-o", "json").exit_code == 0
    assert json.loads(berth("events", "-o", "json").stdout)["kind"] == "EventList"
    assert berth("events", "-n", "alice").stderr == "no events in namespace alice\n"
    assert berth("events", "--for", "session").exit_code == 2


def test_events_are_watched(berth, fake):
    fake.put(event("e1", "hello", "one", at="2026-11-23T12:04:00Z"))
    original = fake._watch

    def watching(parameters):
        if fake.watches == 0:
            fake.later(1, lambda: fake.put(event("e2", "other", "not asked for", at="2026-11-23T12:04:30Z")))
            fake.later(2, lambda: fake.put(event("e3", "hello", "two", at="2026-11-23T12:04:30Z")))
            fake.later(3, lambda: setattr(fake, "down", True))
        return original(parameters)

    fake._watch = watching
    lines = berth("events", "-w", "--for", "session/hello").stdout.splitlines()
    assert [line.split()[-1] for line in lines] == ["MESSAGE", "one", "two"]


def test_logs_pass_their_options_on(berth, fake):
    fake.put(session("hello"))
    fake.lines = ["first", "second \x1b[31mred"]
    result = berth("logs", "hello", "--tail", "2", "--since", "10s", "--build", "-f")
    # Colours are for terminals.
    assert result.stdout == "first\nsecond red\n"
    assert dict(fake.requests[-1].url.params) == {
        "tail": "2",
        "since": "10s",
        "build": "true",
        "follow": "true",
    }
    assert berth("logs", "hello", "--since", "yesterday").exit_code == 2
    assert berth("logs", "nope").exit_code == 4


def test_open_leads_the_browser_in_and_shows_nobody_else_the_way(berth, fake, opened, tmp_path):
    fake.put(session("hello"), **running())
    result = berth("open", "session/hello")
    assert result.stdout == f"{PAGE}\n"
    [address] = opened
    assert address.startswith("file://")
    assert ENTRY_TOKEN not in address + result.output
    page = Path(address.removeprefix("file://"))
    assert (page.stat().st_mode & 0o777, page.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert f'content="0; url={PAGE}#token={ENTRY_TOKEN}"' in page.read_text()
    assert page.parent.parent == tmp_path
    berth("open", "hello")
    assert len(list(page.parent.iterdir())) == 2
    for each in page.parent.iterdir():
        os.utime(each, (0, 0))
    berth("open", "hello")
    assert len(list(page.parent.iterdir())) == 1, "old ones go"


def test_open_without_a_browser_gives_a_link_that_lets_in(fake, tmp_path):
    fake.put(session("hello"), **running())
    around = Surroundings(
        environment={"BERTH_URL": URL, "BERTH_TOKEN": TOKEN, "BERTH_HOME": str(tmp_path)},
        now=lambda: NOW,
        run=in_virtual_time,
        browse=lambda _: False,
        transport=fake,
    )
    result = CliRunner().invoke(app, ["open", "hello"], obj=around)
    assert (result.exit_code, result.stdout) == (0, f"{PAGE}#token={ENTRY_TOKEN}\n")
    assert result.stderr == "no browser can be started here; this link lets in once, within a minute:\n"


def test_a_machine_without_a_desktop_has_no_browser(monkeypatch, tmp_path):
    tool = tmp_path / "xdg-open"
    tool.write_text("#!/bin/sh\necho noise >&2\nexit 3\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    assert not Surroundings().browse("file:///page")
    monkeypatch.setenv("DISPLAY", ":0")
    assert not Surroundings().browse("file:///page")
    tool.write_text("#!/bin/sh\nexit 0\n")
    assert Surroundings().browse("file:///page")
    monkeypatch.setenv("BROWSER", "nothing-of-that-name")
    assert not Surroundings().browse("file:///page")


def test_open_prints_what_is_asked_for_and_opens_nothing(berth, fake, opened):
    fake.put(session("hello"), **running())
    assert berth("open", "hello", "--url-only").stdout == f"{PAGE}\n"
    assert not any(line.startswith("POST") for line in fake.sent()), "no token was made"
    assert berth("open", "hello", "--print").stdout == f"{PAGE}#token={ENTRY_TOKEN}\n"
    assert fake.requests[-1].url.params["use"] == "enter"
    assert berth("open", "hello", "--tool").stdout == f"{ENTRY_TOKEN}\n"
    assert fake.requests[-1].url.params["use"] == "tool"
    told = json.loads(berth("open", "hello", "--tool", "-o", "json").stdout)
    assert (told["url"], told["token"]) == (PAGE, ENTRY_TOKEN)
    assert berth("open", "hello", "--print", "--tool").exit_code == 2
    assert berth("open", "hello", "-o", "wide").exit_code == 2
    assert opened == []


def test_open_says_what_to_do_where_the_page_cannot_be_written(berth, fake, opened, tmp_path):
    fake.put(session("hello"), **running())
    (tmp_path / "open").write_text("in the way")
    result = berth("open", "hello")
    assert (result.exit_code, opened) == (1, [])
    assert "--print" in result.stderr


def test_open_of_what_is_not_ready(berth, fake, opened):
    fake.put(session("hello"), phase="Creating")
    result = berth("open", "hello")
    assert (result.exit_code, opened) == (1, [])
    assert "error: session/hello has no URL yet: Creating" in result.stderr
    fake.report("hello", url="http://hello")
    result = berth("open", "hello", "--url-only")
    assert (result.exit_code, result.stdout) == (0, "http://hello\n")
    assert "session/hello is not Ready" in result.stderr
    fake.report("hello", url="file:///etc/passwd")
    assert berth("open", "hello").exit_code == 1
    assert not any(line.startswith("POST") for line in fake.sent())
    assert opened == []


def test_version_and_config(berth, tmp_path):
    lines = berth("version").stdout.splitlines()
    assert lines[0].startswith("client: ")
    assert lines[1:] == [
        f"server: 9.9 at {URL}",
        "        instance b1234567, records in sqlite, you are admin",
    ]
    told = json.loads(berth("version", "-o", "json").stdout)
    assert told["server"]["version"] == "9.9"
    assert berth("version", "--client").stdout.count("\n") == 1
    told = json.loads(berth("config", "-n", "alice", "-o", "json").stdout)
    assert told == {"server": URL, "foundBy": "BERTH_URL", "home": str(tmp_path), "namespace": "alice"}
    assert "namespace: default" in berth("config").stdout


def test_completion_scripts_and_what_they_ask(berth, monkeypatch):
    for shell in ("bash", "zsh", "fish"):
        assert "_BERTH_COMPLETE" in berth("completion", shell).stdout
    assert berth("completion", "tcsh").exit_code == 2
    monkeypatch.setenv("_BERTH_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "berth de")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert berth().stdout.split() == ["describe", "delete"]
    monkeypatch.setenv("COMP_WORDS", "berth logs --ta")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert berth().stdout.split() == ["--tail"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (150, "2m30s"), (599, "9m59s"), (600, "10m"),
        (10_799, "179m"), (10_800, "3h"), (12_000, "3h20m"), (28_800, "8h"), (172_799, "47h"),
        (172_800, "2d"), (180_000, "2d2h"), (691_200, "8d"), (63_071_999, "729d"), (63_072_000, "2y"),
        (70_000_000, "2y80d"), (400_000_000, "12y"),
    ],
)  # fmt: skip
def test_ages_are_said_as_kubectl_says_them(seconds, text):
    assert spoken(seconds) == text


def test_what_is_no_time_has_no_age():
    assert age(None, NOW) == age("yesterday", NOW) == age("2026-11-23T12:00:00", NOW) == "<unknown>"
