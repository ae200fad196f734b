"""Passes a request on to a previewed program, and its answer back, both as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from container.preview import headers as passed
from container.preview.addresses import Passing, Seen
from container.refusal import Refusal, Why

if TYPE_CHECKING:
    import httpx

MAX_CONNECTIONS = 64
"""To all programs together; who comes after them waits up to ten seconds."""
_CONNECT, _WRITE, _POOL = 5.0, 60.0, 10.0
FIRST_WORD = 120.0
"""Seconds that a program gets to begin its answer; the rest of it may take its time."""


Target = Callable[[int, int | None], Awaitable[str]]
"""The address of a port, given the app's own; raises Refusal."""


class Proxy:
    """Passes requests on. Nothing of them is kept but what the two connections hold."""

    def __init__(self, target: Target, console_origin: str | None) -> None:
        self._target = target
        self._policy = passed.policy(console_origin)
        self._client: httpx.AsyncClient | None = None

    async def aclose(self) -> None:
        """Let go of all connections."""
        if self._client is not None:
            await self._client.aclose()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the program does, or say why it does not."""
        request = Request(scope, receive)
        response = await self._answer(request, scope["seen"])
        await response(scope, receive, send)

    async def _answer(self, request: Request, seen: Seen) -> Response:
        origin = request.headers.get("origin")
        method = request.headers.get("access-control-request-method")
        if request.method == "OPTIONS" and origin == "null" and method is not None:
            asked = request.headers.get("access-control-request-headers", "")
            allowed = Response(status_code=204)
            return _with(allowed, self._policy, passed.shared(origin, ()), passed.preflight(method, asked))
        try:
            address = await self._target(seen.port, own_port(request.scope))
            found = await self._ask(request, seen, address)
        except Refusal as refusal:
            words = f"Port {seen.port} {refusal.message}.\n"
            refused = PlainTextResponse(words, refusal.why.value)
            return _with(refused, self._policy, passed.shared(origin, ()))
        whole = seen.passing is Passing.WHOLE
        told = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in found.headers.raw]
        given = passed.to_browser(told, seen.port, seen.prefix, whole=whole)
        response = StreamingResponse(_body(found), found.status_code)
        response.raw_headers = []
        return _with(response, given, self._policy, passed.shared(origin, (name for name, _ in given)))

    async def _ask(self, request: Request, seen: Seen, address: str) -> httpx.Response:
        import httpx  # noqa: PLC0415 - a fifth of a second, for whoever looks at a preview

        sent = httpx.Request(
            request.method,
            httpx.URL(scheme="http", host=address, port=seen.port, raw_path=raw_path(request.scope, seen)),
            headers=_raw(passed.to_program(request.headers.items(), seen.port, seen.prefix)),
            content=request.stream() if _has_body(request) else None,
        )
        try:
            async with asyncio.timeout(FIRST_WORD):
                return await self._open().send(sent, stream=True)
        except httpx.ConnectError:
            message = "is not listened on; start the program first"
            raise Refusal(Why.UNREACHABLE, "port", message) from None
        except httpx.PoolTimeout:
            message = "has too many requests under way; try again"
            raise Refusal(Why.UNREACHABLE, "port", message) from None
        except (httpx.TransportError, TimeoutError) as error:
            message = f"does not answer as it should ({type(error).__name__})"
            raise Refusal(Why.UNREACHABLE, "port", message) from None

    def _open(self) -> httpx.AsyncClient:
        import httpx  # noqa: PLC0415 - see above

        from container import outgoing  # noqa: PLC0415 - it brings httpx

        if self._client is None:
            self._client = outgoing.client(
                timeout=httpx.Timeout(None, connect=_CONNECT, write=_WRITE, pool=_POOL),
                verify=False,
                limits=httpx.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=5.0),
            )
        return self._client


def own_port(scope: Scope) -> int | None:
    """The port that this connection came in at."""
    server = scope.get("server")
    return server[1] if server else None


def raw_path(scope: Scope, seen: Seen) -> bytes:
    """What the program is asked for, as it was sent: nothing of it is decoded and encoded again."""
    path: bytes = scope["raw_path"]
    if seen.passing is Passing.SHORT:
        path = path[len(seen.prefix) - 1 :]
    query: bytes = scope["query_string"]
    return path + b"?" + query if query else path


def _has_body(request: Request) -> bool:
    return "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"


def _with(response: Response, *headers: passed.Headers) -> Response:
    # Set as they are: there may be several of one name.
    for some in headers:
        response.raw_headers += _raw(some)
    return response


def _raw(headers: passed.Headers) -> list[tuple[bytes, bytes]]:
    """Byte for byte as they came: in a header, too, anything may stand."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


async def _body(found: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in found.aiter_raw():
            yield chunk
    finally:
        await found.aclose()
