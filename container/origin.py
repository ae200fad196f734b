"""Keeps pages of other origins from using a person's cookie against the session.

A browser sends the cookie with every request to us, whichever page makes it: also one of a preview,
which comes from our own address and runs as of an origin that is nobody's (``Origin: null``). So what
changes something, and every WebSocket, has to come from a page of ours, or from no page at all.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from container.answering import refused
from container.refusal import Refusal, Why

_HARMLESS = frozenset({"GET", "HEAD"})
_POLICY_VIOLATION = 1008


class OwnOriginOnly:
    """Refuses what a page of another origin asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        if scope["type"] not in {"http", "websocket"} or _is_welcome(HTTPConnection(scope)):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocket(scope, receive, send).close(_POLICY_VIOLATION)
        else:
            refusal = Refusal(Why.FORBIDDEN, "Origin", "a page of another origin may not ask for this")
            await refused(refusal)(scope, receive, send)


def _is_welcome(connection: HTTPConnection) -> bool:
    if connection.scope["type"] == "http" and connection.scope["method"] in _HARMLESS:
        return True
    origin = connection.headers.get("origin")
    # The scheme is the proxy's business: behind it, ours is always http.
    return origin is None or urlsplit(origin).netloc == connection.headers.get("host")
