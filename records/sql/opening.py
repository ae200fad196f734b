"""Opening a store: the file, the schema, what is drawn once."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from records.errors import Unavailable
from records.keys import KeyRing
from records.sql.apart import migrate_apart
from records.sql.database import BUSY_SECONDS, Database, parse_url
from records.sql.journal import EventCap
from records.sql.patient import patient
from records.sql.store import Clock, SqlRecords
from records.sql.transaction import Retention
from records.sql.upgrade import is_current
from records.sql.vault import Vault
from records.sql.wakeups import DataVersion, Notifications, Wakeups
from records.sql.whole import whole

log = structlog.get_logger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def open_records(
    url: str,
    *,
    key: KeyRing,
    clock: Clock = _utc_now,
    busy_seconds: float = BUSY_SECONDS,
    poll_seconds: float | None = None,
    retention: Retention | None = None,
    event_cap: EventCap | None = None,
) -> SqlRecords:
    """Open a store, and make or migrate its schema.

    Args:
        url: ``sqlite:////absolute/path.db`` or ``postgresql://user:password@host/database``.
        key: The keys under which secrets are sealed.
        clock: The time, with a zone.
        busy_seconds: How long one try of a write waits for another program's (SQLite); for
            three times that long a transaction is tried again.
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
        await database.prepare()
        if not await _is_current(database):
            await migrate_apart(url)
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
@patient
async def _is_current(database: Database) -> bool:
    # Asked as a writer asks: whoever is migrating just now is waited for.
    async with database.writing() as connection:
        return await is_current(connection)


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
