"""Records in a SQL database: SQLite by default, or Postgres."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from records.sql.journal import EventCap
    from records.sql.migration import migrate
    from records.sql.opening import open_records
    from records.sql.rotation import rotate_keys
    from records.sql.store import SqlRecords
    from records.sql.transaction import Retention

__all__ = ["EventCap", "Retention", "SqlRecords", "migrate", "open_records", "rotate_keys"]

_MODULES = {
    "EventCap": "journal",
    "Retention": "transaction",
    "SqlRecords": "store",
    "migrate": "migration",
    "open_records": "opening",
    "rotate_keys": "rotation",
}


def __getattr__(name: str) -> object:
    # Loaded when asked for: a first start waits for the migration, which needs half of it.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
