"""The laws of ``records/port.py`` as tests, for any adapter.

A subclass gives the fixtures: ``records``, an empty store whose time is ``clock``; and
``another``, a second adapter on the same place, as another program would open it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import pytest

from crds.base import Key, Resource
from crds.event import Event, ObjectReference
from crds.secret import Secret
from crds.session import Session, SessionSpec, SessionTemplate
from crds.target import Target, TargetStatus
from records.errors import AlreadyExists, Conflict, Expired, Invalid, NotFound
from records.port import Change, Claim, Records, Selector
from tests.records.conftest import Clock
from tests.records.samples import (
    NOON,
    event,
    labelled,
    meta,
    running,
    secret,
    session,
    target,
    with_meta,
    with_spec,
)

ALICE = Key("alice", "fix-login")


async def taken(records: Records, kinds: Sequence[type[Resource]], *, since: int, count: int) -> list[Change]:
    """The next changes."""
    found: list[Change] = []
    async with asyncio.timeout(20), aclosing(_generator(records.watch(kinds, since=since))) as watch:
        async for change in watch:
            found.append(change)
            if len(found) == count:
                break
    return found


async def _generator(changes: AsyncIterator[Change]) -> AsyncIterator[Change]:
    async for change in changes:
        yield change


async def head(records: Records) -> int:
    """The newest revision."""
    return (await records.list(Session)).revision


class WritesContract:
    async def test_a_new_record_gets_its_identity_from_the_store(self, records, clock):
        sent = with_meta(session(title="x"), uid="mine", generation=7, creation_timestamp=NOON)
        sent = sent.model_copy(update={"status": running()})
        clock.advance(hours=1)
        made = await records.create(sent)
        assert made.metadata.uid not in {"", "mine"}
        assert made.metadata.generation == 1
        assert made.metadata.creation_timestamp == clock.now
        assert made.metadata.deletion_timestamp is None
        assert made.status == Session(metadata=meta("any")).status
        assert int(made.metadata.resource_version) == await head(records)
        assert await records.get(Session, ALICE) == made

    async def test_what_was_left_open_stays_open(self, records):
        await records.create(session(title=None, resources={"cpu": "500m"}))
        read = await records.get(Session, ALICE)
        assert read.spec.model_fields_set == {"title", "resources"}
        assert read.spec.resources.model_fields_set == {"cpu"}

    async def test_names_are_taken_once_per_kind_and_namespace(self, records):
        await records.create(session())
        with pytest.raises(AlreadyExists, match="Session alice/fix-login exists already"):
            await records.create(session())
        await records.create(session(namespace="bob"))
        await records.create(SessionTemplate(metadata=meta("fix-login")))

    async def test_a_name_is_free_again_only_when_its_record_is_gone(self, records):
        first = await records.create(with_meta(session(), finalizers=("berth.dev/container",)))
        await records.delete(Session, ALICE)
        with pytest.raises(AlreadyExists, match="is being deleted"):
            await records.create(session())
        await records.remove_finalizer(
            Session, ALICE, uid=first.metadata.uid, finalizer="berth.dev/container"
        )
        second = await records.create(session())
        assert second.metadata.uid != first.metadata.uid
        assert second.metadata.generation == 1

    async def test_a_new_record_has_no_version(self, records):
        with pytest.raises(Invalid, match=r"metadata\.resourceVersion"):
            await records.create(with_meta(session(), resource_version="1"))

    async def test_a_namespace_is_where_it_belongs(self, records):
        with pytest.raises(Invalid, match=r"metadata\.namespace: is required"):
            await records.create(session(namespace=""))
        with pytest.raises(Invalid, match=r"metadata\.namespace: must be left out"):
            await records.create(with_meta(target(), namespace="alice"))
        assert (await records.create(target())).key == Key("", "default")

    async def test_what_is_not_there_is_not_found(self, records):
        with pytest.raises(NotFound, match="there is no Session alice/fix-login"):
            await records.get(Session, ALICE)
        with pytest.raises(NotFound):
            await records.update(session())
        with pytest.raises(NotFound):
            await records.update_status(Session, ALICE, uid="u", status=running())
        with pytest.raises(NotFound):
            await records.delete(Session, ALICE)
        with pytest.raises(NotFound):
            await records.add_finalizer(Session, ALICE, uid="u", finalizer="f/x")
        await records.remove_finalizer(Session, ALICE, uid="u", finalizer="f/x")

    async def test_generation_moves_with_the_spec(self, records):
        made = await records.create(session())
        changed = await records.update(with_spec(made, title="y"))
        assert changed.metadata.generation == 2
        assert changed.metadata.uid == made.metadata.uid
        assert changed.metadata.creation_timestamp == made.metadata.creation_timestamp
        assert changed.spec.title == "y"
        assert await records.get(Session, ALICE) == changed

    @pytest.mark.parametrize(
        "fields",
        [{"labels": {"a": "b"}}, {"annotations": {"a": "b"}}, {"finalizers": ("f/x",)}],
        ids=["labels", "annotations", "finalizers"],
    )
    async def test_generation_does_not_move_with_metadata(self, records, fields):
        made = await records.create(session())
        changed = await records.update(with_meta(made, **fields))
        assert changed.metadata.generation == 1
        assert int(changed.metadata.resource_version) > int(made.metadata.resource_version)
        assert {name: getattr(changed.metadata, name) for name in fields} == fields

    async def test_a_write_that_changes_nothing_changes_nothing(self, records):
        made = await records.create(with_meta(session(title="x"), finalizers=("f/x",)))
        made = await records.update_status(Session, ALICE, uid=made.metadata.uid, status=running())
        before = await head(records)
        uid = made.metadata.uid
        assert await records.update(made) == made
        assert await records.update_status(Session, ALICE, uid=uid, status=running()) == made
        assert await records.add_finalizer(Session, ALICE, uid=uid, finalizer="f/x") == made
        await records.remove_finalizer(Session, ALICE, uid=uid, finalizer="f/other")
        assert await head(records) == before
        last = await records.update(with_spec(made, title="y"))
        (change,) = await taken(records, [Session], since=before, count=1)
        assert change.resource == last

    async def test_a_stale_write_is_a_conflict(self, records):
        made = await records.create(session())
        newer = await records.update(with_spec(made, title="y"))
        with pytest.raises(Conflict, match="read it again"):
            await records.update(with_spec(made, title="z"))
        assert await records.get(Session, ALICE) == newer

    async def test_a_write_to_another_record_of_that_name_is_a_conflict(self, records):
        made = await records.create(session())
        for_another = with_meta(with_spec(made, title="z"), uid="other", resource_version="")
        with pytest.raises(Conflict, match="another record"):
            await records.update(for_another)
        with pytest.raises(Conflict):
            await records.update_status(Session, ALICE, uid="other", status=running())
        with pytest.raises(Conflict):
            await records.delete(Session, ALICE, uid="other")
        with pytest.raises(Conflict):
            await records.add_finalizer(Session, ALICE, uid="other", finalizer="f/x")
        await records.remove_finalizer(Session, ALICE, uid="other", finalizer="f/x")
        assert await records.get(Session, ALICE) == made

    async def test_without_a_version_the_write_is_regardless(self, records):
        await records.create(session())
        await records.update(session(title="y"))
        assert (await records.update(session(title="z"))).metadata.generation == 3

    async def test_status_and_spec_do_not_touch_each_other(self, records):
        made = await records.create(session(title="x"))
        shown = await records.update_status(
            Session, ALICE, uid=made.metadata.uid, status=running(url="https://u")
        )
        assert shown.metadata.generation == 1
        assert shown.spec == made.spec
        # From the first view, which is stale by now: a status is written by one only.
        again = await records.update_status(Session, ALICE, uid=made.metadata.uid, status=running(restarts=1))
        declared = again.model_copy(update={"status": running(restarts=9)})
        changed = await records.update(with_spec(declared, title="y"))
        assert changed.status == running(restarts=1)
        assert changed.spec.title == "y"

    async def test_a_status_is_of_its_kind(self, records):
        made = await records.create(session())
        with pytest.raises(Invalid, match="Session has no status of type TargetStatus"):
            await records.update_status(Session, ALICE, uid=made.metadata.uid, status=TargetStatus())
        with pytest.raises(Invalid):
            await records.update_status(Secret, ALICE, uid=made.metadata.uid, status=running())

    async def test_what_no_database_holds_is_refused_by_its_field(self, records):
        with pytest.raises(Invalid, match=r"spec\.title: may not hold the character NUL"):
            await records.create(
                session().model_copy(update={"spec": SessionSpec.model_construct(title="a\0b")})
            )
        huge = SessionSpec.model_construct(_fields_set={"title"}, title="x" * 2_000_000)
        with pytest.raises(Invalid, match="the most a record may hold"):
            await records.create(session().model_copy(update={"spec": huge}))
        assert (await records.list(Session)).items == ()


class DeletionContract:
    async def test_without_finalizers_a_record_goes_at_once(self, records):
        made = await records.create(session(title="x"))
        gone = await records.delete(Session, ALICE, uid=made.metadata.uid)
        assert gone.spec.title == "x"
        assert int(gone.metadata.resource_version) == await head(records)
        with pytest.raises(NotFound):
            await records.get(Session, ALICE)

    async def test_with_finalizers_it_is_marked_once(self, records, clock):
        await records.create(with_meta(session(), finalizers=("f/x",)))
        clock.advance(minutes=1)
        marked = await records.delete(Session, ALICE)
        assert marked.metadata.deletion_timestamp == clock.now
        assert marked.metadata.generation == 2
        clock.advance(minutes=1)
        assert await records.delete(Session, ALICE) == marked
        assert await records.get(Session, ALICE) == marked

    async def test_the_last_finalizer_ends_it(self, records):
        made = await records.create(with_meta(session(), finalizers=("f/x", "f/y")))
        uid = made.metadata.uid
        await records.remove_finalizer(Session, ALICE, uid=uid, finalizer="f/y")
        marked = await records.delete(Session, ALICE)
        await records.remove_finalizer(Session, ALICE, uid=uid, finalizer="f/x")
        with pytest.raises(NotFound):
            await records.get(Session, ALICE)
        (*_, last) = await taken(records, [Session], since=0, count=4)
        assert last.type == "DELETED"
        assert last.resource == with_meta(marked, resource_version=str(last.revision))

    async def test_an_update_can_end_it_too(self, records):
        await records.create(with_meta(session(), finalizers=("f/x",)))
        marked = await records.delete(Session, ALICE)
        await records.update(with_meta(marked, finalizers=()))
        with pytest.raises(NotFound):
            await records.get(Session, ALICE)

    async def test_removing_finalizers_of_a_living_record_does_not_end_it(self, records):
        made = await records.create(with_meta(session(), finalizers=("f/x",)))
        await records.remove_finalizer(Session, ALICE, uid=made.metadata.uid, finalizer="f/x")
        assert (await records.get(Session, ALICE)).metadata.finalizers == ()

    async def test_a_record_being_deleted_takes_no_finalizer_but_a_spec(self, records):
        made = await records.create(with_meta(session(), finalizers=("f/x",)))
        uid = made.metadata.uid
        marked = await records.delete(Session, ALICE)
        for finalizer in ("f/x", "f/y"):
            with pytest.raises(Conflict, match="is being deleted"):
                await records.add_finalizer(Session, ALICE, uid=uid, finalizer=finalizer)
        with pytest.raises(Invalid, match=r"metadata\.finalizers"):
            await records.update(with_meta(marked, finalizers=("f/x", "f/y")))
        assert (await records.update(with_spec(marked, title="y"))).metadata.generation == 3

    async def test_a_finalizer_is_added_regardless_of_the_version(self, records):
        made = await records.create(session())
        await records.update(with_spec(made, title="y"))
        held = await records.add_finalizer(Session, ALICE, uid=made.metadata.uid, finalizer="f/x")
        assert held.metadata.finalizers == ("f/x",)
        assert held.metadata.generation == 2


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
        async with aclosing(_generator(records.watch([Session], since=0))) as slow:
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
        await asyncio.sleep(0.02)
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


class SecretsContract:
    async def test_text_becomes_data_and_is_read_everywhere(self, records):
        sent = Secret(metadata=meta("tokens"), data={"a": "b25l", "b": "b25l"}, string_data={"b": "two"})
        made = await records.create(sent)
        assert made.data == {"a": "b25l", "b": "dHdv"}
        assert made.string_data == {}
        assert await records.get(Secret, made.key) == made
        assert (await records.list(Secret)).items == (made,)
        assert (await taken(records, [Secret], since=0, count=1))[0].resource == made

    async def test_data_counts_as_spec(self, records):
        made = await records.create(secret(a="one"))
        before = await head(records)
        assert await records.update(secret(a="one")) == made
        assert await head(records) == before
        changed = await records.update(secret(a="two"))
        assert changed.metadata.generation == 2
        assert (await records.update(secret())).data == {}

    async def test_metadata_leaves_data_alone(self, records):
        made = await records.create(secret(a="one"))
        labelled = await records.update(with_meta(made, labels={"x": "y"}))
        assert labelled.data == made.data
        assert labelled.metadata.generation == 1
        held = await records.add_finalizer(Secret, made.key, uid=made.metadata.uid, finalizer="f/x")
        assert held.data == made.data

    async def test_what_is_deleted_is_not_shown_again(self, records):
        await records.create(secret(a="one"))
        gone = await records.delete(Secret, Key("alice", "tokens"))
        assert gone.data == {}
        changes = await taken(records, [Secret], since=0, count=2)
        assert [c.resource.data for c in changes] == [{}, {}]
        assert (await records.create(secret(b="two"))).data == {"b": "dHdv"}

    async def test_what_is_immutable_stays(self, records):
        made = await records.create(secret(a="one").model_copy(update={"immutable": True}))
        for attempt in (
            secret(a="two"),
            secret(a="one"),
            made.model_copy(update={"type": "berth.dev/api-key"}),
        ):
            with pytest.raises(Invalid, match="is immutable"):
                await records.update(attempt)
        assert (await records.update(with_meta(made, labels={"x": "y"}))).data == made.data
        await records.delete(Secret, made.key)

    async def test_text_that_is_no_base64_is_refused_unseen(self, records):
        bad = secret().model_copy(update={"data": {"a": "canary!"}})
        with pytest.raises(Invalid, match=r"data\[a\]: is not base64") as caught:
            await records.create(bad)
        assert "canary" not in str(caught.value)


class EventsContract:
    async def test_equal_ones_are_counted_for_ten_minutes(self, records, clock):
        for minutes in (0, 9, 18):
            await records.record_event(event(at=NOON.replace(minute=minutes)))
        await records.record_event(event(at=NOON.replace(minute=29)))
        first, second = await records.list_events()
        assert (first.count, first.first_timestamp, first.last_timestamp) == (
            3,
            NOON,
            NOON.replace(minute=18),
        )
        assert (second.count, second.first_timestamp) == (1, NOON.replace(minute=29))

    async def test_others_are_not(self, records):
        await records.record_event(event())
        await records.record_event(event(reason="Started"))
        await records.record_event(event(message="another"))
        await records.record_event(event("other"))
        await records.record_event(event(type="Warning"))
        assert [e.count for e in await records.list_events()] == [1] * 5

    async def test_they_come_oldest_first_and_by_what_they_are_about(self, records):
        for reason in ("A", "B", "C"):
            await records.record_event(event(reason=reason))
        await records.record_event(event("other", reason="D"))
        assert [e.reason for e in await records.list_events()] == ["A", "B", "C", "D"]
        assert [e.reason for e in await records.list_events(limit=2)] == ["C", "D"]
        assert await records.list_events(namespace="bob") == ()
        about = ObjectReference(kind="Session", namespace="alice", name="fix-login")
        assert [e.reason for e in await records.list_events(about=about)] == ["A", "B", "C"]
        gone = about.model_copy(update={"uid": "u-0"})
        assert await records.list_events(about=gone) == ()

    async def test_a_watch_shows_them(self, records):
        await records.record_event(event())
        await records.create(session())
        await records.record_event(event())
        changes = await taken(records, [Event], since=0, count=2)
        assert [(c.type, c.revision) for c in changes] == [("ADDED", 1), ("MODIFIED", 3)]
        (stored,) = await records.list_events()
        assert changes[1].resource == stored
        assert await records.get(Event, stored.key) == stored
        assert stored.metadata.uid

    async def test_they_are_about_cluster_scoped_records_too(self, records):
        about = ObjectReference(kind="Target", name="default")
        await records.record_event(
            event().model_copy(update={"involved_object": about, "metadata": meta("any", "")})
        )
        (stored,) = await records.list_events(about=about)
        assert stored.metadata.namespace == ""

    async def test_they_are_not_written_by_other_ways(self, records):
        with pytest.raises(Invalid, match="record_event"):
            await records.create(event())


class LedgerContract:
    async def test_a_claim_stays_as_it_was_made(self, records, another):
        first = Claim("fix-login-abc", ALICE, "u-1", "default", NOON)
        await records.claim(first)
        await another.claim(Claim("fix-login-abc", ALICE, "u-1", "other", NOON))
        second = Claim("x-abc", Key("bob", "x"), "u-2", "default", NOON)
        await records.claim(second)
        assert await another.claims() == {"fix-login-abc": first, "x-abc": second}

    async def test_what_was_drawn_stays(self, records, another):
        drawn = await records.settings()
        assert await another.settings() == drawn
        assert len(drawn.instance) == 8
        assert drawn.instance.isalnum()
        assert drawn.instance.islower()
        assert drawn.instance[0].isalpha()
        assert len(drawn.digest_key) == 32
        assert "digest_key" not in repr(drawn)

    async def test_one_leads(self, records, another, clock):
        assert await records.acquire_lease("controller", holder="a", seconds=15)
        assert not await another.acquire_lease("controller", holder="b", seconds=15)
        clock.advance(seconds=10)
        assert await records.acquire_lease("controller", holder="a", seconds=15)
        clock.advance(seconds=14)
        assert not await another.acquire_lease("controller", holder="b", seconds=15)
        assert await another.acquire_lease("other", holder="b", seconds=15)
        clock.advance(seconds=1)
        assert await another.acquire_lease("controller", holder="b", seconds=15)
        assert not await records.acquire_lease("controller", holder="a", seconds=15)

    async def test_a_lease_is_given_back_by_its_holder(self, records):
        await records.acquire_lease("controller", holder="a", seconds=15)
        await records.release_lease("controller", holder="b")
        assert not await records.acquire_lease("controller", holder="b", seconds=15)
        await records.release_lease("controller", holder="a")
        assert await records.acquire_lease("controller", holder="b", seconds=15)

    async def test_of_many_that_ask_one_leads(self, records, another):
        asked = [
            store.acquire_lease("controller", holder=f"{number}", seconds=15)
            for number, store in enumerate([records, another] * 5)
        ]
        assert sum(await asyncio.gather(*asked)) == 1


class RecordsContract(
    WritesContract,
    DeletionContract,
    ListingContract,
    WatchContract,
    ConcurrencyContract,
    SecretsContract,
    EventsContract,
    LedgerContract,
):
    """All of it."""

    clock: Clock
