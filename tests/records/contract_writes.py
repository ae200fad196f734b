"""The laws of writes and deletions."""

from __future__ import annotations

import pytest

from crds.base import Key
from crds.secret import Secret
from crds.session import Session, SessionSpec, SessionTemplate
from crds.target import TargetStatus
from records.errors import AlreadyExists, Conflict, Invalid, NotFound
from tests.records.samples import (
    NOON,
    meta,
    running,
    session,
    target,
    with_meta,
    with_spec,
)
from tests.records.watching import ALICE, head, taken


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

    async def test_a_status_is_written_over_the_one_that_its_writer_had_read(self, records):
        made = await records.create(session())
        uid = made.metadata.uid
        first = await records.update_status(Session, ALICE, uid=uid, status=running(), before=made.status)
        with pytest.raises(Conflict, match="read it again"):
            await records.update_status(
                Session, ALICE, uid=uid, status=running(restarts=1), before=made.status
            )
        assert await records.get(Session, ALICE) == first
        await records.update(with_spec(first, title="y"))
        second = await records.update_status(
            Session, ALICE, uid=uid, status=running(restarts=2), before=first.status
        )
        assert second.status == running(restarts=2), "a spec that moved is no reason"

    async def test_a_status_is_written_at_the_generation_that_its_writer_had_read(self, records):
        made = await records.create(session())
        uid, generation = made.metadata.uid, made.metadata.generation
        await records.update(with_spec(made, title="y"))
        with pytest.raises(Conflict, match="read it again"):
            await records.update_status(Session, ALICE, uid=uid, status=running(), generation=generation)
        written = await records.update_status(
            Session, ALICE, uid=uid, status=running(), generation=generation + 1
        )
        assert written.status == running()

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

    async def test_a_deletion_that_waits_is_taken_back(self, records):
        made = await records.create(with_meta(session(), finalizers=("berth.dev/session",)))
        uid = made.metadata.uid
        since = await head(records)
        assert await records.undelete(Session, ALICE, uid=uid) == made, "nobody deletes it"
        assert await head(records) == since
        marked = await records.delete(Session, ALICE)
        back = await records.undelete(Session, ALICE, uid=uid)
        assert back.metadata.deletion_timestamp is None
        assert back.metadata.generation == marked.metadata.generation + 1
        assert back.metadata.finalizers == marked.metadata.finalizers
        assert (back.spec, back.status) == (made.spec, made.status)
        assert await records.get(Session, ALICE) == back
        assert (await taken(records, [Session], since=since, count=2))[-1].resource == back
        await records.remove_finalizer(Session, ALICE, uid=uid, finalizer="berth.dev/session")
        assert (await records.get(Session, ALICE)).metadata.uid == uid, "it lives"

    async def test_a_deletion_is_taken_back_over_the_status_that_was_read(self, records):
        made = await records.create(with_meta(session(), finalizers=("berth.dev/session",)))
        uid = made.metadata.uid
        marked = await records.delete(Session, ALICE)
        await records.update_status(Session, ALICE, uid=uid, status=running())
        with pytest.raises(Conflict, match="read it again"):
            await records.undelete(Session, ALICE, uid=uid, before=marked.status)
        assert (await records.get(Session, ALICE)).metadata.deletion_timestamp is not None
        await records.undelete(Session, ALICE, uid=uid, before=running())
        with pytest.raises(Conflict):
            await records.update_status(
                Session, ALICE, uid=uid, status=running(restarts=1), generation=marked.metadata.generation
            )

    async def test_only_the_record_that_was_read_is_taken_back(self, records):
        await records.create(with_meta(session(), finalizers=("berth.dev/session",)))
        await records.delete(Session, ALICE)
        with pytest.raises(Conflict):
            await records.undelete(Session, ALICE, uid="another")
        with pytest.raises(NotFound):
            await records.undelete(Session, Key("alice", "nobody"), uid="another")

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
