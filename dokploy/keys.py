"""What is known of the API key: the secret itself, and whether it comes and goes.

A key over its rate limit is answered just like a revoked one: 401, without a word more (FACTS 6).
The difference shows in time only: a limited key also gets through.
"""

from __future__ import annotations

from collections.abc import Generator

import httpx
from pydantic import SecretStr

from dokploy.limiter import Clock

_HEADER = "x-api-key"
_RECENT = 600.0
"""Seconds after an accepted call in which a refusal speaks for a limit, not for a lost key."""
_LIMIT_REMEMBERED = 86_400.0
"""Seconds for which a key once seen to come back is taken for limited: the default limit counts
by the day (FACTS 6)."""


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


class KeyHistory:
    """When the key was accepted and refused."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._accepted: float | None = None
        self._came_back: float | None = None
        self._refused = False

    def accepted(self) -> None:
        """Dokploy knew the key."""
        now = self._clock()
        if self._refused:
            self._came_back = now
        self._refused = False
        self._accepted = now

    def refused(self) -> bool:
        """Dokploy did not know the key; tells whether that speaks for a rate limit."""
        now = self._clock()
        self._refused = True
        recently = self._accepted is not None and now - self._accepted < _RECENT
        limited = self._came_back is not None and now - self._came_back < _LIMIT_REMEMBERED
        return recently or limited
