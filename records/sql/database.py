"""The engine: connections, transactions and locks of the two databases.

Writes are one at a time, in commit order: within one program by a lock, among several by SQLite's
write lock (``BEGIN IMMEDIATE``) or by the lock on Postgres's counter row. Readers see one
snapshot for as long as their transaction lasts, and wait for nobody.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from records.errors import Invalid, Unavailable
from records.sql.failures import translated

BUSY_SECONDS = 5.0
"""How long one try of a write waits for another program's (SQLite)."""

_FURTHER = 3
"""For so many times that long, after the first try, others are begun. A client waits for 30 s."""

_ATTEMPTS = 50
_PAUSE_SECONDS = 0.1
_CACHE_KIB = 512
"""What each connection of SQLite keeps of the file."""
_IMMEDIATE = "berth_immediate"
_POSTGRES_NAMES = {"postgres", "postgresql", "postgresql+asyncpg"}
_SQLITE_NAMES = {"sqlite", "sqlite+aiosqlite"}


class Database:
    """One database, SQLite or Postgres."""

    def __init__(self, url: URL, *, busy_seconds: float) -> None:
        self.url = url
        self.path = Path(url.database) if is_sqlite(url) and url.database else None
        self._busy_seconds = busy_seconds
        self._engine = self._sqlite_engine() if self.path else _postgres_engine(url)
        self._lock = asyncio.Lock()
        self._closed = False
        self._users = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def patience(self) -> float:
        """Seconds for which a transaction is tried again while the database is locked."""
        return _FURTHER * self._busy_seconds

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite."""
        return self.path is not None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one snapshot of the database and writes nothing."""
        options: dict[str, Any] = {}
        if not self.is_sqlite:
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with translated():
            async with self._open(**options) as engine, engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that commits at the end, or on an error leaves nothing behind."""
        # The lock comes first: who waits for it holds no connection that a reader could use, and
        # SQLite's own waiting, which polls and is unfair, is left to other programs.
        with translated():
            async with (
                self._open(**{_IMMEDIATE: True}) as engine,
                self._lock,
                engine.begin() as connection,
            ):
                yield connection

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[AsyncConnection]:
        """A connection outside of any transaction (Postgres: to listen on)."""
        with translated():
            async with self._open(isolation_level="AUTOCOMMIT") as engine, engine.connect() as connection:
                yield connection

    async def prepare(self) -> None:
        """Make the file of SQLite what it has to be; of a server there is nothing to make."""
        if self.path:
            prepare_file(self.path)
            await _use_write_ahead_log(self.path)

    async def aclose(self) -> None:
        """Wait for what is under way and close all connections; with the last one goes SQLite's log."""
        self._closed = True
        await self._idle.wait()
        with translated():
            await self._engine.dispose()

    @asynccontextmanager
    async def _open(self, **options: Any) -> AsyncIterator[AsyncEngine]:
        if self._closed:
            raise Unavailable("the store was closed")
        self._users += 1
        self._idle.clear()
        try:
            yield self._engine.execution_options(**options)
        finally:
            self._users -= 1
            if not self._users:
                self._idle.set()

    def _sqlite_engine(self) -> AsyncEngine:
        engine = create_async_engine(
            self.url,
            hide_parameters=True,
            json_serializer=_json_text,
            json_deserializer=from_json,
            pool_size=4,
            max_overflow=4,
        )

        def prepare(connection: Any, _record: object) -> None:
            # The driver must not begin transactions by itself: it would begin them too weakly.
            connection.isolation_level = None
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout = {int(self._busy_seconds * 1000)}")
            cursor.execute("PRAGMA foreign_keys = ON")
            # With a write-ahead log, NORMAL loses no commit when the program dies, only when the
            # whole machine does, and never damages the file.
            cursor.execute("PRAGMA synchronous = NORMAL")
            cursor.execute("PRAGMA temp_store = MEMORY")
            cursor.execute("PRAGMA secure_delete = FAST")
            # The default is 2,000 KiB for each connection. The system keeps the same
            # pages for all of them at once, and reading one from there is a copy.
            cursor.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            cursor.close()

        def begin(connection: Connection) -> None:
            immediate = connection.get_execution_options().get(_IMMEDIATE, False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

        event.listen(engine.sync_engine, "connect", prepare)
        event.listen(engine.sync_engine, "begin", begin)
        return engine


def parse_url(url: str) -> URL:
    """Read a database URL; raise Invalid for one that is not of SQLite or Postgres."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Invalid("the database URL cannot be read: sqlite:///path or postgresql://…") from None
    if parsed.drivername in _SQLITE_NAMES:
        if parsed.database in (None, "", ":memory:"):
            raise Invalid("the database URL names no file: sqlite:////absolute/path.db")
        return parsed.set(drivername="sqlite+aiosqlite")
    if parsed.drivername in _POSTGRES_NAMES:
        query = dict(parsed.query)
        # The name that libpq uses, and most people write; the driver here calls it "ssl".
        if "sslmode" in query:
            query["ssl"] = query.pop("sslmode")
        return parsed.set(drivername="postgresql+asyncpg", query=query)
    raise Invalid(f"a database of {parsed.drivername!r} is not supported: sqlite:///path or postgresql://…")


def is_sqlite(url: URL) -> bool:
    """Whether the URL names a file of SQLite."""
    return url.get_backend_name() == "sqlite"


def prepare_file(path: Path) -> None:
    """Make the folder and the file so that nobody else reads them.

    SQLite gives the files beside it (``-wal``, ``-shm``) the rights of the database file.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            if os.fstat(number).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                os.fchmod(number, 0o600)
        finally:
            os.close(number)
    except OSError as error:
        raise Unavailable(f"the database file {path} cannot be opened: {error.strerror}") from None


def _postgres_engine(url: URL) -> AsyncEngine:
    return create_async_engine(
        url,
        hide_parameters=True,
        json_serializer=_json_text,
        json_deserializer=from_json,
        pool_size=5,
        max_overflow=5,
        pool_pre_ping=True,
    )


def _json_text(value: Any) -> str:
    return to_json(value).decode()


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
