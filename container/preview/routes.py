"""The previews over HTTP: what is guarded from outside, and what its own key guards."""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from container.answering import route
from container.preview.addresses import PREFIX
from container.preview.previews import Previews
from container.refusal import Refusal, Why


def routes(previews: Previews) -> list[BaseRoute]:
    """What tells of previews: for who may enter the app alone."""

    async def index(_: Request) -> Response:
        return JSONResponse({"previews": [asdict(preview) for preview in await previews.ports()]})

    async def lead(request: Request) -> Response:
        """From a port that a person names to its address."""
        port = request.path_params["port"]
        if not (port.isascii() and port.isdigit()):
            raise Refusal(Why.INVALID, "port", "must be a number")
        rest = request.scope["raw_path"].decode("latin-1").removeprefix(f"{PREFIX}/{port}").lstrip("/")
        query = request.scope["query_string"].decode("latin-1")
        return RedirectResponse(previews.address(int(port)) + rest + (f"?{query}" if query else ""))

    return [
        route("/api/previews", index),
        route(f"{PREFIX}/{{port}}", lead),
        route(f"{PREFIX}/{{port}}/{{path:path}}", lead),
    ]


def keyed_routes(previews: Previews) -> list[BaseRoute]:
    """The previews themselves: each guarded by the key in its address, so outside of any other guard."""
    return [_Keyed(previews)]


class _Keyed(BaseRoute):
    """All below a preview's address; what has no such address is not matched."""

    def __init__(self, previews: Previews) -> None:
        self._previews = previews

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] not in {"http", "websocket"}:
            return Match.NONE, {}
        seen = self._previews.find(scope.get("raw_path", b"").decode("latin-1"))
        return (Match.NONE, {}) if seen is None else (Match.FULL, {"seen": seen})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._previews.serve(scope, receive, send)
