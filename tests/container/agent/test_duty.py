"""The agent's life, in virtual time: when it is started, what becomes of prompts, how it comes back."""

from __future__ import annotations

import asyncio
import contextlib
from itertools import pairwise

import pytest

from container.agent.failures import AgentFailure, Kind
from container.agent.items import Option, Outcome
from container.agent.talk import Patience
from container.contract import AgentState
from tests.container.agent.fakes import FakeTalk, Post

pytestmark = pytest.mark.looptime


@contextlib.asynccontextmanager
async def post(*launches, **terms):
    found = Post(*launches, **terms)
    try:
        yield found
    finally:
        await found.aclose()


def now():
    return asyncio.get_running_loop().time()


def ended(message="it ended with exit code 1"):
    return AgentFailure(Kind.ENDED, message)


async def test_nothing_is_started_until_it_is_wanted():
    async with post() as of:
        await asyncio.sleep(3600)
        assert of.started == []
        assert of.duty.state is AgentState.NOT_STARTED
        of.duty.warm()
        await of.until(lambda: of.duty.state is AgentState.READY)
        assert of.duty.message == "Fake 1.0 is ready"
        assert of.talk.prompts == []


async def test_a_prompt_waits_for_the_workspace():
    async with post(usable=False) as of:
        of.ask("a")
        await asyncio.sleep(600)
        assert of.started == []
        of.usable = True
        of.duty.look()
        await of.working()
        assert of.talk.prompts == ["a"]


async def test_prompts_are_given_one_after_the_other():
    async with post() as of:
        of.ask("a", "b")
        await of.working()
        of.ask("c")
        await asyncio.sleep(60)
        assert of.talk.prompts == ["a"]
        of.talk.finish()
        await of.working(2)
        of.talk.finish()
        await of.working(3)
        of.talk.finish()
        await of.until(lambda: of.turns.current is None)
        assert of.outcomes == [(name, "Completed") for name in "abc"]
        assert len(of.started) == 1


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [("max_tokens", "CutShort"), ("refusal", "Refused"), ("max_turn_requests", "CutShort")],
)
async def test_a_turn_that_was_not_completed_holds_the_queue(reason, outcome):
    async with post() as of:
        of.ask("a", "b")
        await of.working()
        of.talk.finish(reason)
        await of.until(lambda: of.turns.current is None)
        await asyncio.sleep(600)
        assert of.talk.prompts == ["a"]
        assert of.outcomes == [("a", outcome)]
        assert of.queue.line.held
        of.queue.release()
        await of.working(2)


@pytest.mark.parametrize(("kind", "outcome"), [(Kind.LIMIT, "LimitReached"), (Kind.ERROR, "Failed")])
async def test_an_error_ends_the_turn_and_not_the_agent(kind, outcome):
    async with post() as of:
        of.ask("a")
        await of.working()
        of.talk.fail(kind)
        await of.until(lambda: of.turns.current is None)
        assert of.outcomes == [("a", outcome)]
        assert of.duty.state is AgentState.READY
        of.ask("b")
        await of.working(2)
        assert len(of.started) == 1


async def test_a_crash_interrupts_the_turn_and_nothing_is_given_twice():
    async with post() as of:
        of.ask("a", "b")
        await of.working()
        first = of.talk
        of.talk.crash()
        await of.until(lambda: of.duty.state is AgentState.FAILED)
        assert of.outcomes == [("a", "Interrupted")]
        assert "exit code 1" in of.duty.message
        assert "started again in 2 seconds" in of.duty.message
        assert first.closed
        await of.until(lambda: of.talk is not first and of.duty.state is AgentState.READY)
        assert of.started[-1][1] == "s-1"
        await asyncio.sleep(600)
        assert of.talk.prompts == []
        of.queue.release()
        await of.working()
        assert of.talk.prompts == ["b"]


async def test_an_agent_that_ends_at_once_is_tried_less_and_less_often():
    async with post(*[ended()] * 20) as of:
        of.ask("a")
        await of.until(lambda: len(of.started) == 12, seconds=86_400)
        times = [at for at, _ in of.started]
        pauses = [after - before for before, after in pairwise(times)]
        assert pauses[0] == pytest.approx(2, rel=0.11)
        assert all(after > before * 1.5 for before, after in pairwise(pauses[:7]))
        assert pauses[-1] == pytest.approx(300, rel=0.11)
        assert max(pauses) <= 300.01
        assert of.notices == ["Fake: it ended with exit code 1"]
        assert [prompt.id for prompt in of.queue.line.waiting] == ["a"]


