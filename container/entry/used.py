"""Remembers which one-time tokens were used, over restarts too, until each has expired anyway.

It holds as many as Berth made within two minutes: only what was signed with the session's key comes
as far as here. Where the database cannot be written the memory alone remembers: an owner whose disk
is full must be able to enter, and a token is short-lived.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3

from container.database import Database
from container.journal import Journal


class Used:
    """Which tokens were used. Made before the journal's first write, since it reads at once."""

    def __init__(self, journal: Journal, database: Database) -> None:
        self._journal = journal
        self._database = database
        self._until: dict[str, int] = {}
        with contextlib.suppress(sqlite3.Error):  # the journal tells of a database in trouble
            self._until.update(database.connection.execute("SELECT id, until FROM entry_used"))

    async def use(self, id_: str, *, until: int, now: int) -> bool:
        """Note the use of a token; False where it was used before. Written when this returns."""
        if id_ in self._until:
            return False
        # In memory before anything is waited for: of two at once the second is refused.
        self._until = {each: end for each, end in self._until.items() if end > now}
        self._until[id_] = until
        await asyncio.wrap_future(self._journal.write(lambda: self._write(id_, until, now)))
        return True

    def _write(self, id_: str, until: int, now: int) -> None:
        with self._database.transaction():
            connection = self._database.connection
            connection.execute("DELETE FROM entry_used WHERE until <= ?", (now,))
            connection.execute("INSERT OR IGNORE INTO entry_used VALUES (?, ?)", (id_, until))
