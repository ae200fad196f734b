"""Records in a SQL database: SQLite by default, or Postgres."""

from __future__ import annotations

from records.sql.journal import EventCap
from records.sql.opening import open_records
from records.sql.rotation import rotate_keys
from records.sql.store import SqlRecords
from records.sql.transaction import Retention

__all__ = ["EventCap", "Retention", "SqlRecords", "open_records", "rotate_keys"]
