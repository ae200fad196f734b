"""What is known of the API key: the secret itself, and what its refusals tell.

A key over its rate limit is answered just like a revoked one: 401, without a word more (FACTS 6).
Two things tell them apart, and both take more than one answer: a limited key is taken again later,
and at the edge of its limit Dokploy may let it in and refuse the call (FACTS-2 8), which it never
does with a revoked one.
"""

from __future__ import annotations

from collections.abc import Generator
from enum import Enum, auto

import httpx
from pydantic import SecretStr

from dokploy.limiter import Clock

_HEADER = "x-api-key"
_LIMIT_REMEMBERED = 86_400.0
"""Seconds for which a key that showed its limit is taken for limited: the default limit counts by
the day (FACTS 6). One that is refused for longer was revoked, too."""


class KeyHeader(httpx.Auth):
    """Puts the key on each request as it leaves, so that no client and no request is built with it."""

    def __init__(self, key: SecretStr) -> None:
        self._key = SecretStr(key.get_secret_value().strip())

    @property
    def is_sendable(self) -> bool:
        """Whether the key can stand in a header at all."""
        text = self._key.get_secret_value()
        return bool(text) and text.isascii() and text.isprintable()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request once, with the key."""
        request.headers[_HEADER] = self._key.get_secret_value()
        yield request


class KeyStanding(Enum):
    """What the answers so far tell of a key that is refused now."""

    NEVER_ACCEPTED = auto()
    """Wrong, revoked, expired, or over its limit since before the first call."""
    NO_LONGER_ACCEPTED = auto()
    """Revoked, expired, disabled or over its limit: nobody can tell which yet."""
    LIMITED = auto()
    """Over its rate limit: it came back before, or was refused as only a limited key is."""


class KeyHistory:
    """When the key was accepted and refused."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._was_accepted = False
        self._limited: float | None = None
        """When it last showed that it is limited."""
        self._refused = False
        self._at_edge = False

    @property
    def is_refused(self) -> bool:
        """Whether the key was refused last."""
        return self._refused

    def accepted(self, *, after_refusal: bool) -> None:
        """Dokploy knew the key, and answered the call.

        ``after_refusal``: the call was sent when the key was refused already. One that was under way
        when the key was revoked says nothing of the key now.
        """
        self._was_accepted = True
        if self._refused and not after_refusal:
            return
        if self._refused:
            self._limited = self._clock()
        self._refused = self._at_edge = False

    def at_edge(self) -> KeyStanding:
        """Dokploy let the key in and then did not know it any more, within one call."""
        self._was_accepted = self._at_edge = True
        return self._standing()

    def refused(self) -> KeyStanding:
        """Dokploy did not know the key."""
        if self._at_edge:
            self._limited = self._clock()
        self._refused = True
        self._at_edge = False
        return self._standing()

    def _standing(self) -> KeyStanding:
        if self._limited is not None and self._clock() - self._limited < _LIMIT_REMEMBERED:
            return KeyStanding.LIMITED
        return KeyStanding.NO_LONGER_ACCEPTED if self._was_accepted else KeyStanding.NEVER_ACCEPTED
