from __future__ import annotations

import sqlite3
import stat
from datetime import UTC, datetime

import pytest

from container.database import EventRow, open_database
from container.journal import Journal

NOW = datetime(2026, 11, 23, 12, 0, 5, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "container.db"


def _event(message="x", at="2026-11-23T12:00:00Z"):
    return EventRow(at, "workspace", "Normal", message)


def test_a_new_database_and_what_it_keeps(path):
    database, remark = open_database(path, NOW)
    assert remark == ""
    database.add_boot("b1", "2026-11-23T12:00:00Z", "r1")
    database.set_activity("git", "2026-11-23T12:00:00Z")
    database.set_activity("agent", "2026-11-23T13:00:00Z")
    for number in range(1003):
        database.add_event(_event(str(number)))
    database.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["container.db"]

    database, remark = open_database(path, NOW)
    assert remark == ""
    assert database.boots() == 1
    assert database.newest_activity() == ("2026-11-23T13:00:00Z", "agent")
    assert [event.message for event in database.newest_events(2)] == ["1001", "1002"]
    assert len(database.newest_events(2000)) == 1000
    database.close()


@pytest.mark.parametrize("damage", ["garbage", "head", "middle"])
def test_a_corrupted_database_is_kept_aside_and_a_new_one_begun(path, damage):
    database, _ = open_database(path, NOW)
    for number in range(500):
        database.add_event(_event(f"{number} " + "x" * 200))
    database.close()
    content = bytearray(path.read_bytes())
    if damage == "garbage":
        content = bytearray(b"this was never a database" * 100)
    elif damage == "head":
        content[:100] = b"\xff" * 100
    else:
        content[len(content) // 2 :] = b"\xff" * (len(content) - len(content) // 2)
    path.write_bytes(content)

    database, remark = open_database(path, NOW)
    assert "corrupt-20261123T120005Z" in remark
    assert path.with_name("container.db.corrupt-20261123T120005Z").read_bytes() == bytes(content)
    assert database.newest_events(10) == []
    database.add_event(_event("again"))
    database.close()
    assert open_database(path, NOW)[1] == ""


def test_a_newer_database_is_left_alone(path):
    path.parent.mkdir()
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    database, remark = open_database(path, NOW)
    assert "newer version" in remark
    database.add_event(_event())
    database.close()
    with sqlite3.connect(path) as newer:
        assert newer.execute("PRAGMA user_version").fetchone() == (99,)
        assert newer.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    newer.close()


def test_a_directory_that_is_there_keeps_its_mode(path):
    path.parent.mkdir()
    path.parent.chmod(0o777)
    open_database(path, NOW)[0].close()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o777


def test_where_nothing_can_be_written_the_records_are_in_memory_and_it_is_said(tmp_path, path):
    path.parent.write_text("a file in the way")
    database, remark = open_database(path, NOW)
    assert "in memory only" in remark
    database.add_event(_event())
    assert len(database.newest_events(10)) == 1
    database.close()
    (tmp_path / "other" / "container.db").mkdir(parents=True)
    database, remark = open_database(tmp_path / "other" / "container.db", NOW)
    assert "in memory only" in remark
    database.close()


def test_the_journal_remembers_across_restarts_and_says_when_it_cannot_write(path):
    journal = Journal(open_database(path, NOW)[0])
    journal.begin("b1", "r1")
    journal.say("workspace", "cloned\x1b[31m\nit")
    journal.note_activity("git")
    journal.close()

    journal = Journal(open_database(path, NOW)[0])
    assert [event.message for event in journal.events] == ["cloned [31m it"]
    assert journal.activity is not None
    assert journal.activity["source"] == "git"
    journal._database.close()
    journal.say("workspace", "lost")
    journal.close()
    assert "closed" in journal.trouble
    assert journal.events[-1].message == "lost"
