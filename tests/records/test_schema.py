"""Opening: the schema from nothing, again, by two at once, and from the future."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import make_url, text

from crds.session import Session
from records.__main__ import main
from records.errors import Invalid, TooNew, Unavailable
from records.keys import KeyRing
from records.sql import migrate, open_records
from records.sql.apart import migrate_apart
from records.sql.tables import Table
from records.sql.upgrade import HEAD, REVISIONS, VERSION_TABLE, config
from tests.records.samples import session


def test_the_newest_migration_is_known_by_name():
    scripts = ScriptDirectory.from_config(config())
    assert [script.revision for script in scripts.walk_revisions()] == list(reversed(REVISIONS))
    assert scripts.get_heads() == [HEAD]


async def test_the_migrations_make_the_tables(empty_url, open_store):
    records = await open_store(empty_url)

    def differences(connection):
        def ours(name, kind, _):
            return not (kind == "table" and name == VERSION_TABLE)

        context = MigrationContext.configure(connection, opts={"include_name": ours, "compare_type": True})
        return compare_metadata(context, Table.metadata)

    async with records._database.reading() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_second_start_changes_nothing(empty_url, open_store):
    first = await open_store(empty_url)
    made = await first.create(session())
    drawn = await first.settings()
    await first.aclose()
    second = await open_store(empty_url)
    assert await second.get(Session, made.key) == made
    assert await second.settings() == drawn


async def test_two_that_start_at_once_agree(empty_url, open_store):
    stores = await asyncio.gather(*(open_store(empty_url) for _ in range(4)))
    drawn = [await store.settings() for store in stores]
    assert len({(d.instance, d.digest_key) for d in drawn}) == 1


async def test_a_newer_schema_is_left_alone(url, open_store):
    records = await open_store(url)
    await records.create(session())
    await _execute(records, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    await records.aclose()
    with pytest.raises(TooNew, match=r"has schema 9999.*Start the newer Berth again"):
        await open_store(url)


async def test_a_migration_that_fails_leaves_nothing(empty_url, open_store, monkeypatch):
    monkeypatch.setattr(ScriptDirectory, "run_env", _fail_after(ScriptDirectory.run_env))
    with pytest.raises(RuntimeError, match="power cut"):
        await migrate(empty_url)
    monkeypatch.undo()
    records = await open_store(empty_url)
    assert (await records.list(Session)).items == ()


def test_who_opens_a_new_database_does_not_keep_alembic(tmp_path: Path):
    program = """
import asyncio, sys
from records.keys import KeyRing
from records.sql import open_records

async def run():
    records = await open_records(sys.argv[1], key=KeyRing.drawn())
    await records.settings()
    await records.aclose()

asyncio.run(run())
print("alembic" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, f"sqlite:///{tmp_path / 'berth.db'}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"


async def test_a_migration_apart_says_why_it_failed(tmp_path: Path):
    path = tmp_path / "notes.txt"
    path.write_text("canary " * 1000)
    with pytest.raises(Unavailable, match=r"^the file is not a database of SQLite$"):
        await migrate_apart(f"sqlite:///{path}")


async def test_a_migration_apart_that_breaks_is_said_to_have(tmp_path: Path, monkeypatch, capsys):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho Traceback of a bug >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(Unavailable, match=r"ended with code 1: see the log"):
        await migrate_apart(f"sqlite:///{tmp_path / 'berth.db'}")
    assert capsys.readouterr().err == "Traceback of a bug\n"


def test_a_person_can_migrate_first(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("BERTH_DATABASE_URL", f"sqlite:///{tmp_path / 'berth.db'}")
    monkeypatch.setattr(sys, "argv", ["records", "migrate"])
    assert main() == 0
    assert main() == 0
    assert capsys.readouterr().out == "the schema is the newest\n" * 2
    with closing(sqlite3.connect(tmp_path / "berth.db")) as connection:
        assert connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchall() == [(HEAD,)]


def _fail_after(real):
    def run(self):
        real(self)
        raise RuntimeError("power cut")

    return run


async def test_the_file_is_for_its_owner_alone(tmp_path: Path, open_store):
    path = tmp_path / "home" / "berth.db"
    old = os.umask(0o022)
    try:
        records = await open_store(f"sqlite:///{path}")
        await records.create(session())
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}
    finally:
        os.umask(old)
    assert modes == {"berth.db": 0o600, "berth.db-wal": 0o600, "berth.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_a_file_open_to_others_is_closed_to_them(tmp_path: Path, open_store):
    (tmp_path / "berth.db").touch(0o644)
    await open_store(f"sqlite:///{tmp_path / 'berth.db'}")
    assert stat.S_IMODE((tmp_path / "berth.db").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://u:canary@h/d",
        "canary",
        "postgresql+psycopg2://u:canary@h/d",
    ],
)
async def test_a_url_that_is_none_of_ours_is_refused_unseen(url):
    with pytest.raises(Invalid, match="sqlite:///") as caught:
        await open_records(url, key=KeyRing.drawn())
    assert "canary" not in str(caught.value)


async def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path):
    path = tmp_path / "notes.txt"
    path.write_text("canary " * 1000)
    with pytest.raises(Unavailable, match="not a database") as caught:
        await open_records(f"sqlite:///{path}", key=KeyRing.drawn())
    assert "canary" not in str(caught.value)
    assert path.read_text() == "canary " * 1000


async def test_a_folder_in_the_way_is_named(tmp_path: Path):
    with pytest.raises(Unavailable, match="cannot be opened"):
        await open_records(f"sqlite:///{tmp_path}", key=KeyRing.drawn())


@pytest.mark.parametrize(
    ("change", "message"),
    [({"database": "nowhere"}, "does not exist"), ({"query": {"host": "/nowhere"}}, "does not answer")],
)
async def test_a_server_that_is_not_there_is_said_to_be_away(postgres, change, message):
    url = make_url(postgres).set(**change, password="canary")
    with pytest.raises(Unavailable, match=message) as caught:
        await open_records(url.render_as_string(hide_password=False), key=KeyRing.drawn())
    assert "canary" not in str(caught.value)


async def _execute(records, statement: str) -> None:
    async with records._database.writing() as connection:
        await connection.execute(text(statement))
