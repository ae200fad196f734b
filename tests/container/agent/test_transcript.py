"""Order, revisions, bounds, and what is kept on the disk."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time

import acp
import pytest

from container.agent import transcript as module
from container.agent.codec import decode, encode_all
from container.agent.hearing import Hearing
from container.agent.items import (
    Diff,
    Image,
    Item,
    Link,
    Message,
    Notice,
    Option,
    Prompt,
    TerminalRef,
    Text,
    Tool,
)
from container.agent.memory import Memory
from container.agent.permissions import MAX_PENDING, Permissions
from container.agent.queue import Line, Waiting
from container.agent.records import NotKept, Records
from container.agent.store import Store
from container.agent.transcript import Transcript
from container.database import in_memory, open_database
from container.journal import Journal
from container.moments import now
from container.refusal import Refusal, Why
from tests.container.agent.fakes import AT


def transcript(begin=100):
    journal = Journal(in_memory())
    return Transcript(Records(Store(in_memory()), journal), begin=begin, at=lambda: AT)


def say(of, text):
    of.take(acp.update_agent_message_text(text))


@pytest.mark.looptime
async def test_a_reader_that_asks_for_what_is_new_misses_nothing_and_gets_nothing_twice():
    of = transcript()
    seen: dict[int, str] = {}
    position, told = 0, 0

    def read():
        nonlocal position, told
        told += 1
        page = of.since(position, limit=3)
        assert page.revision >= position
        assert all(position < item.revision <= page.revision for item in page.items)
        position = page.revision
        seen.update((item.id, getattr(item.body, "text", "")) for item in page.items)
        if page.more:
            read()

    of.subscribe(read)
    for turn in range(50):
        say(of, f"{turn} ")
        if turn % 3 == 0:
            of.add(Notice(f"n{turn}"))
        if turn % 7 == 0:
            await asyncio.sleep(1)
    await asyncio.sleep(1)
    assert seen == {item.id: getattr(item.body, "text", "") for item in of.items}
    assert of.since(position, limit=3).items == ()
    assert told < 50


@pytest.mark.looptime
async def test_a_reader_that_asks_between_two_tellings_misses_nothing_either():
    of = transcript()
    of.take(acp.start_tool_call("a", "A"))
    of.flush()
    of.take(acp.start_tool_call("b", "B"))
    of.flush()
    of.take(acp.update_tool_call("b", status="completed"))  # not told yet
    page = of.since(100, limit=9)
    assert [item.id for item in page.items] == [1, 2]
    of.flush()
    assert [item.id for item in of.since(page.revision, limit=9).items] == [2]


@pytest.mark.looptime
async def test_changes_are_told_together():
    of = transcript()
    told = []
    end = of.subscribe(lambda: told.append(of.revision))
    for _ in range(1000):
        say(of, "x")
    await asyncio.sleep(1)
    assert told == [101]
    end()
    end()
    say(of, "y")
    await asyncio.sleep(1)
    assert told == [101]


@pytest.mark.looptime
async def test_a_long_message_is_told_less_often():
    of = transcript()
    told = []
    of.subscribe(lambda: told.append(of.revision))
    say(of, "x" * 150_000)
    for _ in range(1000):
        say(of, "x")
        await asyncio.sleep(0.01)
    assert 40 < len(told) < 80
    of.touch()
    await asyncio.sleep(1)
    assert of.since(told[-2], limit=9).items[0].body.text.endswith("x")


@pytest.mark.looptime
async def test_what_is_beside_the_items_has_a_revision_too():
    of = transcript()
    told = []
    of.subscribe(lambda: told.append(of.revision))
    of.touch()
    of.touch()
    await asyncio.sleep(1)
    assert told == [101]
    assert of.since(100, limit=9).items == ()


@pytest.mark.looptime
async def test_a_position_that_was_never_told_gets_everything():
    of = transcript()
    say(of, "a")
    await asyncio.sleep(1)
    assert len(of.since(10**15, limit=9).items) == 1


@pytest.mark.looptime
async def test_pages_go_back_from_the_newest():
    of = transcript()
    for number in range(25):
        of.add(Notice(str(number)))
    newest = of.before(None, limit=10)
    assert [item.body.message for item in newest.items] == [str(n) for n in range(15, 25)]
    assert newest.more
    earlier = of.before(newest.items[0].id, limit=100)
    assert len(earlier.items) == 15
    assert not earlier.more
    assert earlier.first == 1


@pytest.mark.looptime
async def test_the_oldest_are_forgotten(monkeypatch):
    monkeypatch.setattr(module, "MAX_ITEMS", 10)
    of = transcript()
    for number in range(25):
        of.add(Notice(str(number)))
    await asyncio.sleep(1)
    assert [item.id for item in of.items] == list(range(16, 26))
    assert of.since(0, limit=99).first == 16
    monkeypatch.setattr(module, "MAX_WEIGHT", 100)
    of.add(Notice("x" * 90))
    of.add(Notice("y" * 90))
    await asyncio.sleep(1)
    assert len(of.items) == 1


@pytest.mark.looptime
async def test_one_turn_cannot_push_out_all_that_was_said_before(monkeypatch):
    monkeypatch.setattr(module, "MAX_PER_TURN", 20)
    of = transcript()
    of.add(Prompt("1", "first"))
    of.begin_turn()
    of.add(Prompt("2", "second"))
    for number in range(100):
        of.take(acp.start_tool_call(str(number), "x"))
    of.take(acp.update_tool_call("3", status="completed"))
    say(of, "the ")
    of.take(acp.start_tool_call("more", "x"))
    say(of, "answer")
    kinds = [item.body.kind for item in of.items]
    assert kinds == ["prompt", "prompt", *["tool"] * 19, "notice", "message"]
    assert of.items[-1].body.text == "the answer"
    assert of.items[5].body.status == "completed"
    of.begin_turn()
    of.take(acp.start_tool_call("next turn", "x"))
    assert of.items[-1].body.kind == "tool"


async def test_what_a_command_printed_before_its_tool_call_was_told_is_shown_too():
    of = transcript()
    hearing = Hearing(of, Permissions(of, auto_approve=False), lambda: None)
    hearing.printed("t-1", "out", None)
    hearing.said(acp.start_tool_call("1", "Run", content=[acp.tool_terminal_ref("t-1")]))
    assert of.items[0].body.output == "out"
    hearing.printed("t-1", "output", 3)
    assert (of.items[0].body.output, of.items[0].body.exit_code) == ("output", 3)


def records(path, **terms):
    database, remark = open_database(path, now())
    assert remark == ""
    journal = Journal(database)
    return journal, Records(Store(database), journal, **terms)


async def test_what_was_kept_is_there_again_with_higher_revisions(tmp_path):
    journal, kept = records(tmp_path / "c.db")
    items, values = await kept.read()
    assert (items, dict(values)) == ([], {})
    first = Transcript(kept, begin=100, at=lambda: AT)
    first.add(Prompt("1", "ask"))
    tool = Tool(
        "1",
        "x",
        pieces=(Diff("a", None, "b"), Text("c"), Image("image/png", "", 3), Link("u", "n"), TerminalRef("t")),
    )
    first.add(tool)
    say(first, "ans")
    first.flush()
    say(first, "wer \U0001f600")
    memory = Memory(kept)
    memory.remember("codex", "s-1")
    memory.keep_queue(Line((Waiting("2", AT, "later"),), "held"))
    first.flush()
    await kept.aclose()
    journal.close()

    journal, kept = records(tmp_path / "c.db")
    items, values = await kept.read()
    second = Transcript(kept, begin=5, at=lambda: AT)
    second.restore(items)
    assert [item.body for item in second.items] == [
        Prompt("1", "ask"),
        tool,
        Message("answer \U0001f600"),
    ]
    assert second.revision > first.revision
    assert [item.id for item in second.since(first.revision - 1, limit=9).items] == [3]
    memory = Memory(kept)
    assert memory.restore(values) == Line((Waiting("2", AT, "later"),), "held")
    assert memory.session_of("codex") == "s-1"
    # What comes now is another message, and in order.
    say(second, "new")
    assert second.items[-1].id == 4
    second.flush()
    await kept.aclose()
    journal.close()


async def test_a_stream_of_words_is_one_write_a_second_and_settling_waits_for_it(tmp_path):
    journal, kept = records(tmp_path / "c.db", pause=3600)
    await kept.read()
    of = Transcript(kept, begin=1, at=lambda: AT)
    writes = []
    original = kept._store.write
    kept._store.write = lambda batch: (writes.append(batch), original(batch))
    for _ in range(100):
        say(of, "x")
        of.flush()
        await asyncio.sleep(0)
    await kept.settle()
    assert len(writes) <= 2
    assert len(kept._store.read().items) == 1
    await kept.aclose()
    journal.close()


async def test_a_disk_that_cannot_be_written_costs_nothing_but_time(tmp_path):
    journal, kept = records(tmp_path / "c.db", pause=0.01)
    await kept.read()
    of = Transcript(kept, begin=1, at=lambda: AT)
    original, broken = kept._store.write, threading.Event()
    broken.set()

    def write(batch):
        if broken.is_set():
            raise sqlite3.OperationalError("database or disk is full")
        original(batch)

    kept._store.write = write
    for number in range(3):
        of.add(Notice(str(number)))
    of.flush()
    with pytest.raises(NotKept, match="database or disk is full"):
        await kept.settle()
    assert journal.trouble == "database or disk is full"
    broken.clear()
    async with asyncio.timeout(10):
        while len(kept._store.read().items) < 3:
            with contextlib.suppress(NotKept):
                await kept.settle()
    assert journal.trouble == ""
    await kept.aclose()
    journal.close()


async def test_a_transcript_of_two_thousand_messages_opens_at_once(tmp_path):
    journal, kept = records(tmp_path / "c.db")
    await kept.read()
    of = Transcript(kept, begin=1, at=lambda: AT)
    for number in range(1000):
        of.add(Prompt(str(number), "ask " * 20))
        say(of, "answer " * 300)
    of.flush()
    await kept.aclose()
    journal.close()

    began = time.perf_counter()
    journal, kept = records(tmp_path / "c.db")
    items, _ = await kept.read()
    again = Transcript(kept, begin=1, at=lambda: AT)
    again.restore(items)
    opened = time.perf_counter()
    size = len(encode_all(again.before(None, limit=2000).items))
    shown = time.perf_counter()
    print(f"read in {opened - began:.2f} s, {size / 1e6:.1f} MB of JSON in {shown - opened:.2f} s")
    assert len(again.items) == 2000
    assert shown - began < 1
    await kept.aclose()
    journal.close()


def test_an_item_of_another_form_is_passed_over():
    assert decode(Item, b'{"id": 1, "at": "", "body": {"kind": "unheard-of"}}') is None
    assert decode(Item, b"no json") is None


OPTIONS = [
    Option("always", "Always", "allow_always"),
    Option("once", "Once", "allow_once"),
    Option("no", "No", "reject_once"),
]


async def stored():
    """A disk that takes everything at once."""


def asked(of):
    return [item.body for item in of.items if item.body.kind == "permission"]


async def test_a_permission_is_answered_once_and_by_one_of_its_options():
    of = transcript()
    permissions = Permissions(of, auto_approve=False)
    asking = asyncio.create_task(permissions.ask("1", "Run", OPTIONS))
    await asyncio.sleep(0)
    [request] = permissions.pending
    with pytest.raises(Refusal) as refused:
        await permissions.answer(request, "perhaps", stored)
    assert (refused.value.field, refused.value.message) == ("option", "must be one of: always, once, no")
    await permissions.answer(request, "no", stored)
    assert await asking == "no"
    [body] = asked(of)
    assert (body.decision, body.chosen, body.by) == ("Answered", "no", "person")
    with pytest.raises(Refusal) as refused:
        await permissions.answer(request, "no", stored)
    assert refused.value.why is Why.ABSENT


@pytest.mark.parametrize(
    ("options", "chosen"), [(OPTIONS, "once"), ([OPTIONS[0]], "always"), ([OPTIONS[2]], None)]
)
async def test_auto_approve_allows_no_more_than_is_asked_and_says_so(options, chosen):
    of = transcript()
    permissions = Permissions(of, auto_approve=True)
    asking = asyncio.create_task(permissions.ask("1", "Run", options))
    await asyncio.sleep(0)
    if chosen is None:  # nothing to allow: a person decides
        await permissions.answer(permissions.pending[0], "no", stored)
        assert await asking == "no"
        return
    assert await asking == chosen
    [body] = asked(of)
    assert (body.decision, body.chosen, body.by) == ("Answered", chosen, "auto-approve")


async def test_requests_that_nobody_can_answer_come_to_nothing():
    of = transcript()
    permissions = Permissions(of, auto_approve=False)
    asking = [asyncio.create_task(permissions.ask(str(n), "Run", OPTIONS)) for n in range(MAX_PENDING + 5)]
    await asyncio.sleep(0)
    assert len(permissions.pending) == MAX_PENDING
    assert [await task for task in asking[MAX_PENDING:]] == [None] * 5
    asking[0].cancel()  # as when the agent ends
    await asyncio.wait([asking[0]])
    assert len(permissions.pending) == MAX_PENDING - 1
    permissions.cancel_all()
    assert set(await asyncio.gather(*asking[1:])) == {None}
    assert {body.decision for body in asked(of)} == {"Cancelled"}
    assert await permissions.ask("x", "Run", []) is None
