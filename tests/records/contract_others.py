"""The laws of secrets, events, claims and leases."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from crds.base import Key
from crds.event import Event, ObjectReference
from crds.secret import Secret
from records.errors import Invalid
from records.port import Claim
from tests.records.samples import (
    NOON,
    event,
    meta,
    secret,
    session,
    with_meta,
)
from tests.records.watching import ALICE, head, taken


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

    async def test_a_time_without_a_zone_is_in_utc(self, records):
        for _ in range(2):
            await records.record_event(event(at=NOON.replace(tzinfo=None)))
        (stored,) = await records.list_events()
        assert stored.count == 2

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

    async def test_a_claim_remembers_that_its_volumes_are_kept(self, records, another):
        made = Claim("fix-login-abc", ALICE, "u-1", "default", NOON)
        await records.claim(made)
        await records.retain("fix-login-abc")
        await records.retain("fix-login-abc")
        await records.retain("never-claimed")
        await records.claim(made)
        assert await another.claims() == {"fix-login-abc": replace(made, retained=True)}

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
