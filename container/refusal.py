"""What a person asks for and cannot have: named by field, with the remedy."""

from __future__ import annotations

from enum import Enum


class Why(Enum):
    """The kind of a refusal; its value is the status that HTTP has for it."""

    INVALID = 400
    """The value itself is wrong."""
    FORBIDDEN = 403
    """It is nothing that is done here, whoever asks."""
    ABSENT = 404
    """There is no such thing."""
    CONFLICT = 409
    """Not now: the state must change first."""
    TOO_LARGE = 413
    """It is more than is taken."""
    UNTOLD = 428
    """It must be said which version is meant."""
    NO_ROOM = 507
    """It cannot be stored: the disk is full, or cannot be written."""
    UNREACHABLE = 502
    """Something else that is needed does not answer."""


class Refusal(Exception):
    """The request changed nothing. ``field`` is empty where no field is to blame."""

    def __init__(self, why: Why, field: str, message: str) -> None:
        super().__init__(message)
        self.why = why
        self.field = field
        self.message = message