async def test_an_agent_that_lived_a_while_comes_back_at_once():
    async with post(ended(), ended(), ended()) as of:
        of.ask("a")
        await of.until(lambda: len(of.started) == 3)
        of.queue.withdraw("a")
        of.duty.warm()
        await of.until(lambda: of.duty.state is AgentState.READY)
        await asyncio.sleep(120)
        before, count = now(), len(of.started)
        of.talk.crash()
        await of.until(lambda: len(of.started) > count)
        assert now() - before < 3


async def test_with_nothing_to_do_a_start_that_failed_is_not_tried_again():
    async with post(ended(), ended()) as of:
        of.duty.warm()
        await asyncio.sleep(86_400)
        assert len(of.started) == 1
        assert of.duty.message.endswith("it is started again with the next prompt")
        of.ask("a")
        await of.working()
        assert of.talk.prompts == ["a"]


async def test_a_person_does_not_wait_for_the_pause():
    async with post(*[ended()] * 10) as of:
        of.ask("a")
        await of.until(lambda: len(of.started) == 8)
        before = now()
        of.duty.warm()
        await of.until(lambda: len(of.started) == 9)
        assert now() - before < 1


async def test_a_login_is_waited_for_and_told():
    async with post(AgentFailure(Kind.LOGIN, "Authentication required")) as of:
        of.ask("a")
        await of.until(lambda: of.duty.state is AgentState.FAILED)
        assert of.duty.message == "Fake asks for a login (Authentication required); run `fake login`"
        await asyncio.sleep(86_400)
        assert len(of.started) == 1
        of.duty.warm()
        await of.working()
        assert of.talk.prompts == ["a"]


async def test_a_login_lost_in_a_turn_needs_another_program():
    async with post() as of:
        of.ask("a")
        await of.working()
        of.talk.fail(Kind.LOGIN)
        await of.until(lambda: of.duty.state is AgentState.FAILED)
        assert of.outcomes == [("a", "LoginNeeded")]
        assert of.talk.closed
        await asyncio.sleep(3600)
        assert len(of.started) == 1


async def test_what_is_not_installed_is_looked_for_again_when_asked():
    async with post(missing="there is no fake") as of:
        assert of.duty.state is AgentState.NOT_INSTALLED
        of.ask("a")
        await asyncio.sleep(3600)
        assert of.started == []
        assert of.duty.message == "there is no fake"
        of.missing = ""
        of.duty.warm()
        await of.working()
        assert of.talk.prompts == ["a"]


async def test_a_cancel_holds_the_queue():
    async with post() as of:
        of.ask("a", "b")
        await of.working()
        of.turns.cancel()
        await of.until(lambda: of.turns.current is None)
        assert of.outcomes == [("a", "Cancelled")]
        assert of.talk.cancels == 1
        assert of.queue.line.held == "the prompt before was cancelled"
        assert of.memory.seen == of.transcript.revision


async def test_an_error_after_a_cancel_is_the_cancel():
    async with post() as of:
        of.ask("a")
        await of.working()
        of.talk.obeys = False
        of.turns.cancel()
        await of.until(lambda: of.talk.cancels == 1)
        of.talk.fail(Kind.ERROR, "Tool use aborted")
        await of.until(lambda: of.turns.current is None)
        assert of.outcomes == [("a", "Cancelled")]


async def test_an_agent_that_does_not_stop_is_ended_and_started_again():
    async with post() as of:
        of.ask("a")
        await of.working()
        first, before = of.talk, now()
        first.obeys = False
        of.turns.cancel()
        await of.until(lambda: first.closed)
        assert now() - before == pytest.approx(10, abs=0.6)
        [item] = [item.body for item in of.transcript.items if item.body.kind == "prompt"]
        assert item.outcome is Outcome.CANCELLED
        assert "did not stop within 10 seconds" in item.message
        await of.until(lambda: of.duty.state is AgentState.READY)
        assert now() - before < 13


async def test_silence_is_told_once_until_there_is_news():
    async with post() as of:
        of.ask("a")
        await of.working()
        await asyncio.sleep(299)
        assert of.notices == []
        await asyncio.sleep(3600)
        assert of.notices == ["no news from the agent for 5 minutes; cancel if it should not take so long"]
        of.talk.hear()
        of.transcript.add(of.transcript.items[0].body)
        await asyncio.sleep(700)
        assert len(of.notices) == 2
        assert of.turns.current is not None


