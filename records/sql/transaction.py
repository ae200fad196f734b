"""One write: the counter, the record and the feed, changed together or not at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, delete, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased
from sqlmodel import col

from crds.base import Key
from records.sql.document import Document
from records.sql.tables import ChangeRow, CounterRow, RecordRow

COUNTER = 1
CHANNEL = "berth_changes"
"""The channel on which Postgres tells all programs of a commit."""

_COMPACT_EVERY = 256


@dataclass(frozen=True, slots=True)
class Retention:
    """How much of the past is kept; a watch or a listing that began before it has expired."""

    changes: int = 5_000
    age: timedelta = timedelta(hours=1)


class Transaction:
    """A write that is under way.

    It holds the lock on the counter, so that what it has read is the newest, and the revisions it
    gives are the next to be committed.
    """

    def __init__(self, connection: AsyncConnection, *, now: datetime, retention: Retention) -> None:
        self.connection = connection
        self.now = now
        self.revision = 0
        self._begun_at = 0
        self._retention = retention

    @property
    def has_changed(self) -> bool:
        """Whether there is anything in it that a watch will show."""
        return self.revision > self._begun_at

    async def begin(self) -> None:
        """Take the lock and read the counter."""
        statement = select(col(CounterRow.revision)).where(col(CounterRow.id) == COUNTER).with_for_update()
        self.revision = self._begun_at = (await self.connection.execute(statement)).scalar_one()

    async def finish(self) -> None:
        """Write the counter back, tell other programs, and shorten the feed now and then."""
        if not self.has_changed:
            return
        counter = update(CounterRow).where(col(CounterRow.id) == COUNTER).values(revision=self.revision)
        await self.connection.execute(counter)
        if self.connection.dialect.name == "postgresql":
            await self.connection.execute(select(func.pg_notify(CHANNEL, "")))
        if self.revision % _COMPACT_EVERY == 0:
            await self.compact()

    def next_revision(self) -> int:
        """Number one more change."""
        self.revision += 1
        return self.revision

    async def load(self, kind: str, key: Key) -> Document | None:
        """A record as it stands, without a Secret's values."""
        return await find(self.connection, kind, key)

    async def add(self, document: Document) -> Document:
        """A new record."""
        written = replace(document, revision=self.next_revision())
        row = {"uid": written.uid, "created_at": written.created_at, **_place(written.kind, written.key)}
        await self.connection.execute(insert(RecordRow).values(**row, **_columns(written)))
        await self.tell("ADDED", written.kind, written.key, written.snapshot())
        return written

    async def put(self, document: Document) -> Document:
        """A record as it now is."""
        written = replace(document, revision=self.next_revision())
        where = _at(written.kind, written.key)
        await self.connection.execute(update(RecordRow).where(*where).values(**_columns(written)))
        await self.tell("MODIFIED", written.kind, written.key, written.snapshot())
        return written

    async def remove(self, document: Document) -> Document:
        """A record no more; what is told is its last state with the new revision (kube/FACTS 2.5)."""
        gone = replace(document, revision=self.next_revision())
        await self.connection.execute(delete(RecordRow).where(*_at(gone.kind, gone.key)))
        await self.tell("DELETED", gone.kind, gone.key, gone.snapshot())
        return gone

    async def tell(
        self, change: Literal["ADDED", "MODIFIED", "DELETED"], kind: str, key: Key, snapshot: dict[str, Any]
    ) -> None:
        """Put a change into the feed, under the revision given last."""
        row = {"revision": self.revision, "type": change, "at": self.now, "snapshot": snapshot}
        await self.connection.execute(insert(ChangeRow).values(**row, **_place(kind, key)))

    async def compact(self) -> None:
        """Shorten the feed to what is kept, and remember up to where it has holes."""
        floor = await self._floor()
        if floor <= 0:
            return
        newer = aliased(ChangeRow)
        superseded = exists().where(
            col(newer.kind) == col(ChangeRow.kind),
            col(newer.namespace) == col(ChangeRow.namespace),
            col(newer.name) == col(ChangeRow.name),
            col(newer.revision) > col(ChangeRow.revision),
            col(newer.revision) <= floor,
        )
        # The newest row of a living record stays: listings of many pages are read from the feed.
        # Events are never listed from it, and they are many.
        dead = or_(col(ChangeRow.type) == "DELETED", col(ChangeRow.kind) == "Event", superseded)
        await self.connection.execute(delete(ChangeRow).where(col(ChangeRow.revision) <= floor, dead))
        counter = update(CounterRow).where(col(CounterRow.id) == COUNTER, col(CounterRow.compacted) < floor)
        await self.connection.execute(counter.values(compacted=floor))

    async def _floor(self) -> int:
        by_count = self.revision - self._retention.changes
        old = col(ChangeRow.at) < self.now - self._retention.age
        by_age = (
            await self.connection.execute(select(func.max(col(ChangeRow.revision))).where(old))
        ).scalar()
        return max(by_count, by_age or 0)


async def find(connection: AsyncConnection, kind: str, key: Key) -> Document | None:
    """A record as it stands, without a Secret's values."""
    row = (await connection.execute(select(RecordRow).where(*_at(kind, key)))).one_or_none()
    return None if row is None else document_of_row(row)


def _at(kind: str, key: Key) -> tuple[ColumnElement[bool], ...]:
    """The condition that names one record."""
    return (
        col(RecordRow.kind) == kind,
        col(RecordRow.namespace) == key.namespace,
        col(RecordRow.name) == key.name,
    )


def document_of_row(row: Row[Any]) -> Document:
    """A row of the table ``record``, without a Secret's values."""
    return Document(
        kind=row.kind,
        key=Key(row.namespace, row.name),
        labels=row.labels,
        annotations=row.annotations,
        finalizers=tuple(row.finalizers),
        body=row.body,
        status=row.status,
        uid=row.uid,
        generation=row.generation,
        revision=row.revision,
        created_at=row.created_at,
        deleted_at=row.deleted_at,
    )


def _place(kind: str, key: Key) -> dict[str, str]:
    return {"kind": kind, "namespace": key.namespace, "name": key.name}


def _columns(document: Document) -> dict[str, Any]:
    return {
        "generation": document.generation,
        "revision": document.revision,
        "labels": document.labels,
        "annotations": document.annotations,
        "finalizers": document.finalizers,
        "body": document.body,
        "status": document.status,
        "deleted_at": document.deleted_at,
    }
