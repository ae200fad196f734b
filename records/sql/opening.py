"""Opening a store: the file, the schema, what is drawn once."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import structlog

from records.errors import Unavailable
from records.keys import KeyRing
from records.sql.database import Database, parse_url, prepare_file
from records.sql.failures import translated
from records.sql.journal import EventCap
from records.sql.store import Clock, SqlRecords
from records.sql.transaction import Retention
from records.sql.upgrade import upgrade
from records.sql.vault import Vault
from records.sql.wakeups import DataVersion, Notifications, Wakeups
from records.sql.whole import whole

_ATTEMPTS = 50
_PAUSE_SECONDS = 0.1

log = structlog.get_logger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def open_records(
    url: str,
    *,
    key: KeyRing,
    clock: Clock = _utc_now,
    busy_seconds: float = 10.0,
    poll_seconds: float | None = None,
    retention: Retention | None = None,
    event_cap: EventCap | None = None,
) -> SqlRecords:
    """Open a store, and make or migrate its schema.

    Args:
        url: ``sqlite:////absolute/path.db`` or ``postgresql://user:password@host/database``.
        key: The keys under which secrets are sealed.
        clock: The time, with a zone.
        busy_seconds: How long a write waits for another program's (SQLite).
        poll_seconds: How often to look for other programs' writes: 0.1 with SQLite; with
            Postgres, which tells us of them, 5.0.
        retention: How much of the feed is kept.
        event_cap: How many events are kept.

    Raises:
        TooNew: the database was written by a newer Berth.
        Unavailable: it cannot be opened; the message says why.
        Invalid: the URL is not one of ours.
    """
    parsed = parse_url(url)
    database = Database(parsed, busy_seconds=busy_seconds)
    try:
        if database.path:
            prepare_file(database.path)
            await _use_write_ahead_log(database.path)
        await _upgrade(database)
        vault = Vault(key)
        records = SqlRecords(
            database,
            vault,
            _wakeups(database, poll_seconds),
            clock=clock,
            retention=retention or Retention(),
            event_cap=event_cap or EventCap(),
        )
        await records.draw_settings()
        await _shorten(records)
        missing = await records.keys_in_use() - set(key.ids)
    except BaseException:
        await database.aclose()
        raise
    if missing:
        # Not fatal: all but those secrets works, and a secret can be written anew.
        log.error("secrets are sealed under keys that are not in the key ring", missing=sorted(missing))
    return records


@whole
async def _upgrade(database: Database) -> None:
    async with database.writing() as connection:
        await upgrade(connection)


async def _shorten(records: SqlRecords) -> None:
    try:
        await records.compact()
    except Unavailable as error:
        # A full disk, say: what is there can still be read.
        log.warning("the feed could not be shortened", reason=str(error))


def _wakeups(database: Database, seconds: float | None) -> Wakeups:
    if database.path:
        return DataVersion(database.path, seconds=0.1 if seconds is None else seconds)
    return Notifications(database, seconds=5.0 if seconds is None else seconds)


async def _use_write_ahead_log(path: Path) -> None:
    """Switch the file to the write-ahead log, for good.

    SQLite does not wait for a lock here, as it does everywhere else; two programs that start on a
    new file at once would fail.
    """
    with translated():
        for _ in range(_ATTEMPTS):
            if await asyncio.to_thread(_switched, path):
                return
            await asyncio.sleep(_PAUSE_SECONDS)
    raise Unavailable("the database is locked by another program")


def _switched(path: Path) -> bool:
    """Whether the file is on the log now; False where another program holds it just now."""
    with closing(sqlite3.connect(path)) as connection:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
    return True
