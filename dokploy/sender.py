"""HTTP as Berth needs it of Dokploy: one request, one answer, and the key on it."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Mapping
from typing import Protocol

import httpx
from pydantic import SecretStr

from container import outgoing
from dokploy.keys import KeyHeader
from dokploy.translation import Answer
from dokploy.trust import trust

_CONNECT_SECONDS = 5.0
_KEEP_ALIVE_SECONDS = 4.0
"""Dokploy's server (Node) closes an idle connection after 5 s. One that we give up earlier is never
met half closed, when a change would be sent into nothing and its fate stay unknown."""

# Each request's line would be a line of the log, two and more a tick; our own tell more.
for _chatty in ("httpx", "httpcore"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)


class Sender(Protocol):
    """The way to one Dokploy, with one key."""

    @property
    def has_sendable_key(self) -> bool:
        """Whether the key can stand in a header at all."""
        ...

    async def get(self, name: str, values: Mapping[str, object]) -> Answer:
        """Read: the values in the query. Raises httpx.RequestError."""
        ...

    async def post(self, name: str, values: Mapping[str, object]) -> Answer:
        """Change: the values as JSON in the body. Raises httpx.RequestError."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class HttpSender:
    """Sends over connections that are kept.

    The environment's proxies and ``.netrc`` are left aside: the key goes to Dokploy and nowhere
    else.

    Raises:
        ValueError: the URL cannot be one.
    """

    def __init__(
        self, url: str, key: SecretStr, *, in_flight: int, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        base = _base_of(url)
        self._key = KeyHeader(key)
        self._http = outgoing.client(
            base_url=base,
            auth=self._key,
            headers={"accept": "application/json", "user-agent": "berth"},
            # The whole call has a deadline of its own; a connection that is not made is told apart.
            timeout=httpx.Timeout(None, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(
                max_connections=None,
                max_keepalive_connections=in_flight,
                keepalive_expiry=_KEEP_ALIVE_SECONDS,
            ),
            verify=trust(base.scheme),
            transport=transport,
        )

    @property
    def has_sendable_key(self) -> bool:
        """Whether the key can stand in a header at all."""
        return self._key.is_sendable

    async def get(self, name: str, values: Mapping[str, object]) -> Answer:
        """Read: the values in the query. Raises httpx.RequestError."""
        query = {part: str(value) for part, value in values.items()}
        return await self._send(self._http.build_request("GET", self._address(name), params=query or None))

    async def post(self, name: str, values: Mapping[str, object]) -> Answer:
        """Change: the values as JSON in the body. Raises httpx.RequestError."""
        request = self._http.build_request(
            "POST",
            self._address(name),
            content=json.dumps(values, separators=(",", ":")).encode(),
            headers={"content-type": "application/json"},
        )
        return await self._send(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _send(self, request: httpx.Request) -> Answer:
        response = await self._http.send(request, stream=True)
        try:
            if response.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
                # Left unread, so that the connection is closed: Dokploy answers nothing more on
                # it (FACTS 5).
                return Answer(response.status_code, b"")
            return Answer(response.status_code, await response.aread())
        finally:
            await response.aclose()

    def _address(self, name: str) -> httpx.URL:
        return _address(self._http.base_url, name)


def _base_of(url: str) -> httpx.URL:
    try:
        base = httpx.URL(url.strip().rstrip("/") + "/api/")
    except httpx.InvalidURL:
        base = httpx.URL("")
    if base.scheme not in {"http", "https"} or not base.host:
        raise ValueError("url: give http:// or https:// and a host")
    if base.userinfo or base.query or base.fragment:
        raise ValueError("url: give it without user, password, query and fragment")
    return base


@functools.lru_cache(maxsize=512)
def _address(base: httpx.URL, name: str) -> httpx.URL:
    """Put together once for each: to do it for every call is a third of making a request."""
    return base.join(name)
