"""The feed: compaction, expiry, and a connection that is lost."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import timedelta

import pytest
from sqlalchemy import text

from crds.base import Key
from crds.event import Event
from crds.session import Session
from records.errors import Expired, Unavailable
from records.sql import EventCap, Retention
from records.sql.feed import _for_ever
from records.sql.selecting import Cursor
from records.sql.transaction import _COMPACT_EVERY
from tests.records.conftest import new_postgres
from tests.records.samples import event, session, with_spec
from tests.records.watching import head, taken

FEW = Retention(changes=3)


async def test_a_start_before_what_is_kept_has_expired(opener):
    records = await opener(retention=FEW)
    for number in range(6):
        await records.create(session(f"s{number}"))
    await records.compact()
    with pytest.raises(Expired, match="list again"):
        await taken(records, [Session], since=2, count=1)
    changes = await taken(records, [Session], since=3, count=3)
    assert [c.revision for c in changes] == [4, 5, 6]


async def test_what_is_old_goes_too(opener, clock):
    records = await opener(retention=Retention(age=timedelta(hours=1)))
    await records.create(session("old"))
    clock.advance(minutes=61)
    await records.create(session("new"))
    await records.compact()
    with pytest.raises(Expired):
        await taken(records, [Session], since=0, count=1)
    assert (await taken(records, [Session], since=1, count=1))[0].revision == 2


async def test_a_watcher_that_falls_behind_expires_in_the_feed(opener, monkeypatch):
    monkeypatch.setattr("records.sql.feed._RECENT", 2)
    records = await opener(retention=FEW)
    await records.create(session("first"))
    async with aclosing(records.watch([Session], since=0)) as slow:
        assert (await anext(slow)).revision == 1
        for number in range(6):
            await records.create(session(f"s{number}"))
        await records.compact()
        while records._feed._head < 7:
            await asyncio.sleep(0.001)
        with pytest.raises(Expired):
            await anext(slow)


async def test_a_feed_shortens_itself(opener, url):
    records = await opener(retention=Retention(changes=10))
    made = await records.create(session())
    for number in range(_COMPACT_EVERY):
        made = await records.update(with_spec(made, title=f"t{number}"))
    async with records._database.reading() as connection:
        kept = (await connection.execute(text("SELECT count(*) FROM change"))).scalar_one()
    assert kept <= 12


async def test_what_is_deleted_leaves_the_feed(opener):
    records = await opener(retention=Retention(changes=2))
    for name in "abcd":
        await records.create(session(name))
        await records.delete(Session, Key("alice", name))
    await records.compact()
    async with records._database.reading() as connection:
        kept = (await connection.execute(text("SELECT count(*) FROM change"))).scalar_one()
    assert kept == 2


async def test_own_writes_are_seen_without_waiting_for_the_poll(opener):
    records = await opener(poll_seconds=3600)
    waiting = asyncio.create_task(taken(records, [Session], since=0, count=2))
    await asyncio.sleep(0.05)
    await records.create(session("a"))
    await records.create(session("b"))
    assert len(await waiting) == 2


async def test_a_listing_goes_on_after_compaction(opener):
    records = await opener(retention=FEW)
    for name in "abcdef":
        await records.create(session(name))
    before = (await records.list(Session)).items
    first = await records.list(Session, limit=2)
    await records.update(with_spec(session("e"), title="new"))
    await records.delete(Session, Key("alice", "c"))
    await records.record_event(event())
    await records.compact()
    rest = await records.list(Session, after=first.next)
    assert first.items + rest.items == before
    await records.record_event(event(reason="Other"))
    await records.compact()
    with pytest.raises(Expired, match="list from the beginning"):
        await records.list(Session, after=first.next)


async def test_a_token_from_another_store_has_expired(opener):
    records = await opener()
    with pytest.raises(Expired):
        await records.list(Session, after=Cursor(99, Key("alice", "a")).token())


async def test_the_cap_lets_the_oldest_events_go(opener):
    records = await opener(event_cap=EventCap(total=5, per_record=3))
    for reason in "ABCDE":
        await records.record_event(event(reason=reason))
    assert [e.reason for e in await records.list_events()] == ["C", "D", "E"]
    await records.record_event(event(reason="C"))
    await records.record_event(event(reason="F"))
    assert [e.reason for e in await records.list_events()] == ["E", "C", "F"]
    for reason in "GHI":
        await records.record_event(event("other", reason=reason))
    assert [e.reason for e in await records.list_events()] == ["C", "F", "G", "H", "I"]
    changes = await taken(records, [Event], since=0, count=10)
    assert [c.type for c in changes].count("DELETED") == 0


async def test_a_database_put_back_expires_those_who_know_more(opener):
    records = await opener()
    for number in range(4):
        await records.create(session(f"s{number}"))
    waiting = asyncio.create_task(taken(records, [Session], since=4, count=1))
    await asyncio.sleep(0.05)
    async with records._database.writing() as connection:
        await connection.execute(text("UPDATE counter SET revision = 2"))
        await connection.execute(text("DELETE FROM change WHERE revision > 2"))
    records._feed.wake()
    with pytest.raises(Expired):
        await waiting


async def test_postgres_is_heard_again_after_a_lost_connection(postgres, open_store):
    url = await new_postgres(postgres)
    records, another = await open_store(url), await open_store(url)
    waiting = asyncio.create_task(taken(records, [Session], since=await head(records), count=2))
    await asyncio.sleep(0.05)
    await another.create(session("a"))
    async with another._database.writing() as connection:
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        await connection.execute(
            text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
        )
    await another.create(session("b"))
    assert [c.resource.metadata.name for c in await waiting] == ["a", "b"]
    assert len((await records.list(Session)).items) == 2


@pytest.mark.looptime
async def test_what_reads_the_feed_is_started_again_whatever_it_ends_for():
    ends = [RuntimeError("a bug"), Unavailable("the database does not answer"), ValueError("another")]
    begun = []

    async def work() -> None:
        begun.append(asyncio.get_running_loop().time())
        if ends:
            raise ends.pop()
        await asyncio.Event().wait()

    task = asyncio.create_task(_for_ever(work))
    await asyncio.sleep(60)
    assert len(begun) == 4
    assert not task.done()
    task.cancel()


async def test_a_store_that_is_closed_says_so(opener):
    records = await opener()
    await records.aclose()
    await records.aclose()
    with pytest.raises(Unavailable, match="was closed"):
        await records.list(Session)
    with pytest.raises(Unavailable, match="was closed"):
        await records.create(session())
