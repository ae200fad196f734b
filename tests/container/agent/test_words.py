"""What is decided by values alone: failures, attention, masking, providers, the queue, Markdown."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from urllib.parse import quote

import pytest

from container.agent.attention import Situation, attention
from container.agent.export import to_markdown
from container.agent.failures import AgentFailure, Kind, of_end, of_error, of_stop
from container.agent.items import (
    Attachment,
    Decision,
    Diff,
    Item,
    Location,
    Message,
    Notice,
    Option,
    Outcome,
    Permission,
    Plan,
    Prompt,
    Step,
    Tool,
)
from container.agent.masking import Mask
from container.agent.providers import providers
from container.agent.queue import MAX_TEXT, MAX_WAITING, Line, Place, PromptQueue, Waiting
from container.agent.recall import lapse
from container.contract import Attention
from container.environment import read_settings
from container.given import AuthFile, Credentials, Secrets
from container.refusal import Refusal, Why
from crds.session_status import Attention as Declared


@pytest.mark.parametrize(
    ("code", "message", "data", "kind"),
    [
        (-32000, "Authentication required", None, Kind.LOGIN),
        (-32603, "Internal error", "Claude AI usage limit reached|1763900000", Kind.LIMIT),
        (-32603, "Internal error: You've hit your limit · resets 3pm", None, Kind.LIMIT),
        (-32603, "Internal error", {"message": "Stop.", "codexErrorInfo": "usageLimitExceeded"}, Kind.LIMIT),
        (-32603, "Internal error", {"message": "", "codex_error_info": "usage_limit_exceeded"}, Kind.LIMIT),
        (-32603, "Internal error", {"details": "429 Too Many Requests"}, Kind.LIMIT),
        (-32603, "Your credit balance is too low", None, Kind.LIMIT),
        (-32603, "Internal error", {"codexErrorInfo": "contextWindowExceeded"}, Kind.ERROR),
        (-32603, "prompt is too long: limit reached", None, Kind.ERROR),
        (-32603, "Internal error", {"codexErrorInfo": "unauthorized"}, Kind.LOGIN),
        (-32603, "Invalid API key · Please run /login", None, Kind.LOGIN),
        (-32603, "x\n\nYou have been logged out. Please try again.", None, Kind.LOGIN),
        (-32603, "Internal error", {"rate_limits": None, "quota": 3}, Kind.ERROR),
        (-32602, "Invalid params", {"details": "no such model"}, Kind.ERROR),
        (-32603, "Internal error", [[[[[["usage limit"]]]]]], Kind.ERROR),
    ],
)
def test_what_an_error_means(code, message, data, kind):
    assert of_error(code, message, data).kind is kind


def test_an_error_tells_its_detail_once():
    assert of_error(1, "Internal error", {"details": "boom"}).message == "Internal error: boom"
    assert of_error(1, "Internal error: boom", "boom").message == "Internal error: boom"


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("end_turn", Outcome.COMPLETED),
        ("cancelled", Outcome.CANCELLED),
        ("max_tokens", Outcome.CUT_SHORT),
        ("max_turn_requests", Outcome.CUT_SHORT),
        ("refusal", Outcome.REFUSED),
        ("something new", Outcome.COMPLETED),
    ],
)
def test_what_a_stop_reason_means(reason, outcome):
    assert of_stop(reason)[0] is outcome


def test_the_end_of_a_program_in_words():
    assert of_end(3, "oh no").message == "it ended with exit code 3; it said: oh no"
    assert of_end(None, "", trouble="it is silent").message == "it is silent"


def test_a_failure_is_masked_before_it_is_cut():
    secret = "s" * 700
    failure = AgentFailure(Kind.ENDED, "x" * 500 + secret)
    told = failure.masked(lambda text: text.replace(secret, "•••"))
    assert told.message == "x" * 500 + "•••"


def test_secrets_are_masked_in_every_form(tmp_path):
    home = tmp_path / "home"
    (home / ".codex").mkdir(parents=True)
    (home / ".codex" / "auth.json").write_text('{"tokens": {"access_token": "refreshed-token"}}')
    content = base64.b64encode(b'{"k": ["login-token-1"]}').decode()
    given = Secrets(
        git=Credentials("ann", 'pass"word/1'), auth_files=(AuthFile("codex", 1, "auth.json", content),)
    )
    environ = {
        "MY_TOKEN": "variable-1",
        "PATH": "/usr/bin",
        "URL": "postgres://a:in-the-url@host",
        "PIN_KEY": "1234",
    }
    mask = Mask(given, environ, home)
    secrets = ['pass"word/1', "refreshed-token", "login-token-1", "variable-1", "in-the-url"]
    for secret in secrets:
        for form in (
            secret,
            json.dumps(secret)[1:-1],
            quote(secret, safe=""),
            base64.b64encode(secret.encode()).decode(),
        ):
            assert form.rstrip("=") not in mask(f"<{form}>"), form
    assert mask("/usr/bin has 1234 of them") == "/usr/bin has 1234 of them"


def settings_of(tmp_path, **variables):
    return read_settings({"WORKSPACE_PATH": str(tmp_path / "workspace"), **variables}, first=False)


def program(directory, name):
    directory.mkdir(exist_ok=True, parents=True)
    path = directory / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_providers_are_those_whose_command_is_found(tmp_path):
    claude = program(tmp_path / "bin", "claude-agent-acp")
    found = providers(settings_of(tmp_path, BERTH_AGENT_PROVIDER="codex"), {"PATH": str(tmp_path / "bin")})
    assert [(p.name, p.installed) for p in found] == [("codex", False), ("claude", True)]
    assert "codex-acp" in found[0].missing
    assert "@agentclientprotocol/codex-acp" in found[0].missing
    assert found[1].command == (claude,)


def test_a_command_of_ones_own_comes_first_and_may_lie_in_the_workspace(tmp_path):
    mine = program(tmp_path / "workspace", "mine")
    declared = settings_of(
        tmp_path, BERTH_AGENT_PROVIDER="my-agent", BERTH_AGENT_COMMAND='["./mine", "--acp"]'
    )
    first, *_ = providers(declared, {"PATH": ""})
    assert (first.name, first.command, first.missing) == ("my-agent", (mine, "--acp"), "")


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        (
            {"BERTH_AGENT_PROVIDER": "x", "BERTH_AGENT_COMMAND": '["nowhere-to-be-found"]'},
            "nowhere-to-be-found",
        ),
        ({"BERTH_AGENT_PROVIDER": "unheard-of"}, "spec.agent.command"),
    ],
)
def test_an_agent_that_is_not_there_says_what_to_do(tmp_path, variables, word):
    first, *_ = providers(settings_of(tmp_path, **variables), {"PATH": ""})
    assert word in first.missing


NOW = Situation(
    declared=True, working=False, asking=False, line=Line(), last=None, unseen=False, failure=None
)
WAITING = (Waiting("1", "", "x"),)


def test_attention_has_the_words_of_the_record():
    assert set(Attention) == set(Declared)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"declared": False}, "Unknown"),
        ({}, "Idle"),
        ({"working": True}, "Working"),
        ({"working": True, "asking": True}, "NeedsApproval"),
        ({"line": Line(WAITING)}, "Working"),
        ({"line": Line(WAITING, "held")}, "NeedsInput"),
        ({"line": Line(WAITING), "failure": Kind.ENDED}, "NeedsInput"),
        ({"line": Line(WAITING), "failure": Kind.NOT_INSTALLED}, "NeedsInput"),
        ({"failure": Kind.LIMIT}, "LimitReached"),
        ({"failure": Kind.ENDED}, "Idle"),
        ({"last": Outcome.COMPLETED, "unseen": True}, "NeedsInput"),
        ({"last": Outcome.COMPLETED}, "Idle"),
        ({"last": Outcome.CUT_SHORT, "unseen": True}, "NeedsInput"),
        ({"last": Outcome.LIMIT_REACHED}, "LimitReached"),
        ({"last": Outcome.LIMIT_REACHED, "line": Line(WAITING, "held")}, "LimitReached"),
        ({"last": Outcome.LIMIT_REACHED, "line": Line(WAITING)}, "Working"),
    ],
)
def test_attention(change, word):
    if "last" in change:
        change = {**change, "last": Prompt("1", "x", outcome=change["last"])}
    assert attention(replace(NOW, **change)) == word


class Kept:
    def __init__(self):
        self.lines = []
        self.queue = PromptQueue(self.lines.append)

    def add(self, *names, place=Place.LAST):
        for name in names:
            self.queue.add(Waiting(name, "", f"do {name}"), place)

    @property
    def order(self):
        return [prompt.id for prompt in self.queue.line.waiting]


def test_the_order_is_kept_and_can_be_changed():
    kept = Kept()
    kept.add("a", "b", "c")
    kept.add("d", place=Place.NEXT)
    kept.queue.move("c", Place.NEXT)
    kept.queue.move("d", Place.LAST)
    assert kept.order == ["c", "a", "b", "d"]
    assert kept.queue.edit("a", "else").text == "else"
    kept.queue.withdraw("b")
    assert [kept.queue.take().id for _ in range(3)] == ["c", "a", "d"]
    assert kept.queue.take() is None
    assert kept.lines[-1] == Line()


def test_a_queue_that_is_held_gives_none_until_a_person_says_so():
    kept = Kept()
    kept.add("a")
    kept.queue.hold("why")
    assert kept.queue.take() is None
    kept.queue.release()
    assert kept.queue.take().id == "a"
    kept.queue.hold("nothing waits")
    assert kept.queue.line.held == ""
    kept.add("b")
    kept.queue.hold("why")
    kept.add("c")
    assert kept.queue.take().id == "b"


@pytest.mark.parametrize(
    ("text", "why", "field"),
    [("  \n", Why.INVALID, "text"), ("x" * (MAX_TEXT + 1), Why.TOO_LARGE, "text")],
)
def test_a_text_that_is_no_prompt_is_refused(text, why, field):
    kept = Kept()
    kept.add("a")
    for attempt in (
        lambda: kept.queue.add(Waiting("1", "", text), Place.LAST),
        lambda: kept.queue.edit("a", text),
    ):
        with pytest.raises(Refusal) as refused:
            attempt()
        assert (refused.value.why, refused.value.field) == (why, field)
    assert kept.order == ["a"]


def test_too_many_and_unknown_prompts_are_refused():
    kept = Kept()
    kept.add(*map(str, range(MAX_WAITING)))
    with pytest.raises(Refusal, match="withdraw one"):
        kept.add("more")
    for attempt in (kept.queue.withdraw, lambda id_: kept.queue.edit(id_, "x")):
        with pytest.raises(Refusal) as refused:
            attempt("unknown")
        assert refused.value.why is Why.ABSENT


def test_what_was_under_way_when_the_container_ended_is_over():
    assert lapse(Prompt("1", "x")).outcome is Outcome.INTERRUPTED
    assert lapse(Tool("1", "x", status="in_progress")).status == "interrupted"
    assert lapse(Permission("1", "1", "x", ())).decision is Decision.CANCELLED
    for body in (Prompt("1", "x", outcome=Outcome.COMPLETED), Tool("1", "x", status="failed"), Message("x")):
        assert lapse(body) == body


def test_a_transcript_to_read():
    bodies = [
        Prompt("1", "Fix\nit", (Attachment("a.png", "image/png", 3),), Outcome.FAILED, "boom"),
        Message("I **will**", omitted=7),
        Plan((Step("one", "completed", "high"), Step("two", "pending", "low"))),
        Tool("1", "Edit a", "edit", "completed", (Location("a", 2),), (Diff("a", "x\ny\n", "x\nz\n"),)),
        Tool("2", "Run", "execute", "failed", output="```\nfence\n```"),
        Permission("1", "2", "Run", (Option("y", "Yes", "allow_once"),), Decision.ANSWERED, "y", "person"),
        Notice("It\nended", "Warning"),
    ]
    text = to_markdown("A\nsession", [Item(n, "2026-11-23T12:00:00Z", body) for n, body in enumerate(bodies)])
    assert text.startswith("# A session\n\n## 2026-11-23T12:00:00Z\n\n> Fix\n> it\n\n- attached: `a.png`")
    for part in (
        "*Failed*: boom",
        "*(7 characters left out)*",
        "- [x] one\n- [ ] two",
        "- `a:2`",
        "```diff\n--- a\n+++ a\n@@ -1,2 +1,2 @@\n x\n-y\n+z\n```",
        "````\n```\nfence\n```\n````",
        "*Leave asked for:* Run: Yes (by person)",
        "> **Warning:** It ended",
    ):
        assert part in text, part


def test_a_diff_too_long_to_compare_is_shown_as_it_is():
    lines = "\n".join(map(str, range(3000)))
    text = to_markdown("x", [Item(1, "", Tool("1", "x", pieces=(Diff("a", lines, lines),)))])
    assert "-2999" in text
    assert "+2999" in text
