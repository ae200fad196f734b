"""What a database driver says, in our own words and once.

No text of a driver is passed on: it holds statements and parameters, and parameters hold secrets.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    PendingRollbackError,
    ResourceClosedError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from records.errors import AlreadyExists, Busy, Invalid, RecordsError, Unavailable

_SQLITE = {
    sqlite3.SQLITE_ERROR: "the database is not as Berth made it",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_BUSY: "the database is locked by another program",
    sqlite3.SQLITE_LOCKED: "the database is locked by another program",
    sqlite3.SQLITE_READONLY: "the database is read-only: look at the rights of its file and folder",
    sqlite3.SQLITE_CANTOPEN: "the database file cannot be opened: look at its folder and its rights",
    sqlite3.SQLITE_IOERR: "the disk does not read or write",
    sqlite3.SQLITE_CORRUPT: "the database file is damaged: put back a backup",
    sqlite3.SQLITE_NOTADB: "the file is not a database of SQLite",
    sqlite3.SQLITE_NOMEM: "there is no memory left for the database",
    sqlite3.SQLITE_PERM: "the database may not be opened: look at the rights of its file",
}

_POSTGRES = {
    "53100": "the disk is full",
    "53": "the database server is out of resources or connections",
    "57": "the database server is starting or stopping",
    "08": "the connection to the database was lost",
    "28": "the database server refuses our user or password",
    "3D": "the database does not exist on the server",
    "42501": "our user lacks rights in the database",
    "42": "the database is not as Berth made it",
    "25006": "the database is read-only",
    "55P03": "the database is locked by another program",
    "40": "the database was too busy",
    "58": "the disk of the database server does not read or write",
    "XX": "the database is damaged or its server failed",
}

_SQLITE_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_POSTGRES_BUSY = frozenset({"40", "55P03"})
"""After which a transaction is undone whole, and may be tried again."""

# Not all of its errors: a statement that cannot be compiled is a bug of ours, and shall look like one.
_SQLALCHEMY = (DBAPIError, PoolTimeoutError, PendingRollbackError, ResourceClosedError)

SILENT = "the database does not answer"


@contextmanager
def translated() -> Iterator[None]:
    """Raise RecordsError in place of what SQLAlchemy and the drivers raise."""
    try:
        yield
    except RecordsError:
        raise
    except (*_SQLALCHEMY, sqlite3.Error, OSError) as error:
        # "from None" and hidden parameters: a traceback must not show what was written.
        raise translate(error) from None


def translate(error: BaseException) -> RecordsError:
    """The error of ours that says what happened."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(error, IntegrityError):
        return AlreadyExists("there is such a record already")
    if isinstance(error, PoolTimeoutError):
        return Unavailable("the database is too busy: no connection became free")
    if isinstance(original, sqlite3.Error):
        # The low byte is the primary code; the rest only refines it.
        code = getattr(original, "sqlite_errorcode", None)
        if code is not None:
            kind = Busy if code & 0xFF in _SQLITE_BUSY else Unavailable
            return kind(_SQLITE.get(code & 0xFF, SILENT))
    state = _sqlstate(original)
    for length in (5, 2):
        if state and state[:length] in _POSTGRES:
            kind = Busy if state[:length] in _POSTGRES_BUSY else Unavailable
            return kind(_POSTGRES[state[:length]])
    if isinstance(error, DataError):
        return Invalid("a value cannot be stored in this database")
    return Unavailable(SILENT)


def _sqlstate(error: BaseException | None) -> str | None:
    while error is not None:
        state = getattr(error, "sqlstate", None)
        if isinstance(state, str):
            return state
        error = error.__cause__
    return None
