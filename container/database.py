"""The container's own records, in SQLite on the data volume.

The app stays up whatever becomes of the file: a corrupted one is kept aside and a new one begun,
and where none can be written at all the records are kept in memory, and that is said.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from container.files import PRIVATE_FILE, make_directory

_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE boot (id TEXT PRIMARY KEY, at TEXT NOT NULL, revision TEXT NOT NULL)",
        "CREATE TABLE activity (source TEXT PRIMARY KEY, at TEXT NOT NULL)",
        """CREATE TABLE event (id INTEGER PRIMARY KEY, at TEXT NOT NULL, source TEXT NOT NULL,
        level TEXT NOT NULL, message TEXT NOT NULL)""",
    ),
    (
        # One-time entry tokens that were used, until they expire. See container/entry/used.py.
        "CREATE TABLE entry_used (id TEXT PRIMARY KEY, until INTEGER NOT NULL)",
    ),
    (
        # What the agent and a person said; bodies are JSON. See container/agent/store.py.
        "CREATE TABLE agent_item (id INTEGER PRIMARY KEY, revision INTEGER NOT NULL, body BLOB NOT NULL)",
        "CREATE TABLE agent_value (name TEXT PRIMARY KEY, value BLOB NOT NULL)",
    ),
)
"""One after the other; ``PRAGMA user_version`` counts those that were made. Only ever appended to."""

_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY_CODE = 0xFF
_CHECKED_BYTES = 64 * 1024 * 1024
"""Up to this size the whole file is checked at start, in some 100 ms; beyond it the head alone."""
_KEPT_EVENTS = 1000
_KEPT_BOOTS = 100


@dataclass(frozen=True, slots=True)
class EventRow:
    """One thing that happened in the container; ``level`` is Normal or Warning."""

    at: str
    source: str
    level: str
    message: str


class _TooNew(Exception):
    """The file was written by a newer container."""


class Database:
    """One open database. Every method raises sqlite3.Error; calls come from one thread at a time."""

    def __init__(self, connection: sqlite3.Connection, *, unkept: str = "") -> None:
        self.connection = connection
        """For the modules that keep tables of their own."""
        self.unkept = unkept
        """Why what is written is lost with the container; empty where it is on the disk."""

    def add_boot(self, boot: str, at: str, revision: str) -> None:
        """Note a start."""
        with self.transaction():
            self.connection.execute("INSERT INTO boot VALUES (?, ?, ?)", (boot, at, revision))
            self.connection.execute(
                "DELETE FROM boot WHERE id NOT IN (SELECT id FROM boot ORDER BY at DESC LIMIT ?)",
                (_KEPT_BOOTS,),
            )

    def boots(self) -> int:
        """How many starts are on record."""
        return int(self.connection.execute("SELECT count(*) FROM boot").fetchone()[0])

    def add_event(self, event: EventRow) -> None:
        """Note an event; the oldest beyond a cap are dropped."""
        with self.transaction():
            added = self.connection.execute(
                "INSERT INTO event (at, source, level, message) VALUES (?, ?, ?, ?)",
                (event.at, event.source, event.level, event.message),
            ).lastrowid
            self.connection.execute("DELETE FROM event WHERE id <= ?", ((added or 0) - _KEPT_EVENTS,))

    def newest_events(self, count: int) -> list[EventRow]:
        """The newest events, the oldest of them first."""
        rows = self.connection.execute(
            "SELECT at, source, level, message FROM event ORDER BY id DESC LIMIT ?", (count,)
        ).fetchall()
        return [EventRow(*map(str, row)) for row in reversed(rows)]

    def set_activity(self, source: str, at: str) -> None:
        """Note activity of a source."""
        self.connection.execute("INSERT OR REPLACE INTO activity VALUES (?, ?)", (source, at))

    def newest_activity(self) -> tuple[str, str] | None:
        """(time, source) of the newest activity."""
        row = self.connection.execute("SELECT at, source FROM activity ORDER BY at DESC LIMIT 1").fetchone()
        return (str(row[0]), str(row[1])) if row else None

    def close(self) -> None:
        """Write all into the one file and close it."""
        self.connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it, or nothing."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            # A full disk has ended the transaction already, and is what is to be told.
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise


def open_database(path: Path, now: datetime) -> tuple[Database, str]:
    """Open, check and migrate; never raises. The second value says what a person should know, or is empty."""
    try:
        make_directory(path.parent)
        return Database(_open(path)), ""
    except _TooNew:
        return _unkept("was written by a newer version")
    except OSError as error:
        return _unkept(f"cannot be written: {error.strerror}")
    except sqlite3.Error as error:
        if not _is_corrupt(error):
            return _unkept(f"cannot be used: {error}")
    return _begin_anew(path, now)


def _begin_anew(path: Path, now: datetime) -> tuple[Database, str]:
    aside = f"{path.name}.corrupt-{now:%Y%m%dT%H%M%SZ}"
    try:
        # The log of the last writes belongs to the file it was made for: with another it would do harm.
        for suffix in ("", "-wal", "-shm"):
            old = path.with_name(path.name + suffix)
            if old.exists():
                old.rename(path.with_name(aside + suffix))
        return Database(_open(path)), f"was corrupted; it is kept as {aside}, and a new one was begun"
    except (OSError, sqlite3.Error):
        return _unkept("is corrupted and cannot be set aside")


def in_memory(unkept: str = "") -> Database:
    """A database that ends with the program; ``unkept`` says why it is not on the disk."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _migrate(connection)
    return Database(connection, unkept=unkept)


def _unkept(why: str) -> tuple[Database, str]:
    remark = f"{why}; records are kept in memory only, and no prompt is accepted"
    return in_memory(f"the database {why}"), remark


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=2.0)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # A commit is on the disk when it returns, also if the power fails: people are told what was accepted.
        connection.execute("PRAGMA synchronous = FULL")
        _check(connection, path)
        _migrate(connection)
        path.chmod(PRIVATE_FILE)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    if path.stat().st_size > _CHECKED_BYTES:
        return
    answer = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer != ("ok",):
        error = sqlite3.DatabaseError("a check found it corrupted")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _migrate(connection: sqlite3.Connection) -> None:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(_MIGRATIONS):
        raise _TooNew
    for number, statements in enumerate(_MIGRATIONS[version:], start=version + 1):
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")


def _is_corrupt(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & _PRIMARY_CODE in _CORRUPT
