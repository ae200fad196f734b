"""Why somebody is not let in, in words for whoever reads the answer."""

from __future__ import annotations

from enum import StrEnum


class Why(StrEnum):
    """The reason, which a program may branch on."""

    NO_KEY = "NoKey"
    NOT_ENTERED = "NotEntered"
    INVALID = "TokenInvalid"
    EXPIRED = "TokenExpired"
    USED = "TokenUsed"
    FOREIGN = "ForeignOrigin"

    @property
    def status(self) -> int:
        """The status of the answer: 403 is for those who are known and ask from elsewhere."""
        return 403 if self is Why.FOREIGN else 401


class Refused(Exception):
    """Not let in; the message tells what to do and holds nothing of a token."""

    def __init__(self, why: Why, message: str) -> None:
        super().__init__(message)
        self.why = why
        self.message = message
