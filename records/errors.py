"""What a store of records can answer other than the record.

::

    RecordsError
    ├── NotFound
    ├── AlreadyExists
    ├── Conflict             a stale resourceVersion, another uid, or an object being deleted
    ├── Expired              a watch from a revision that is no longer kept: list again
    ├── Invalid              the object breaks a rule; ``causes`` name the fields
    ├── TooNew               the database was written by a newer Berth
    ├── Unavailable          the database does not answer: locked, full, gone
    │   ├── Busy             it was locked or too busy for a transaction, of which nothing is left
    │   └── Unreadable       a secret's value cannot be opened with the keys at hand
    └── KeyFileInvalid       the file of encryption keys is unsafe or not one
"""

from __future__ import annotations


class RecordsError(Exception):
    """Base of all."""


class NotFound(RecordsError):
    """There is no such record."""


class AlreadyExists(RecordsError):
    """There is such a record already."""


class Conflict(RecordsError):
    """The write was made from a stale view; read again."""


class Expired(RecordsError):
    """The watch's start is no longer kept; list again."""


class Invalid(RecordsError):
    """The object breaks a rule."""

    def __init__(self, message: str, causes: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.causes = causes


class TooNew(RecordsError):
    """The database was written by a newer Berth than this one."""


class Unavailable(RecordsError):
    """The database does not answer."""


class Busy(Unavailable):
    """The database was locked or too busy; what was tried has left nothing, and may be tried again."""


class Unreadable(Unavailable):
    """A sealed value cannot be opened: its key is not in the ring, or it was tampered with."""


class KeyFileInvalid(RecordsError):
    """The file or variable of encryption keys cannot be used; the message says what to do."""
