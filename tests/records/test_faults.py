"""A full disk, a locked file, rows from another time: an error in our own words, nothing half-done."""

from __future__ import annotations

import asyncio
import sqlite3
import traceback
from contextlib import closing
from pathlib import Path

import pytest
import structlog.testing
from sqlalchemy import text, update
from sqlmodel import col

from crds.base import Key
from crds.secret import Secret
from crds.session import Session
from records.errors import AlreadyExists, Busy, Invalid, NotFound, RecordsError, Unavailable
from records.sql import patient
from records.sql.tables import ChangeRow, RecordRow
from tests.records.samples import running, secret, session, with_meta, with_spec
from tests.records.watching import head, taken

CANARY = "canary-4711"


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "berth.db"
    path.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{path}"


async def test_a_full_disk_is_said_and_leaves_nothing_half_done(sqlite_url, open_store):
    records = await open_store(sqlite_url)
    kept = await records.create(session("kept"))
    async with records._database.reading() as connection:
        pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
        await connection.execute(text(f"PRAGMA max_page_count = {pages}"))
    before = await head(records)
    failures = []
    for number in range(40):
        try:
            await records.create(with_meta(session(f"s{number}"), annotations={"note": CANARY * 50}))
        except Unavailable as error:
            failures.append(error)
    assert {str(error) for error in failures} == {"the disk is full"}
    assert all(CANARY not in "".join(traceback.format_exception(error)) for error in failures)
    page = await records.list(Session)
    assert len(page.items) == 1 + 40 - len(failures)
    assert page.revision == before + 40 - len(failures)
    async with records._database.reading() as connection:
        await connection.execute(text("PRAGMA max_page_count = 100000"))
    assert len(await taken(records, [Session], since=0, count=page.revision)) == page.revision
    assert (await records.update(with_spec(kept, title="again"))).metadata.generation == 2
    assert (await records.create(session("after"))).metadata.generation == 1


