"""The laws of listings, watches and writers at once."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from crds.base import Key
from crds.session import Session
from crds.target import Target
from records.errors import Conflict, Expired, Invalid
from records.port import Records, Selector
from tests.records.samples import (
    labelled,
    running,
    session,
    target,
    with_spec,
)
from tests.records.watching import ALICE, head, taken


class ListingContract:
    async def test_records_come_by_namespace_and_name(self, records):
        for namespace, name in [
            ("bob", "a"),
            ("alice", "z"),
            ("alice", "a-b"),
            ("alice", "a"),
            ("alice", "a1"),
        ]:
            await records.create(session(name, namespace))
        await records.create(target())
        everyone = await records.list(Session)
        assert [str(s.key) for s in everyone.items] == [
            "alice/a",
            "alice/a-b",
            "alice/a1",
            "alice/z",
            "bob/a",
        ]
        assert everyone.revision == 6
        assert everyone.next is None
        assert [s.metadata.name for s in (await records.list(Session, namespace="bob")).items] == ["a"]
        assert (await records.list(Session, namespace="nobody")).items == ()
        assert [t.metadata.name for t in (await records.list(Target)).items] == ["default"]

    @pytest.mark.parametrize(
        ("requirement", "names"),
        [
            (("tier", "In", ("web", "db")), "abd"),
            (("tier", "NotIn", ("web",)), "bc"),
            (("tier", "Exists", ()), "abd"),
            (("tier", "DoesNotExist", ()), "c"),
            (("example.com/tier.x", "In", ("1",)), "c"),
        ],
    )
    async def test_labels_select(self, records, requirement, names):
        await records.create(labelled("a", tier="web"))
        await records.create(labelled("b", tier="db"))
        await records.create(labelled("c", **{"example.com/tier.x": "1"}))
        await records.create(labelled("d", tier="web", more="x"))
        page = await records.list(Session, selector=Selector((requirement,)))
        assert "".join(s.metadata.name for s in page.items) == names

    async def test_all_requirements_must_hold(self, records):
        await records.create(labelled("a", tier="web"))
        await records.create(labelled("b", tier="web", more="x"))
        both = Selector((("tier", "In", ("web",)), ("more", "Exists", ())))
        page = await records.list(Session, selector=both, limit=1)
        assert [s.metadata.name for s in page.items] == ["b"]
        assert page.next is None

    async def test_a_label_that_is_none_is_refused(self, records):
        with pytest.raises(Invalid, match="labelSelector"):
            await records.list(Session, selector=Selector((('a"b', "Exists", ()),)))

    async def test_all_pages_show_one_revision(self, records):
        for name in "abcdef":
            await records.create(labelled(name, tier="web"))
        expected = (await records.list(Session)).items
        first = await records.list(Session, limit=2)
        assert first.remaining == 4
        await records.create(labelled("bb", tier="web"))
        await records.create(labelled("g", tier="web"))
        await records.update(with_spec(session("c"), title="new"))
        await records.delete(Session, Key("alice", "d"))
        second = await records.list(Session, limit=2, after=first.next)
        await records.delete(Session, Key("alice", "f"))
        await records.create(labelled("f", tier="db"))
        web = Selector((("tier", "In", ("web",)),))
        third = await records.list(Session, limit=2, after=second.next, selector=web)
        assert first.items + second.items + third.items == expected
        assert first.revision == second.revision == third.revision == 6
        assert (second.remaining, third.remaining, third.next) == (2, 0, None)
        assert len((await records.list(Session)).items) == 7

    async def test_pages_that_end_even_have_no_next(self, records):
        for name in "abcd":
            await records.create(session(name))
        first = await records.list(Session, limit=2)
        second = await records.list(Session, limit=2, after=first.next)
        assert [s.metadata.name for s in second.items] == ["c", "d"]
        assert second.next is None

    @pytest.mark.parametrize("token", ["", "x", "null", "WzEsMl0", "é"])
    async def test_a_token_that_is_none_is_refused(self, records, token):
        with pytest.raises(Invalid, match="continue"):
            await records.list(Session, limit=1, after=token)

    async def test_a_page_holds_something(self, records):
        with pytest.raises(Invalid, match="limit"):
            await records.list(Session, limit=0)


class WatchContract:
    async def test_every_change_comes_once_in_order(self, records):
        made = await records.create(session())
        uid = made.metadata.uid
        await records.create(target())
        second = await records.update_status(Session, ALICE, uid=uid, status=running())
        third = await records.update(with_spec(second, title="y"))
        gone = await records.delete(Session, ALICE)
        changes = await taken(records, [Session], since=0, count=4)
        assert [c.type for c in changes] == ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]
        assert [c.resource for c in changes] == [made, second, third, gone]
        assert [str(c.revision) for c in changes] == [c.resource.metadata.resource_version for c in changes]
        later = await taken(records, [Session, Target], since=1, count=4)
        assert [c.resource.kind for c in later] == ["Target", "Session", "Session", "Session"]

    async def test_the_store_comes_back_as_it_was_left(self, records, another):
        made = await records.create(session())
        await records.aclose()
        assert await another.get(Session, ALICE) == made

    async def test_what_another_program_writes_comes_too(self, records, another):
        waiting = asyncio.create_task(taken(records, [Session], since=await head(records), count=2))
        await asyncio.sleep(0.05)
        made = await another.create(session())
        gone = await another.delete(Session, ALICE)
        assert [c.resource for c in await waiting] == [made, gone]

    async def test_a_start_in_the_future_has_expired(self, records):
        await records.create(session())
        with pytest.raises(Expired, match="list again"):
            await taken(records, [Session], since=2, count=1)

    async def test_closing_ends_every_watch(self, records):
        waiting = asyncio.create_task(taken(records, [Session], since=0, count=1))
        await asyncio.sleep(0.05)
        await records.aclose()
        with pytest.raises(Exception, match="the store was closed"):
            await waiting

    async def test_a_slow_watcher_misses_nothing(self, records):
        async with aclosing(records.watch([Session], since=0)) as slow:
            await records.create(session())
            assert (await anext(slow)).revision == 1
            for number in range(300):
                await records.update(session(title=f"t{number}"))
            seen = [(await anext(slow)).resource.spec.title for _ in range(300)]
        assert seen == [f"t{number}" for number in range(300)]

    async def test_a_list_and_a_watch_join_without_a_gap(self, records, another):
        async def write() -> None:
            for number in range(40):
                await another.create(session(f"s{number}"))

        writing = asyncio.create_task(write())
        page = await records.list(Session)
        while not page.items:
            page = await records.list(Session)
        known = {s.metadata.name for s in page.items}
        rest = await taken(records, [Session], since=page.revision, count=40 - len(known))
        await writing
        names = [c.resource.metadata.name for c in rest]
        assert len(set(names)) == len(names)
        assert known | set(names) == {f"s{number}" for number in range(40)}
        assert not known & set(names)


class ConcurrencyContract:
    async def test_fifty_writers_and_two_programs_lose_nothing(self, records, another):
        watchers = [asyncio.create_task(taken(r, [Session], since=0, count=100)) for r in (records, another)]

        async def write(number: int) -> None:
            mine = records if number % 2 else another
            made = await mine.create(session(f"s{number}"))
            await mine.update_status(Session, made.key, uid=made.metadata.uid, status=running())

        await asyncio.gather(*(write(number) for number in range(50)))
        for changes in await asyncio.gather(*watchers):
            assert [c.revision for c in changes] == list(range(1, 101))
            assert sum(c.type == "ADDED" for c in changes) == 50
        assert await head(records) == 100

    async def test_of_writers_from_one_view_one_wins(self, records, another):
        made = await records.create(session())
        tries = [
            store.update(with_spec(made, title=f"t{number}"))
            for number in range(10)
            for store in (records, another)
        ]
        results = await asyncio.gather(*tries, return_exceptions=True)
        won = [result for result in results if isinstance(result, Session)]
        assert len(won) == 1
        assert sum(isinstance(result, Conflict) for result in results) == 19
        assert await records.get(Session, ALICE) == won[0]

    async def test_no_update_is_lost(self, records, another):
        await records.create(session(title="0"))

        async def add_one(store: Records) -> None:
            while True:
                read = await store.get(Session, ALICE)
                try:
                    await store.update(with_spec(read, title=str(int(read.spec.title or 0) + 1)))
                except Conflict:
                    continue
                return

        await asyncio.gather(*(add_one(store) for store in (records, another) for _ in range(8)))
        assert (await records.get(Session, ALICE)).spec.title == "16"

    async def test_a_writer_that_is_cancelled_leaves_a_whole_store(self, records):
        writers = [asyncio.create_task(records.create(session(f"s{n}"))) for n in range(30)]
        for number, writer in enumerate(writers):
            await asyncio.sleep(0)
            if number % 3 == 0:
                writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)
        page = await records.list(Session)
        assert {w.result().metadata.name for w in writers if not w.cancelled()} <= {
            s.metadata.name for s in page.items
        }
        assert page.revision == len(page.items)
        changes = await taken(records, [Session], since=0, count=page.revision)
        assert {c.resource.metadata.name for c in changes} == {s.metadata.name for s in page.items}