@pytest.mark.parametrize("reason", ["person", "command"])
async def test_silence_that_has_a_reason_is_not_told(reason):
    async with post() as of:
        of.ask("a")
        await of.working()
        asking = None
        if reason == "person":
            asking = asyncio.create_task(of.permissions.ask("1", "Run", [Option("y", "Yes", "allow_once")]))
        else:
            of.talk.busy = True
        await asyncio.sleep(7200)
        assert of.notices == []
        if asking is not None:
            of.permissions.cancel_all()
            assert await asking is None


async def test_a_cancel_lets_permission_requests_come_to_nothing():
    async with post() as of:
        of.ask("a")
        await of.working()
        asking = asyncio.create_task(of.permissions.ask("1", "Run", [Option("y", "Yes", "allow_once")]))
        await of.until(lambda: of.permissions.pending)
        of.turns.cancel()
        assert await asking is None
        await of.until(lambda: of.turns.current is None)
        decisions = [item.body.decision for item in of.transcript.items if item.body.kind == "permission"]
        assert decisions == ["Cancelled"]


async def test_tool_calls_of_a_turn_that_was_cut_off_do_not_stay_open():
    async with post() as of:
        import acp  # noqa: PLC0415 - a second

        of.ask("a")
        await of.working()
        of.transcript.take(acp.start_tool_call("1", "Run", status="in_progress"))
        of.transcript.take(acp.start_tool_call("2", "Read", status="completed"))
        of.talk.crash()
        await of.until(lambda: of.turns.current is None)
        tools = [item.body.status for item in of.transcript.items if item.body.kind == "tool"]
        assert tools == ["interrupted", "completed"]


async def test_the_end_of_the_container_tells_the_agent_first():
    async with post(patience=Patience(stop=2)) as of:
        of.ask("a", "b")
        await of.working()
        await of.aclose()
        assert of.talk.cancels == 1
        assert of.talk.closed
        assert of.talk.prompts == ["a"]
        assert of.outcomes == [("a", "Interrupted")]
        assert [prompt.id for prompt in of.queue.line.waiting] == ["b"]
        assert of.queue.line.held


async def test_the_end_of_the_container_does_not_wait_for_an_agent_that_does_not_listen():
    async with post() as of:
        of.ask("a")
        await of.working()
        of.talk.obeys = False
        before = now()
        await of.aclose()
        assert now() - before == pytest.approx(2, abs=0.6)
        assert of.outcomes == [("a", "Interrupted")]


async def test_the_end_of_the_container_ends_a_start():
    never = asyncio.Event()
    async with post(never) as of:
        of.ask("a")
        await of.until(lambda: of.duty.state is AgentState.STARTING)
        before = now()
        await of.aclose()
        assert now() == before


async def test_another_provider_takes_over_even_from_one_that_is_starting():
    never = asyncio.Event()
    async with post(never) as of:
        of.ask("a")
        await of.until(lambda: of.duty.state is AgentState.STARTING)
        of.duty.serve(of.find("other"))
        await of.working()
        assert of.duty.provider.name == "other"
        assert of.talk.prompts == ["a"]


async def test_another_provider_ends_the_one_that_was():
    async with post() as of:
        of.duty.warm()
        await of.until(lambda: of.duty.state is AgentState.READY)
        first = of.talk
        of.duty.serve(of.find("other"))
        await of.until(lambda: first.closed)
        await asyncio.sleep(60)
        assert of.duty.state is AgentState.NOT_STARTED
        assert of.duty.message == "Other starts with the first prompt"
        assert len(of.started) == 1


async def test_sessions_are_kept_by_provider_and_a_lost_one_is_told():
    async with post(FakeTalk(), FakeTalk(), FakeTalk(remembers=False), FakeTalk()) as of:
        of.duty.warm()
        for count in range(1, 5):
            await of.until(lambda: of.duty.state is AgentState.READY and len(of.started) == count)  # noqa: B023 - awaited here
            if count == 2:  # before that nothing was said: there is nothing to remember
                of.ask("a")
                await of.working()
                of.talk.finish()
                await of.until(lambda: of.turns.current is None)
            of.talk.crash()
            await of.until(lambda: of.duty.state is AgentState.FAILED)
        assert [session for _, session in of.started] == [None, None, "s-1", None]
        assert sum("does not remember" in notice for notice in of.notices) == 1


async def test_a_defect_of_ours_is_a_state_and_not_the_end():
    async with post(RuntimeError("secret words")) as of:
        of.ask("a")
        await of.until(lambda: of.duty.state is AgentState.FAILED)
        assert "RuntimeError at fakes.py" in of.duty.message
        assert "secret words" not in of.duty.message + "".join(of.said)
        of.duty.warm()
        await of.working()