async def test_a_locked_database_is_said_to_be_locked(sqlite_url, open_store, tmp_path):
    records = await open_store(sqlite_url, busy_seconds=0.05)
    with closing(sqlite3.connect(tmp_path / "berth.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked by another program"):
            await records.create(session())
        assert (await records.list(Session)).items == ()
        other.execute("ROLLBACK")
    await records.create(session())


async def test_a_lock_that_passes_is_waited_for(sqlite_url, open_store, tmp_path):
    records = await open_store(sqlite_url, busy_seconds=10)
    with closing(sqlite3.connect(tmp_path / "berth.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(records.create(session()))
        await asyncio.sleep(0.05)
        other.execute("COMMIT")
        assert (await writing).metadata.generation == 1


async def test_a_lock_that_outlasts_one_try_is_waited_for(sqlite_url, open_store, tmp_path, monkeypatch):
    records = await open_store(sqlite_url, busy_seconds=0.2)
    with closing(sqlite3.connect(tmp_path / "berth.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        tries = []

        def released(name, _state):
            tries.append(name)
            other.execute("COMMIT")

        monkeypatch.setattr(patient, "_say", released)
        assert (await records.create(session())).metadata.generation == 1
        assert tries == ["create"], "the first try ended with the lock still held"
    assert [one.metadata.name for one in (await records.list(Session)).items] == ["fix-login"]


class Store:
    """A store whose transactions fail in turn."""

    patience = 15.0

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.begun = 0

    @patient.patient
    async def write(self, value: int) -> int:
        self.begun += 1
        await asyncio.sleep(5)
        if self.errors:
            raise self.errors.pop(0)
        return value


@pytest.mark.looptime
async def test_a_transaction_is_tried_again_whole_until_the_patience_is_used_up():
    busy = Busy("the database is locked by another program")
    store = Store(busy, busy)
    assert await store.write(3) == 3
    assert store.begun == 3
    clock = asyncio.get_running_loop().time
    begun, store = clock(), Store(*[busy] * 100)
    with pytest.raises(Busy):
        await store.write(3)
    assert clock() - begun <= 30, "a client waits no longer"
    assert store.begun >= 4


@pytest.mark.parametrize("error", [Unavailable("the disk is full"), NotFound("there is no such record")])
@pytest.mark.looptime
async def test_a_transaction_that_failed_otherwise_is_not_tried_again(error):
    store = Store(error)
    with pytest.raises(type(error)):
        await store.write(3)
    assert store.begun == 1


async def test_a_table_that_is_gone_shows_no_statement(opener):
    records = await opener()
    async with records._database.writing() as connection:
        await connection.execute(text("ALTER TABLE change RENAME TO elsewhere"))
    with pytest.raises(Unavailable, match="not as Berth made it") as caught:
        await records.create(session(title=CANARY))
    shown = "".join(traceback.format_exception(caught.value))
    assert CANARY not in shown
    assert "INSERT" not in shown
    assert (await records.list(Session)).items == ()


async def test_a_record_that_no_longer_fits_spoils_no_listing(opener):
    records = await opener()
    for name in "abc":
        await records.create(session(name))
    since = await head(records)
    await _make_unfit(records, "b")
    with structlog.testing.capture_logs() as logs:
        page = await records.list(Session)
    assert [s.metadata.name for s in page.items] == ["a", "c"]
    (line,) = logs
    assert (line["log_level"], line["namespace"], line["name"]) == ("error", "alice", "b")
    assert line["fields"] == ["spec.colour"]
    assert CANARY not in str(logs)
    key = Key("alice", "b")
    with pytest.raises(Invalid, match="does not fit this version") as caught:
        await records.get(Session, key)
    assert caught.value.causes[0][0] == "spec.colour"
    assert CANARY not in str(caught.value)
    with pytest.raises(Invalid):
        await records.delete(Session, key)
    assert await head(records) == since
    mended = await records.update(session("b", title="mended"))
    assert await records.get(Session, key) == mended
    await records.delete(Session, key)


async def test_a_change_that_no_longer_fits_spoils_no_watch(opener):
    records = await opener()
    await records.create(session("a"))
    await records.create(session("b"))
    async with records._database.writing() as connection:
        unfit = {"metadata": {"namespace": "alice", "name": "a"}, "colour": CANARY}
        first = update(ChangeRow).where(col(ChangeRow.revision) == 1)
        await connection.execute(first.values(snapshot=unfit))
    with structlog.testing.capture_logs() as logs:
        (change,) = await taken(records, [Session], since=0, count=1)
    assert change.revision == 2
    assert logs[0]["name"] == "a"


async def test_what_a_database_refuses_is_translated(opener):
    records = await opener()
    with pytest.raises(NotFound):
        await records.get(Session, Key("alice", "é" * 300))
    made = await records.create(session())
    row = (
        "INSERT INTO record SELECT kind, namespace, 'other', uid, generation, revision, labels, "
        "annotations, finalizers, body, status, created_at, deleted_at FROM record"
    )
    with pytest.raises(AlreadyExists):
        async with records._database.writing() as connection:
            await connection.execute(text(row))
    assert (await records.list(Session)).items == (made,)


async def test_no_error_shows_a_secret(opener):
    records = await opener()
    await records.create(secret(token=CANARY))
    tries = [
        records.create(secret(token=CANARY)),
        records.update(secret(token=CANARY).model_copy(update={"metadata": session("none").metadata})),
        records.update_status(Secret, Key("alice", "tokens"), uid="x", status=running()),
    ]
    for attempt in tries:
        with pytest.raises(RecordsError) as caught:
            await attempt
        assert CANARY not in "".join(traceback.format_exception(caught.value))


async def _make_unfit(records, name: str) -> None:
    unfit = update(RecordRow).where(col(RecordRow.name) == name).values(body={"spec": {"colour": CANARY}})
    async with records._database.writing() as connection:
        await connection.execute(unfit)
