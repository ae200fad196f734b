"""The agent's records in the container's database: items of the transcript, and a few named values.

Calls come from the journal's one writing thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from container.database import Database


@dataclass(frozen=True, slots=True)
class Batch:
    """What is written at once, or not at all.

    ``items`` by id, as JSON with their revisions; ``first`` is the oldest id that is kept.
    """

    items: Mapping[int, tuple[int, bytes]] = field(default_factory=dict)
    values: Mapping[str, bytes] = field(default_factory=dict)
    first: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """What an earlier start left: the items' JSON by id, and the named values."""

    items: Sequence[bytes]
    values: Mapping[str, bytes]


class Store:
    """Reads once and writes batches; both raise sqlite3.Error."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def unkept(self) -> str:
        """Why what is written is lost with the container; empty where it is on the disk."""
        return self._database.unkept

    def read(self) -> Kept:
        """Everything."""
        connection = self._database.connection
        items = [bytes(row[0]) for row in connection.execute("SELECT body FROM agent_item ORDER BY id")]
        values = {str(name): bytes(value) for name, value in connection.execute("SELECT * FROM agent_value")}
        return Kept(items, values)

    def write(self, batch: Batch) -> None:
        """Write a batch."""
        connection: sqlite3.Connection = self._database.connection
        with self._database.transaction():
            connection.executemany(
                "INSERT OR REPLACE INTO agent_item (id, revision, body) VALUES (?, ?, ?)",
                [(id_, revision, body) for id_, (revision, body) in batch.items.items()],
            )
            connection.execute("DELETE FROM agent_item WHERE id < ?", (batch.first,))
            connection.executemany("INSERT OR REPLACE INTO agent_value VALUES (?, ?)", batch.values.items())
