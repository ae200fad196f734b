"""The one way out to Dokploy: a call waits its turn, is sent, and its answer is understood once."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import Mapping
from typing import TypeVar

import httpx

from dokploy.answers import Shape
from dokploy.errors import Ambiguous, DokployError, Unauthorized, Unreachable
from dokploy.keys import KeyHeader, KeyHistory
from dokploy.limiter import Limiter
from dokploy.procedures import Procedure
from dokploy.retry import Repeater
from dokploy.translation import Answer, error_of
from dokploy.trust import trust

_T = TypeVar("_T")

_CONNECT_SECONDS = 5.0
_KEEP_ALIVE_SECONDS = 4.0
"""Dokploy's server (Node) closes an idle connection after 5 s. One that we give up earlier is never
met half closed, when a change would be sent into nothing and its fate stay unknown."""

_NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

# Each request's line would be a line of the log, two and more a tick; our own tell more.
for _chatty in ("httpx", "httpcore"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)


def open_http(
    url: str, key: KeyHeader, *, in_flight: int, transport: httpx.AsyncBaseTransport | None
) -> httpx.AsyncClient:
    """Make the HTTP client of one Dokploy; raise ValueError for a URL that cannot be one.

    The environment's proxies and ``.netrc`` are left aside: the key goes to Dokploy and nowhere
    else.
    """
    try:
        base = httpx.URL(url.strip().rstrip("/") + "/api/")
    except httpx.InvalidURL:
        base = httpx.URL("")
    if base.scheme not in {"http", "https"} or not base.host:
        raise ValueError("url: give http:// or https:// and a host")
    if base.userinfo or base.query or base.fragment:
        raise ValueError("url: give it without user, password, query and fragment")
    return httpx.AsyncClient(
        base_url=base,
        auth=key,
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
        trust_env=False,
        follow_redirects=False,
    )


class Unshown(dict[str, object]):
    """Values with secrets among them: they do not show where an error's frames are printed."""

    def __repr__(self) -> str:
        return "{…}"


class Calls:
    """Calls one Dokploy with one key."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        key: KeyHeader,
        *,
        limiter: Limiter,
        repeater: Repeater,
        history: KeyHistory,
    ) -> None:
        self._http = http
        self._key = key
        self._limiter = limiter
        self._repeater = repeater
        self._history = history

    async def call(self, procedure: Procedure, values: Mapping[str, object], shape: Shape[_T]) -> _T:
        """Call, repeated as its class allows; each try waits its turn anew. Raises DokployError."""

        async def attempt() -> _T:
            async with self._limiter.slot():
                answer = await self._exchange(procedure, values)
            return self._understand(procedure, answer, values, shape)

        return await self._repeater.run(procedure, attempt)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _exchange(self, procedure: Procedure, values: Mapping[str, object]) -> Answer:
        if not self._key.is_sendable:
            message = "the API key is empty or holds characters that no key has"
            raise Unauthorized(procedure.name, message, throttled=False)
        error: DokployError
        try:
            async with asyncio.timeout(procedure.seconds):
                return await self._send(procedure, values)
        except (httpx.RequestError, TimeoutError) as cause:
            error = _no_answer(procedure, cause)
        # Raised outside of the handler: the cause holds the request, and that the key and the body.
        raise error

    async def _send(self, procedure: Procedure, values: Mapping[str, object]) -> Answer:
        response = await self._http.send(self._request(procedure, values), stream=True)
        try:
            if response.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
                # Left unread, so that the connection is closed: Dokploy answers nothing more on
                # it (FACTS 5).
                return Answer(response.status_code, b"")
            return Answer(response.status_code, await response.aread())
        finally:
            await response.aclose()

    def _request(self, procedure: Procedure, values: Mapping[str, object]) -> httpx.Request:
        if procedure.is_reading:
            query = {name: str(value) for name, value in values.items()}
            return self._http.build_request("GET", procedure.name, params=query or None)
        return self._http.build_request(
            "POST",
            procedure.name,
            content=json.dumps(values, separators=(",", ":")).encode(),
            headers={"content-type": "application/json"},
        )

    def _understand(
        self, procedure: Procedure, answer: Answer, values: Mapping[str, object], shape: Shape[_T]
    ) -> _T:
        if answer.status != httpx.codes.OK:
            raise error_of(procedure, answer, sent=values.keys(), history=self._history)
        try:
            value = shape(answer.body)
        except ValueError:
            pass
        else:
            self._history.accepted()
            return value
        # Raised outside of the handler: the cause quotes the answer.
        raise Ambiguous(procedure.name, "Berth cannot read the answer")


def _no_answer(procedure: Procedure, cause: Exception) -> DokployError:
    if isinstance(cause, _NOTHING_SENT):
        if _is_any(cause, ssl.SSLError):
            return Unreachable(
                procedure.name, "the certificate or the TLS of Dokploy's address is not accepted"
            )
        return Unreachable(procedure.name, "no connection: Dokploy is down, or the target's URL is wrong")
    if isinstance(cause, (httpx.TimeoutException, TimeoutError)):
        return Ambiguous(procedure.name, f"no answer within {procedure.seconds:.0f} s")
    return Ambiguous(procedure.name, "the connection was cut before the answer")


def _is_any(error: BaseException, kind: type[BaseException]) -> bool:
    """Whether the error or what led to it is of this kind."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, kind):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
