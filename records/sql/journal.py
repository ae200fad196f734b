"""Events: what happened to records, counted when it repeats and capped when it is old."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from crds.base import Key
from crds.event import Event, ObjectReference
from records.sql.codec import document_of
from records.sql.document import Document
from records.sql.tables import EventRow, in_utc
from records.sql.transaction import Transaction


@dataclass(frozen=True, slots=True)
class EventCap:
    """How many events are kept, and for how long an equal one is the same one."""

    total: int = 5_000
    per_record: int = 200
    same_within: timedelta = timedelta(minutes=10)


class Journal:
    """Writes and reads events."""

    def __init__(self, cap: EventCap) -> None:
        self._cap = cap

    async def record(self, transaction: Transaction, event: Event) -> None:
        """Count an equal recent event, or add this one under a name of its own."""
        connection = transaction.connection
        recent = col(EventRow.last_at) >= in_utc(event.last_timestamp) - self._cap.same_within
        equal = select(EventRow).where(
            *_about(event.involved_object),
            col(EventRow.about_uid) == event.involved_object.uid,
            col(EventRow.reason) == event.reason,
            col(EventRow.message) == event.message,
            recent,
        )
        rows = (await connection.execute(equal.order_by(col(EventRow.revision).desc()))).all()
        same = next((row for row in rows if row.body.get("type", "Normal") == event.type), None)
        if same is None:
            await self._add(transaction, event)
            await self._trim(connection, event.involved_object)
        else:
            await self._count(transaction, same, event)

    async def listing(
        self, connection: AsyncConnection, *, namespace: str | None, about: ObjectReference | None, limit: int
    ) -> list[Document]:
        """The newest ``limit`` events, the oldest of them first."""
        conditions: list[ColumnElement[bool]] = []
        if namespace is not None:
            conditions.append(col(EventRow.namespace) == namespace)
        if about is not None:
            conditions += _about(about)
            if about.uid:
                conditions.append(col(EventRow.about_uid) == about.uid)
        newest = select(EventRow).where(*conditions).order_by(col(EventRow.revision).desc()).limit(limit)
        rows = (await connection.execute(newest)).all()
        return [_document(row) for row in reversed(rows)]

    async def find(self, connection: AsyncConnection, key: Key) -> Document | None:
        """One event by its name."""
        named = (col(EventRow.namespace) == key.namespace, col(EventRow.name) == key.name)
        row = (await connection.execute(select(EventRow).where(*named))).one_or_none()
        return None if row is None else _document(row)

    async def _add(self, transaction: Transaction, event: Event) -> None:
        about = event.involved_object
        # As Kubernetes names them; the caller's own name would clash on the second of its kind.
        name = f"{about.name}.{uuid.uuid4().hex[:16]}"
        meta = event.metadata.model_copy(
            update={"name": name, "namespace": event.metadata.namespace or about.namespace}
        )
        document = document_of(event.model_copy(update={"metadata": meta}))
        row = {
            "namespace": meta.namespace,
            "name": name,
            "uid": str(uuid.uuid4()),
            "revision": transaction.next_revision(),
            "labels": document.labels,
            "annotations": document.annotations,
            "about_kind": about.kind,
            "about_namespace": about.namespace,
            "about_name": about.name,
            "about_uid": about.uid,
            "reason": event.reason,
            "message": event.message,
            "last_at": event.last_timestamp,
            "created_at": transaction.now,
            "body": document.body,
        }
        stored = (
            await transaction.connection.execute(insert(EventRow).values(**row).returning(EventRow))
        ).one()
        await transaction.tell("ADDED", "Event", Key(meta.namespace, name), _document(stored).snapshot())

    async def _count(self, transaction: Transaction, same: Row[Any], event: Event) -> None:
        last = max(same.last_at, in_utc(event.last_timestamp))
        body = {
            **same.body,
            "count": same.body.get("count", 1) + event.count,
            "lastTimestamp": last.isoformat(),
        }
        named = (col(EventRow.namespace) == same.namespace, col(EventRow.name) == same.name)
        statement = update(EventRow).where(*named)
        statement = statement.values(revision=transaction.next_revision(), last_at=last, body=body)
        stored = (await transaction.connection.execute(statement.returning(EventRow))).one()
        key = Key(same.namespace, same.name)
        await transaction.tell("MODIFIED", "Event", key, _document(stored).snapshot())

    async def _trim(self, connection: AsyncConnection, about: ObjectReference) -> None:
        """Let the oldest go. No watch is told: an event that is forgotten did not unhappen."""
        for conditions, most in ((_about(about), self._cap.per_record), ([], self._cap.total)):
            kept = select(col(EventRow.revision)).where(*conditions).order_by(col(EventRow.revision).desc())
            oldest = kept.offset(most).limit(1).scalar_subquery()
            await connection.execute(delete(EventRow).where(*conditions, col(EventRow.revision) <= oldest))


def _about(about: ObjectReference) -> list[ColumnElement[bool]]:
    return [
        col(EventRow.about_kind) == about.kind,
        col(EventRow.about_namespace) == about.namespace,
        col(EventRow.about_name) == about.name,
    ]


def _document(row: Row[Any]) -> Document:
    created: datetime = row.created_at
    return Document(
        kind="Event",
        key=Key(row.namespace, row.name),
        labels=row.labels,
        annotations=row.annotations,
        finalizers=(),
        body=row.body,
        uid=row.uid,
        revision=row.revision,
        created_at=created,
    )
