"""Listings: the first page from the records, the later ones from the feed as of the same revision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from crds.base import Key, Resource
from crds.secret import Secret
from records.errors import Expired, Invalid
from records.port import Page, Selector
from records.sql.codec import decode_or_log
from records.sql.feed import bounds_of
from records.sql.selecting import Cursor, beyond, selected
from records.sql.tables import LABELS, SNAPSHOT, ChangeRow, RecordRow
from records.sql.transaction import document_of_row
from records.sql.vault import Vault

R = TypeVar("R", bound=Resource)

_CHUNK = 500
"""Rows held at once beside the records made from them."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One record as a listing finds it."""

    key: Key
    snapshot: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listing(Generic[R]):
    """What is asked for."""

    kind: type[R]
    namespace: str | None
    selector: Selector
    limit: int | None
    after: str | None

    async def read(self, connection: AsyncConnection, vault: Vault) -> Page[R]:
        """One page, of one snapshot of the database.

        Raises:
            Expired: the page belongs to a listing from before what the feed still holds.
        """
        if self.limit is not None and self.limit < 1:
            raise Invalid("limit: must be at least 1")
        bounds = await bounds_of(connection)
        cursor = None if self.after is None else Cursor.parse(self.after)
        if cursor and not bounds.compacted <= cursor.revision <= bounds.current:
            raise Expired("this listing was begun too long ago: list from the beginning")
        revision = cursor.revision if cursor else bounds.current
        key = cursor.key if cursor else None
        items: list[R] = []
        left = self.limit
        while True:
            size = _CHUNK if left is None else min(left, _CHUNK)
            # One more than asked for tells whether there are others.
            found = await self._chunk(connection, revision, key, size + 1, past=cursor is not None)
            chunk, more = found[:size], len(found) > size
            items += await self._records(connection, vault, chunk)
            key = chunk[-1].key if chunk else key
            left = None if left is None else left - len(chunk)
            if not more:
                return Page(tuple(items), revision)
            if left == 0 and key is not None:
                remaining = await self._count(connection, revision, key, past=cursor is not None)
                return Page(tuple(items), revision, Cursor(revision, key).token(), remaining)

    async def _records(self, connection: AsyncConnection, vault: Vault, chunk: Iterable[Stored]) -> list[R]:
        values: Mapping[str, Mapping[str, str] | None] = {}
        if self.kind is Secret:
            values = await vault.read_many(connection, [s.snapshot["metadata"]["uid"] for s in chunk])
        found: list[R] = []
        for stored in chunk:
            uid = stored.snapshot["metadata"]["uid"]
            if self.kind is Secret and values[uid] is None:
                continue
            resource = decode_or_log(self.kind, stored.snapshot, values.get(uid))
            if resource is not None:
                found.append(resource)
        return found

    async def _chunk(
        self, connection: AsyncConnection, revision: int, after: Key | None, size: int, *, past: bool
    ) -> list[Stored]:
        if past:
            rows = await connection.execute(self._past(revision, after).limit(size))
            return [Stored(Key(row.namespace, row.name), row.snapshot) for row in rows]
        documents = map(document_of_row, await connection.execute(self._present(after).limit(size)))
        return [Stored(document.key, document.snapshot()) for document in documents]

    async def _count(self, connection: AsyncConnection, revision: int, after: Key, *, past: bool) -> int:
        statement = self._past(revision, after) if past else self._present(after)
        counted = select(func.count()).select_from(statement.order_by(None).subquery())
        return (await connection.execute(counted)).scalar_one()

    def _present(self, after: Key | None) -> Select[Any]:
        statement = select(RecordRow).where(
            col(RecordRow.kind) == self.kind.KIND,
            *self._within(RecordRow, after),
            *selected(lambda name: LABELS[name].as_string(), self.selector),
        )
        return statement.order_by(col(RecordRow.namespace), col(RecordRow.name))

    def _past(self, revision: int, after: Key | None) -> Select[Any]:
        """The newest row of each record up to the revision: it is kept for as long as a record lives."""
        newest = (
            select(func.max(col(ChangeRow.revision)).label("revision"))
            .where(
                col(ChangeRow.kind) == self.kind.KIND,
                col(ChangeRow.revision) <= revision,
                *self._within(ChangeRow, after),
            )
            .group_by(col(ChangeRow.namespace), col(ChangeRow.name))
            .subquery()
        )
        statement = (
            select(ChangeRow)
            .join(newest, newest.c.revision == col(ChangeRow.revision))
            .where(
                col(ChangeRow.type) != "DELETED",
                *selected(lambda name: SNAPSHOT["metadata", "labels", name].as_string(), self.selector),
            )
        )
        return statement.order_by(col(ChangeRow.namespace), col(ChangeRow.name))

    def _within(self, row: type[RecordRow | ChangeRow], after: Key | None) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = []
        if self.namespace is not None:
            conditions.append(col(row.namespace) == self.namespace)
        if after is not None:
            conditions.append(and_(beyond(col(row.namespace), col(row.name), after)))
        return conditions
