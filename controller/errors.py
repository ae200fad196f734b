"""What may happen next when something went wrong; every error becomes one of these.

======== =======================================================================
RETRY    again after a backoff: it may pass by itself
WAIT     again at a set time: nothing is wrong, something else has to happen first
STALL    not before the spec, a secret or the target changes: a person has to act
FREEZE   the whole target rests: its key or its answers cannot be trusted
======== =======================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from crds.vocabulary import Reason
from dokploy.errors import (
    Ambiguous,
    DokployError,
    Effect,
    Failed,
    Invalid,
    NotFound,
    Unauthorized,
    Unreachable,
    Unsupported,
    VolumeInUse,
)


class Next(Enum):
    """What happens next."""

    RETRY = "retry"
    WAIT = "wait"
    STALL = "stall"
    FREEZE = "freeze"


@dataclass(frozen=True, slots=True)
class Failure:
    """Something went wrong: what happens next, and why, in words for the session's owner."""

    next: Next
    reason: Reason
    message: str
    effect: Effect = Effect.NONE


class Unresolved(Exception):
    """A record asks for something that is not there or not allowed; a person has to act."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def failure_of(error: DokployError) -> Failure:
    """Say what happens next after a call failed; the only place that judges Dokploy's errors."""
    text = error.message
    match error:
        case Unauthorized(throttled=True):
            return Failure(Next.FREEZE, Reason.TARGET_THROTTLED, text)
        case Unauthorized():
            return Failure(Next.FREEZE, Reason.TARGET_UNAUTHORIZED, text)
        case Unsupported():
            return Failure(Next.FREEZE, Reason.TARGET_UNSUPPORTED, text)
        case VolumeInUse():
            return Failure(Next.WAIT, Reason.STORAGE_IN_USE, text)
        case Invalid():
            return Failure(Next.STALL, Reason.INVALID_SPEC, text)
        case NotFound():
            return Failure(Next.RETRY, Reason.NOT_OBSERVED, text)
        case Unreachable() | Ambiguous() | Failed():
            return Failure(Next.RETRY, Reason.TARGET_UNREACHABLE, text, error.effect)
        case _:
            return Failure(Next.RETRY, Reason.CONTROLLER_ERROR, text, error.effect)
