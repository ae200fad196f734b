"""What can go wrong between us and a Dokploy, in our own words.

::

    DokployError                 carries the procedure and whether a change may have happened
    ├── Unreachable              nothing was sent: refused, no route, name not found
    ├── Ambiguous                sent, and no usable answer: time-out, cut connection, garbled body
    ├── Failed                   a 5xx answer; Dokploy may have done part of it
    ├── Unauthorized             401: the key is not taken, or may not do this
    ├── NotFound                 404: the object is not there
    ├── Invalid                  400, 413, 415: the same call will never succeed
    ├── VolumeInUse              the volume's container has not gone yet (FACTS-2 2)
    └── Unsupported              a version or a role that we refuse to work with

No message holds any part of a foreign body: Dokploy echoes SQL with its parameters and the
commands it ran (FACTS 5, FACTS-2 2).
"""

from __future__ import annotations

from enum import Enum


class Effect(Enum):
    """Whether a failed call may have changed anything."""

    NONE = "none"
    UNKNOWN = "unknown"


class DokployError(Exception):
    """Base of all; ``str()`` is safe to show to a session's owner."""

    effect: Effect = Effect.NONE

    def __init__(self, procedure: str, message: str) -> None:
        super().__init__(f"{procedure}: {message}")
        self.procedure = procedure
        self.message = message


class Unreachable(DokployError):
    """No connection: nothing was sent."""


class Ambiguous(DokployError):
    """Sent, and no usable answer."""

    effect = Effect.UNKNOWN


class Failed(DokployError):
    """Dokploy answered with a failure of its own."""

    effect = Effect.UNKNOWN

    def __init__(self, procedure: str, message: str, *, status: int) -> None:
        super().__init__(procedure, message)
        self.status = status


class Unauthorized(DokployError):
    """The key is not accepted now, or may not do this.

    ``throttled``: it is known to be over its rate limit. ``of_key``: it is the key that is refused,
    and with it any call; otherwise this one call alone.
    """

    def __init__(self, procedure: str, message: str, *, throttled: bool, of_key: bool = True) -> None:
        super().__init__(procedure, message)
        self.throttled = throttled
        self.of_key = of_key


class NotFound(DokployError):
    """The object is not there."""


class Invalid(DokployError):
    """The call is refused for what it says; repeating it is of no use."""


class VolumeInUse(DokployError):
    """The volume is still held by a container that is going away."""


class Unsupported(DokployError):
    """A Dokploy or a key that Berth refuses to work with, and why."""
