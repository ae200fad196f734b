"""The tables. A record is stored in its wire form, cut into the parts that change apart.

The feed, ``change``, holds a snapshot of every write. The newest row of every living record stays
for good, so that the later pages of a listing can be read as of the revision of its first.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Index,
    MetaData,
    Text,
    TypeDecorator,
    false,
)
from sqlmodel import Field, SQLModel


def in_utc(moment: datetime) -> datetime:
    """The same instant in UTC; one without a zone is in UTC already."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class Moment(TypeDecorator[datetime]):
    """An instant, stored in UTC: SQLite keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy calls it so
        """Bring every zone to UTC."""
        return None if value is None else in_utc(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy calls it so
        """Say that what was read is UTC."""
        return in_utc(value) if isinstance(value, datetime) else None


WORD = Text().with_variant(Text(collation="C"), "postgresql")
"""Text ordered by bytes on both databases: a server's locale must not decide what a page holds."""
DOCUMENT = JSON(none_as_null=True)
"""JSON kept as it was written: Postgres's ``jsonb`` would sort a person's keys."""


class Table(SQLModel):
    """Base of our tables, with metadata of their own."""

    metadata = MetaData()


class RecordRow(Table, table=True):
    """A record as it stands. A Secret's values are not here."""

    __tablename__ = "record"

    kind: str = Field(sa_column=Column(WORD, primary_key=True))
    namespace: str = Field(sa_column=Column(WORD, primary_key=True))
    name: str = Field(sa_column=Column(WORD, primary_key=True))
    uid: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    generation: int = Field(sa_column=Column(BigInteger, nullable=False))
    revision: int = Field(sa_column=Column(BigInteger, nullable=False))
    labels: dict[str, str] = Field(sa_column=Column(DOCUMENT, nullable=False))
    annotations: dict[str, str] = Field(sa_column=Column(DOCUMENT, nullable=False))
    finalizers: list[str] = Field(sa_column=Column(DOCUMENT, nullable=False))
    body: dict[str, Any] = Field(sa_column=Column(DOCUMENT, nullable=False))
    status: dict[str, Any] | None = Field(default=None, sa_column=Column(DOCUMENT))
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    deleted_at: datetime | None = Field(default=None, sa_column=Column(Moment))


class ChangeRow(Table, table=True):
    """One committed change; ``snapshot`` is the wire form after it."""

    __tablename__ = "change"
    __table_args__ = (Index("change_of_record", "kind", "namespace", "name", "revision"),)

    revision: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    type: str = Field(sa_column=Column(Text, nullable=False))
    kind: str = Field(sa_column=Column(WORD, nullable=False))
    namespace: str = Field(sa_column=Column(WORD, nullable=False))
    name: str = Field(sa_column=Column(WORD, nullable=False))
    at: datetime = Field(sa_column=Column(Moment, nullable=False))
    snapshot: dict[str, Any] = Field(sa_column=Column(DOCUMENT, nullable=False))


class CounterRow(Table, table=True):
    """The one row that numbers all writes, and the lock that puts them in order."""

    __tablename__ = "counter"

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    revision: int = Field(sa_column=Column(BigInteger, nullable=False))
    compacted: int = Field(sa_column=Column(BigInteger, nullable=False))
    """Up to here the feed has holes; a watch or a listing from before has expired."""


class SecretRow(Table, table=True):
    """One sealed value of a Secret."""

    __tablename__ = "secret"

    uid: str = Field(sa_column=Column(Text, primary_key=True))
    name: str = Field(sa_column=Column(WORD, primary_key=True))
    key_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    sealed: str = Field(sa_column=Column(Text, nullable=False))


class EventRow(Table, table=True):
    """What happened to a record; ``body`` is the event without its metadata."""

    __tablename__ = "event"
    __table_args__ = (
        Index("event_about", "about_kind", "about_namespace", "about_name", "about_uid", "revision"),
    )

    namespace: str = Field(sa_column=Column(WORD, primary_key=True))
    name: str = Field(sa_column=Column(WORD, primary_key=True))
    uid: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    revision: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    labels: dict[str, str] = Field(sa_column=Column(DOCUMENT, nullable=False))
    annotations: dict[str, str] = Field(sa_column=Column(DOCUMENT, nullable=False))
    about_kind: str = Field(sa_column=Column(WORD, nullable=False))
    about_namespace: str = Field(sa_column=Column(WORD, nullable=False))
    about_name: str = Field(sa_column=Column(WORD, nullable=False))
    about_uid: str = Field(sa_column=Column(Text, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    message: str = Field(sa_column=Column(Text, nullable=False))
    last_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    body: dict[str, Any] = Field(sa_column=Column(DOCUMENT, nullable=False))


class ClaimRow(Table, table=True):
    """That an application may exist under a session id (law S1)."""

    __tablename__ = "claim"

    session_id: str = Field(sa_column=Column(Text, primary_key=True))
    namespace: str = Field(sa_column=Column(Text, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    uid: str = Field(sa_column=Column(Text, nullable=False))
    target: str = Field(sa_column=Column(Text, nullable=False))
    at: datetime = Field(sa_column=Column(Moment, nullable=False))
    retained: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))


class LeaseRow(Table, table=True):
    """Who leads, and until when."""

    __tablename__ = "lease"

    name: str = Field(sa_column=Column(Text, primary_key=True))
    holder: str = Field(sa_column=Column(Text, nullable=False))
    expires_at: datetime = Field(sa_column=Column(Moment, nullable=False))


class SettingRow(Table, table=True):
    """What was drawn at the first start; a sealed value also names its key."""

    __tablename__ = "setting"

    name: str = Field(sa_column=Column(Text, primary_key=True))
    value: str = Field(sa_column=Column(Text, nullable=False))
    key_id: str | None = Field(default=None, sa_column=Column(Text))


LABELS: Column[Any] = Table.metadata.tables["record"].c.labels
SNAPSHOT: Column[Any] = Table.metadata.tables["change"].c.snapshot
