"""API keys: whose they are, and the rate limit that looks like a revoked key (FACTS 6)."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

DAY_MS = 86_400_000
DEFAULT_UNITS = 10
UNITS_PER_CALL = 2
"""Dokploy checks a key twice per call."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls."""

    role: str
    user_id: str
    member_id: str

    @property
    def may_all(self) -> bool:
        """Owners and admins may do everything; members nothing that Berth needs."""
        return self.role in ("owner", "admin")


@dataclass(slots=True)
class ApiKey:
    """One key. ``window`` in milliseconds."""

    secret: str = field(repr=False)
    caller: Caller
    limited: bool = False
    window: int = DAY_MS
    units: int = DEFAULT_UNITS
    used: int = 0
    last: float | None = None
    revoked: bool = False
    shown: dict[str, Any] = field(default_factory=dict)
    """What ``user.get`` tells of it."""

    def spend(self, now: float) -> bool:
        """Take one unit; False when none is left.

        No fixed window: the count starts again only after a whole window without an accepted call.
        """
        if not self.limited:
            return True
        if self.last is not None and (now - self.last) * 1000 > self.window:
            self.used = 0
        if self.used >= self.units:
            return False
        self.used += 1
        self.last = now
        return True


class Refused(Enum):
    """How a key is refused."""

    UNKNOWN = auto()
    """It is unknown, revoked or spent: nobody can tell which."""
    AT_EDGE = auto()
    """The last unit was spent by the first of the two checks of this very call (FACTS-2 8)."""


class Keys:
    """All keys of an instance."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._keys: list[ApiKey] = []

    def add(self, key: ApiKey) -> None:
        """Accept a key from now on."""
        self._keys.append(key)

    def revoke(self, secret: str) -> None:
        """Refuse a key from now on."""
        for key in self._keys:
            if key.secret == secret:
                key.revoked = True

    def owned_by(self, user_id: str) -> list[dict[str, Any]]:
        """What ``user.get`` lists."""
        return [key.shown for key in self._keys if key.caller.user_id == user_id and key.shown]

    def admit(self, given: str | None) -> Caller | Refused:
        """Who calls with this key, or how it is refused."""
        if not given:
            return Refused.UNKNOWN
        secret = given.encode()
        found = next((key for key in self._keys if hmac.compare_digest(key.secret.encode(), secret)), None)
        if found is None or found.revoked:
            return Refused.UNKNOWN
        now = self._clock()
        spent = [found.spend(now) for _ in range(UNITS_PER_CALL)]
        if not spent[0]:
            return Refused.UNKNOWN
        return found.caller if all(spent) else Refused.AT_EDGE
