"""How one program learns that another has committed.

A wake-up says only "look again". One too many costs a query, one lost is made good by the next,
so that nothing here bears on what a watch delivers, only on how soon.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import structlog

from records.errors import RecordsError
from records.sql.database import Database
from records.sql.transaction import CHANNEL

log = structlog.get_logger(__name__)


class Wakeups(Protocol):
    """A source of wake-ups."""

    async def run(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` once the source is attached, and whenever there may be news, for ever."""
        ...


class DataVersion:
    """SQLite: a number that moves with every commit of another connection.

    Asking takes some microseconds and no disk, so it is done on the loop itself, ten times a
    second by default, by one connection for all watchers.
    """

    def __init__(self, path: Path, *, seconds: float) -> None:
        self._path = path
        self._seconds = seconds

    async def run(self, wake: Callable[[], None]) -> None:
        """Ask for the number for ever."""
        # No waiting for locks: that would hold up the loop. What is locked is about to change.
        with closing(sqlite3.connect(self._path, timeout=0, isolation_level=None)) as connection:
            seen = _version(connection)
            wake()
            while True:
                await asyncio.sleep(self._seconds)
                now = _version(connection)
                if now is None or now != seen:
                    seen = now
                    wake()


class Notifications:
    """Postgres: LISTEN, and every few seconds a look for what a lost connection has not told."""

    def __init__(self, database: Database, *, seconds: float) -> None:
        self._database = database
        self._seconds = seconds

    async def run(self, wake: Callable[[], None]) -> None:
        """Listen for ever, connecting again whenever the connection is lost."""
        while True:
            try:
                await self._listen(wake)
            except RecordsError as error:
                log.warning("not told of changes, looking for them instead", reason=str(error))
            wake()
            await asyncio.sleep(self._seconds)

    async def _listen(self, wake: Callable[[], None]) -> None:
        lost = asyncio.Event()

        def heard(*_: object) -> None:
            wake()

        def ended(*_: object) -> None:
            lost.set()

        async with self._database.apart() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            try:
                driver.add_termination_listener(ended)
                await driver.add_listener(CHANNEL, heard)
                while not lost.is_set():
                    # Only now: what was committed before LISTEN was heard by nobody.
                    wake()
                    await _wait(lost, self._seconds)
            finally:
                # It goes back to no pool: it still listens, or is lost.
                await connection.invalidate()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def _version(connection: sqlite3.Connection) -> int | None:
    try:
        row = connection.execute("PRAGMA data_version").fetchone()
    except sqlite3.Error:
        return None
    return int(row[0])
