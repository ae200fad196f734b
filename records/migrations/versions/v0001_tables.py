"""The tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables, and the one row of the counter."""
    _records()
    _feed()
    _secrets()
    _events()
    _ledger()


def _records() -> None:
    op.create_table(
        "record",
        sa.Column("kind", WORD, primary_key=True),
        sa.Column("namespace", WORD, primary_key=True),
        sa.Column("name", WORD, primary_key=True),
        sa.Column("uid", sa.Text, nullable=False, unique=True),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.Column("annotations", sa.JSON, nullable=False),
        sa.Column("finalizers", sa.JSON, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("status", sa.JSON),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT),
    )


def _feed() -> None:
    op.create_table(
        "change",
        sa.Column("revision", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("namespace", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("snapshot", sa.JSON, nullable=False),
    )
    op.create_index("change_of_record", "change", ["kind", "namespace", "name", "revision"])
    counter = op.create_table(
        "counter",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("compacted", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(counter, [{"id": 1, "revision": 0, "compacted": 0}])


def _secrets() -> None:
    op.create_table(
        "secret",
        sa.Column("uid", sa.Text, primary_key=True),
        sa.Column("name", WORD, primary_key=True),
        sa.Column("key_id", sa.Text, nullable=False, index=True),
        sa.Column("sealed", sa.Text, nullable=False),
    )


def _events() -> None:
    op.create_table(
        "event",
        sa.Column("namespace", WORD, primary_key=True),
        sa.Column("name", WORD, primary_key=True),
        sa.Column("uid", sa.Text, nullable=False, unique=True),
        sa.Column("revision", sa.BigInteger, nullable=False, unique=True),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.Column("annotations", sa.JSON, nullable=False),
        sa.Column("about_kind", WORD, nullable=False),
        sa.Column("about_namespace", WORD, nullable=False),
        sa.Column("about_name", WORD, nullable=False),
        sa.Column("about_uid", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
    )
    about = ["about_kind", "about_namespace", "about_name", "about_uid", "revision"]
    op.create_index("event_about", "event", about)


def _ledger() -> None:
    op.create_table(
        "claim",
        sa.Column("session_id", sa.Text, primary_key=True),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("uid", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
    )
    op.create_table(
        "setting",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text),
    )
