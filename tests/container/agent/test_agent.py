"""The agent as a real program that speaks ACP."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import pytest

from container.agent.attachments import FromWorkspace, Upload
from container.agent.items import Decision, Diff, Outcome, Permission, Plan, Thought, Tool
from container.agent.queue import Place
from container.contract import Attention
from container.given import Credentials, Secrets
from container.refusal import Refusal, Why
from tests.container.agent.conftest import SCRIPTED, is_running

CANARY = "canary-9b1e-secret"


def bodies(of, kind):
    return [body for body in of.bodies if isinstance(body, kind)]


async def test_a_turn_with_everything_in_it(bench):
    of = await bench("--modes")
    assert (of.state, of.agent.attention) == ("NotStarted", Attention.IDLE)
    (of.workspace / "a.txt").write_text("from a file")
    began = time.monotonic()
    asked = await of.agent.prompt(
        "\n".join(
            [
                "think let me see",
                "plan look!|do",
                "say one ",
                "say two",
                "edit a.txt",
                "printed a|b",
                f"read {of.workspace / 'a.txt'}",
                "read /etc/passwd",
                "write b/c.txt written",
                "run echo $HOME; exit 3",
                "commands review|plan",
                "mode code",
            ]
        )
    )
    assert of.agent.attention is Attention.WORKING
    await of.ended(asked.id)
    print(f"the first turn took {time.monotonic() - began:.1f} s, the start of the program and all")
    assert of.prompts[0][1] == "Completed"
    assert bodies(of, Thought)[0].text == "let me see"
    assert [(step.content, step.status) for step in bodies(of, Plan)[0].steps] == [
        ("look", "completed"),
        ("do", "pending"),
    ]
    edit, printed, run = bodies(of, Tool)
    assert (edit.status, edit.pieces) == ("completed", (Diff("a.txt", "old\n", "new\n"),))
    assert (printed.output, printed.exit_code) == ("ab", 3)
    assert (run.output, run.exit_code) == (f"{of.workspace.parent / 'data' / 'home'}\n", 3)
    assert "one two" in of.said
    assert "from a file" in of.said
    assert "refused: {'details': '/etc/passwd is not in the workspace'}" in of.said
    assert (of.workspace / "b" / "c.txt").read_text() == "written"
    view = of.agent.view()
    assert (view.name, view.state) == ("Scripted 1.0", "Ready")
    assert view.announced.mode == "code"
    assert [command.name for command in view.announced.commands] == ["review", "plan"]
    # It waits for a look, and a look is enough.
    assert of.agent.attention is Attention.NEEDS_INPUT
    activity = of.journal.activity
    await of.agent.see(of.agent.revision)
    assert of.agent.attention is Attention.IDLE
    assert of.journal.activity == activity
    assert activity["source"] == "agent"

    await of.agent.choose_mode("ask")
    await of.agent.choose_option("model", "large")
    assert of.agent.view().announced.mode == "ask"
    assert of.agent.view().announced.options[0].value == "large"
    for choose, field in (
        (of.agent.choose_mode("x"), "mode"),
        (of.agent.choose_option("x", "y"), "option"),
        (of.agent.choose_option("model", "y"), "value"),
        (of.agent.choose_provider("x"), "provider"),
        (of.agent.choose_provider("codex"), "provider"),
    ):
        with pytest.raises(Refusal) as refused:
            await choose
        assert refused.value.field == field
    markdown = await of.agent.markdown()
    assert markdown.startswith("# A title\n")
    assert "one two" in markdown


async def test_prompts_wait_their_turn_can_be_changed_and_a_cancel_holds_them(bench, tmp_path):
    of = await bench()
    go = tmp_path / "go"
    first = await of.agent.prompt(f"wait {go}\nsay first")
    await of.until(lambda: of.agent.view().turn is not None)
    second = await of.agent.prompt("say second")
    third = await of.agent.prompt("say third")
    fourth = await of.agent.prompt("say fourth", place=Place.NEXT)
    await of.agent.edit(second.id, "say changed")
    await of.agent.withdraw(third.id)
    assert [w.text for w in of.agent.view().waiting] == ["say fourth", "say changed"]
    with pytest.raises(Refusal) as refused:
        await of.agent.edit(first.id, "too late")
    assert refused.value.why is Why.ABSENT

    await of.agent.cancel()
    await of.ended(first.id)
    assert of.prompts == [(f"wait {go}\nsay first", "Cancelled")]
    view = of.agent.view()
    assert view.held == "the prompt before was cancelled"
    assert view.attention is Attention.NEEDS_INPUT
    with pytest.raises(Refusal) as refused:
        await of.agent.cancel()
    assert refused.value.why is Why.CONFLICT

    await of.agent.proceed()
    await of.ended(fourth.id)
    await of.ended(second.id)
    assert of.said == "fourthchanged"


async def test_leave_is_asked_of_a_person(bench):
    of = await bench()
    asked = await of.agent.prompt("ask Remove everything")
    await of.until(lambda: of.agent.attention is Attention.NEEDS_APPROVAL)
    [request] = of.agent.view().permissions
    [permission] = bodies(of, Permission)
    assert (permission.request, permission.title) == (request, "Remove everything")
    assert [option.id for option in permission.options] == ["always", "yes", "no"]
    await of.agent.answer(request, "yes")
    await of.ended(asked.id)
    assert of.said == "answer: yes"
    [permission] = bodies(of, Permission)
    assert (permission.decision, permission.chosen, permission.by) == (Decision.ANSWERED, "yes", "person")

    asked = await of.agent.prompt("ask Again")
    await of.until(lambda: of.agent.attention is Attention.NEEDS_APPROVAL)
    await of.agent.cancel()
    await of.ended(asked.id)
    assert of.prompts[-1][1] == "Cancelled"
    assert bodies(of, Permission)[-1].decision is Decision.CANCELLED
    assert of.said.endswith("answer: cancelled")


async def test_auto_approve_allows_and_says_so(bench):
    of = await bench(variables={"BERTH_AGENT_AUTO_APPROVE": "1"})
    await of.ask("ask Remove everything")
    assert of.said == "answer: yes"
    [permission] = bodies(of, Permission)
    assert (permission.chosen, permission.by) == ("yes", "auto-approve")
    assert "Remove everything: Yes (by auto-approve)" in await of.agent.markdown()


@pytest.mark.parametrize("ways", [["--resume"], ["--load"], ["--resume", "--no-resume", "--load"]])
async def test_the_conversation_is_taken_up_after_a_restart_and_nothing_is_told_twice(bench, tmp_path, ways):
    flags = ("--sessions", tmp_path / "sessions", *ways)
    first = await bench(*flags)
    await first.ask("say one")
    position = first.agent.revision
    await first.aclose()

    second = await bench(*flags)
    assert second.prompts == [("say one", "Completed")]
    # A page that comes back asks for what is new only.
    assert second.agent.since(position).items == ()
    await second.ask("say two")
    assert second.said == "onetwo"
    assert json.loads((tmp_path / "sessions").read_text()) == {"session-1": ["say one", "say two"]}
    assert second.notices == []
    fresh = second.agent.since(position).items
    assert [item.body.kind for item in fresh] == ["prompt", "message"]


async def test_an_agent_that_forgot_says_so_and_begins_anew(bench, tmp_path):
    flags = ("--sessions", tmp_path / "sessions", "--resume")
    first = await bench(*flags)
    await first.ask("say one")
    await first.aclose()
    (tmp_path / "sessions").unlink()
    second = await bench(*flags)
    await second.ask("say two")
    assert second.notices == ["scripted does not remember what was said before; it begins anew"]
    assert second.prompts[-1] == ("say two", "Completed")


async def test_a_prompt_is_on_the_disk_as_given_before_the_agent_knows_of_it(bench, tmp_path):
    marks = tmp_path / "marks"
    first = await bench()
    first.agent._parts.records._pause = 3600  # nothing is written but what has to be
    await first.agent.prompt(f"run echo x >> {marks}\nwait {tmp_path / 'never'}")
    await first.until(marks.exists)
    await first.kill()

    second = await bench()
    assert [outcome for _, outcome in second.prompts] == ["Interrupted"]
    await second.ask("say after")
    assert marks.read_text() == "x\n"


async def test_a_prompt_under_way_when_the_container_is_killed_is_not_given_again(bench, tmp_path):
    marks = tmp_path / "marks"
    first = await bench()
    await first.agent.prompt(f"open-tool Build\nrun echo x >> {marks}\nwait {tmp_path / 'never'}")
    await first.until(marks.exists)
    await first.agent.prompt("say later")
    first.agent._parts.transcript.flush()
    await first.agent._parts.records.settle()
    await first.kill()

    second = await bench()
    assert second.prompts[0][1] == "Interrupted"
    assert "was not given again" in bodies(second, type(second.bodies[0]))[0].message
    assert [tool.status for tool in bodies(second, Tool) if tool.call == "open-1"] == ["interrupted"]
    view = second.agent.view()
    assert [waiting.text for waiting in view.waiting] == ["say later"]
    assert view.held
    assert view.attention is Attention.NEEDS_INPUT
    await second.agent.proceed()
    await second.until(lambda: len(second.prompts) == 2 and second.prompts[1][1] == "Completed")
    assert marks.read_text() == "x\n"


async def test_prompts_that_waited_for_the_agent_are_given_after_a_restart(bench):
    first = await bench()
    first.usable = False
    await first.agent.prompt("say one")
    await first.agent.prompt("say two")
    await first.aclose()
    assert first.prompts == []
    second = await bench()
    await second.until(lambda: [outcome for _, outcome in second.prompts] == ["Completed"] * 2)
    assert second.said == "onetwo"


async def test_the_end_of_the_container_ends_the_turn_and_everything_that_was_started(bench, tmp_path):
    of = await bench()
    child = tmp_path / "child"
    await of.agent.prompt(f"pid\nchild {child}\nsay half\nwait {tmp_path / 'never'}")
    await of.until(lambda: "half" in of.said and child.exists() and child.read_text())
    pids = [int(of.said.split()[1].removesuffix("half")), int(child.read_text())]
    began = time.monotonic()
    await of.aclose()
    assert time.monotonic() - began < 60
    await of.until(lambda: not any(map(is_running, pids)), "its processes are gone")
    again = await bench()
    assert again.prompts[0][1] == "Interrupted"
    assert "half" in again.said


async def test_a_crash_in_a_turn_is_told_without_secrets_and_the_agent_comes_back(bench, tmp_path):
    given = Secrets(git=Credentials("ann", CANARY))
    of = await bench(
        "--resume",
        "--sessions",
        tmp_path / "sessions",
        given=given,
        environ={"MY_API_KEY": CANARY + "2"},
    )
    await of.ask("say before", "crash 7")
    [prompt] = [body for body in of.bodies if body.kind == "prompt"]
    assert prompt.outcome is Outcome.INTERRUPTED
    assert "it ended with exit code 7; it said: about to crash, key •••" in prompt.message
    assert of.agent.attention is Attention.NEEDS_INPUT
    await of.until(lambda: of.state == "Ready", "it came back")
    await of.ask("say after")
    assert of.said == "beforeafter"
    await of.aclose()
    log = "".join(event.message for event in of.journal.events)
    for told in (
        str(of.bodies),
        log,
        (tmp_path / "data" / "container.db").read_bytes().decode(errors="ignore"),
    ):
        assert CANARY not in told


async def test_an_agent_that_crashes_at_its_start_is_a_state_and_comes_back_when_it_can(bench, tmp_path):
    times = tmp_path / "times"
    times.write_text("1000")
    of = await bench("--at-start", "crash", "--times", times, environ={"MY_API_KEY": CANARY})
    await of.agent.prompt("say hello")
    await of.until(lambda: of.state == "Failed")
    assert "it ended with exit code 4; it said: cannot start: key ••• is wrong" in of.message
    assert "it is started again in" in of.message
    assert of.agent.attention is Attention.NEEDS_INPUT
    assert [waiting.text for waiting in of.agent.view().waiting] == ["say hello"]
    times.write_text("0")
    await of.until(lambda: of.prompts == [("say hello", "Completed")])


@pytest.mark.parametrize(
    ("at_start", "told"),
    [
        ("hang", "it has neither answered nor done anything for 3 seconds"),
        ("garbage", "it writes to its output what is no ACP"),
        ("close", "it closed its output"),
        ("version", "it speaks version 77 of ACP"),
    ],
)
async def test_an_agent_that_does_not_speak_is_a_state(bench, at_start, told):
    patience = {"opening": 3.0 if at_start == "hang" else 30.0}
    of = await bench("--at-start", at_start, patience=patience)
    await of.agent.warm()
    await of.until(lambda: of.state in {"Failed", "NotInstalled"})
    assert told in of.message
    began = time.monotonic()
    await of.aclose()
    assert time.monotonic() - began < 60


async def test_an_agent_that_is_not_there_is_a_state(bench):
    of = await bench(variables={"BERTH_AGENT_COMMAND": '["/nowhere/agent"]'})
    assert of.state == "NotInstalled"
    assert "/nowhere/agent" in of.message
    await of.agent.prompt("say hello")
    assert of.agent.attention is Attention.NEEDS_INPUT
    assert of.prompts == []


async def test_without_an_agent_there_is_nothing_to_ask(bench):
    of = await bench(variables={"BERTH_AGENT_COMMAND": "", "BERTH_AGENT_PROVIDER": ""})
    assert (of.state, of.agent.attention) == ("NotStarted", Attention.UNKNOWN)
    with pytest.raises(Refusal, match="choose one first"):
        await of.agent.prompt("say hello")


async def test_a_login_that_is_needed_names_the_provider_and_the_way(bench, tmp_path):
    login = tmp_path / "login"
    of = await bench("--login", login)
    await of.agent.prompt("say hello")
    await of.until(lambda: of.state == "Failed")
    assert "scripted asks for a login (Authentication required); log in as" in of.message
    assert of.agent.view().login_needed
    assert of.agent.refused_login == "scripted"
    login.touch()
    await of.agent.warm()
    await of.until(lambda: of.prompts == [("say hello", "Completed")])
    assert of.agent.refused_login == ""


async def test_a_login_by_a_variable_asks_nobody(bench):
    of = await bench("--key", environ={"OPENAI_API_KEY": CANARY})
    await of.ask("say hello")
    assert of.prompts == [("say hello", "Completed")]


async def test_a_usage_limit_is_told_as_such_and_the_next_prompt_tries_again(bench):
    of = await bench()
    await of.ask('fail {"message": "Stop here.", "codexErrorInfo": "usageLimitExceeded"}')
    assert of.agent.attention is Attention.LIMIT_REACHED
    await of.agent.see(of.agent.revision)
    assert of.agent.attention is Attention.LIMIT_REACHED
    assert of.state == "Ready"
    [prompt] = [body for body in of.bodies if body.kind == "prompt"]
    assert "Stop here." in prompt.message
    await of.ask("say hello")
    assert of.agent.attention is Attention.NEEDS_INPUT
    await of.ask("stop max_tokens")
    assert of.prompts[-1][1] == "CutShort"
    assert of.agent.attention is Attention.NEEDS_INPUT


async def test_a_flood_neither_stops_the_app_nor_grows_it(bench):
    of = await bench()
    told = 0

    def count():
        nonlocal told
        told += 1

    of.agent.subscribe(count)
    asked = await of.agent.prompt("flood 20000\nsay end")
    await of.until(lambda: of.agent.view().turn is not None)
    worst, began = 0.0, time.monotonic()
    while of.agent.view().turn is not None:
        before = time.monotonic()
        await asyncio.sleep(0)
        worst = max(worst, time.monotonic() - before)
    took = time.monotonic() - began
    await of.ended(asked.id)
    [message] = [body for body in of.bodies if body.kind == "message"]
    assert len(message.text) == 200_000
    assert message.omitted == 20_000 * 100 + 3 - 200_000
    print(f"20,000 updates in {took:.1f} s; the loop waited {worst * 1000:.0f} ms at most; told {told} times")
    assert told <= took * 25 + 10
    assert of.prompts[0][1] == "Completed"


async def test_a_message_without_end_is_the_end_of_the_program(bench):
    of = await bench()
    await of.ask("huge 20")
    assert of.prompts[0][1] == "Interrupted"
    assert "it sent a message of more than 16 MiB" in str(of.bodies[0])


async def test_garbage_between_messages_is_passed_over(bench):
    of = await bench()
    await of.ask("garbage 5", "say hello")
    assert (of.said, of.prompts[0][1]) == ("hello", "Completed")


async def test_an_agent_that_does_not_stop_is_ended(bench, tmp_path):
    of = await bench()
    asked = await of.agent.prompt(f"pid\ndeaf {tmp_path / 'never'}")
    await of.until(lambda: of.said)
    await of.agent.cancel()
    await of.ended(asked.id)
    assert of.prompts[0][1] == "Cancelled"
    await of.until(lambda: not is_running(int(of.said.split()[1])), "its program is gone")
    await of.ask("say hello")
    assert of.said.endswith("hello")


async def test_what_is_attached_is_shown_or_linked(bench):
    of = await bench("--images")
    (of.workspace / "a.py").write_text("x")
    png = b"\x89PNG\r\n\x1a\n" + b"0" * 20
    given = [FromWorkspace("a.py"), Upload("shot.png", png), Upload("notes.txt", b"x")]
    asked = await of.agent.prompt("given-blocks", given)
    await of.ended(asked.id)
    kinds = [part.partition(":")[0] for part in of.said.split()]
    assert kinds == ["resource_link", "image", "resource_link"]
    assert f"resource_link:{(of.workspace / 'a.py').as_uri()}" in of.said
    assert of.agent.attached(asked.id, "shot.png").path.read_bytes() == png
    link = Path(of.said.split()[2].removeprefix("resource_link:file://"))
    assert await asyncio.to_thread(link.read_bytes) == b"x"
    for name in ("a.py", "../x"):
        with pytest.raises(Refusal):
            of.agent.attached(asked.id, name)


async def test_another_agent_takes_over(bench, tmp_path):
    # A second agent by its own name on PATH: the same script, as claude-agent-acp.
    path = tmp_path / "bin"
    path.mkdir()
    (path / "claude-agent-acp").write_text(f"#!/bin/sh\nexec {sys.executable} {SCRIPTED} --modes\n")
    (path / "claude-agent-acp").chmod(0o755)
    environ = {"PATH": f"{path}:{os.environ['PATH']}"}
    of = await bench(environ=environ)
    await of.ask("say one")
    assert {p.name: bool(p.missing) for p in of.agent.view().providers} == {
        "scripted": False,
        "codex": True,
        "claude": False,
    }
    asked = await of.agent.prompt(f"wait {tmp_path / 'go'}")
    await of.until(lambda: of.agent.view().turn is not None)
    with pytest.raises(Refusal, match="cancel its turn first"):
        await of.agent.choose_provider("claude")
    (tmp_path / "go").touch()
    await of.ended(asked.id)
    await of.agent.choose_provider("claude")
    assert of.agent.view().provider == "claude"
    assert of.notices == ["from here on with Claude, which knows nothing of what was said"]
    await of.ask("say two")
    assert of.agent.view().announced.modes
    await of.aclose()
    again = await bench(environ=environ)
    assert again.agent.view().provider == "claude"
    await again.aclose()
    # Another declared agent than the one it was chosen instead of: the declared one counts.
    declared = await bench(environ=environ, variables={"BERTH_AGENT_PROVIDER": "other"})
    assert declared.agent.view().provider == "other"
