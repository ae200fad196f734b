"""What a person asks of the agent and cannot have: named by field, with the remedy."""

from __future__ import annotations

from enum import Enum


class Why(Enum):
    """The kind of a refusal; its value is the status that HTTP has for it."""

    INVALID = 400
    """The value itself is wrong."""
    ABSENT = 404
    """There is no such thing."""
    CONFLICT = 409
    """Not now: the state must change first."""
    TOO_LARGE = 413
    """It is more than is taken."""


class Refusal(Exception):
    """The request changed nothing. ``field`` is empty where no field is to blame."""

    def __init__(self, why: Why, field: str, message: str) -> None:
        super().__init__(message)
        self.why = why
        self.field = field
        self.message = message
