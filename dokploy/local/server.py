"""The model behind Dokploy's HTTP API: keys, methods, bodies and their errors (FACTS 5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dokploy.local.answers import Answer, refused, refused_text
from dokploy.local.dokploy import LocalDokploy

BODY_LIMIT: Final = 1024 * 1024

Input = Mapping[str, Any]


def create_app(dokploy: LocalDokploy) -> Starlette:
    """The ASGI application of one instance.

    While the instance is down (:meth:`LocalDokploy.restart`) every request raises
    ConnectionRefusedError: a transport that calls the application directly meets what a client
    meets on the network. The connection that a 413 poisons on a real Dokploy (FACTS 5) is the
    business of the HTTP server, not of this application.
    """

    async def health(_request: Request) -> Response:
        _require_up(dokploy)
        return JSONResponse({"ok": True})

    async def procedure(request: Request) -> Response:
        _require_up(dokploy)
        name = request.path_params["name"]
        given = await _input(request, name)
        if isinstance(given, Answer):
            return _response(given)
        key = request.headers.get("x-api-key")
        return _response(await dokploy.call(name, request.method, given, key))

    return Starlette(
        routes=[
            Route("/api/health", health, methods=["GET"]),
            Route("/api/{name}", procedure, methods=["GET", "POST"]),
        ]
    )


def _require_up(dokploy: LocalDokploy) -> None:
    if not dokploy.up:
        raise ConnectionRefusedError("Dokploy is being restarted")


async def _input(request: Request, name: str) -> Input | Answer:
    """The decoded input, or the error that comes before Dokploy looks at anything."""
    if request.method != "POST":
        # An empty parameter counts as none (err_one_empty).
        return {key: value for key, value in request.query_params.items() if value != ""}
    if int(request.headers.get("content-length") or 0) > BODY_LIMIT:
        return _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            return _too_large()
    kind = request.headers.get("content-type", "")
    if body and not kind.startswith("application/json"):
        return _unsupported(name, kind)
    try:
        given = json.loads(bytes(body)) if body else {}
    except ValueError:
        return refused_text(400, "Invalid JSON")
    return given if isinstance(given, dict) else {}


def _too_large() -> Answer:
    return refused_text(413, "Body exceeded 1mb limit")


def _unsupported(name: str, kind: str) -> Answer:
    code = "UNSUPPORTED_MEDIA_TYPE"
    data = {"code": code, "httpStatus": 415, "path": name, "zodError": None}
    message = f'Unsupported content-type "{kind}'
    return refused(415, {"message": message, "code": code, "data": data})


def _response(answer: Answer) -> Response:
    headers = {"content-type": answer.media} if answer.media else None
    return Response(answer.body, status_code=answer.status, headers=headers)
