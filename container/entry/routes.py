"""The one door: a token in, a cookie out. Open to all, and of no other use."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from container.contract import ENTER_PATH
from container.entry.answers import problem
from container.entry.entry import Entry
from container.entry.head import Head
from container.entry.refusal import Refused, Why

_MAX_BODY = 8 * 1024
"""Bytes; a token has some 300."""
_BODY_SECONDS = 10.0


def routes(entry: Entry, *, entered: Callable[[], None] = lambda: None) -> list[BaseRoute]:
    """``POST /enter`` exchanges a token, ``GET /enter`` tells whether a cookie serves, and renews it.

    ``entered`` is called when somebody was let in, who will want to see something.
    """

    async def exchange(request: Request) -> Response:
        head = Head(request.scope)
        try:
            _check_origin(entry, head)
            admission = await entry.exchange(await _token(request), head)
        except Refused as refused:
            return problem(refused, head)
        entered()
        # A form takes the place of a page, and there would be none after a 204.
        response = RedirectResponse("/", 303) if head.is_navigation else Response(status_code=204)
        if admission.cookie:
            response.headers["Set-Cookie"] = admission.cookie
        return response

    async def look(request: Request) -> Response:
        head = Head(request.scope)
        try:
            admission = await entry.admit(head)
        except Refused as refused:
            return problem(refused, head)
        return Response(
            status_code=204, headers={"Set-Cookie": admission.cookie} if admission.cookie else None
        )

    return [
        Route(ENTER_PATH, exchange, methods=["POST"]),
        Route(ENTER_PATH, look, methods=["GET"]),
    ]


def _check_origin(entry: Entry, head: Head) -> None:
    """A token may come from the page here, from the console's, or from a program that has no origin."""
    origin = head.headers.get("origin")
    if origin is not None and not head.is_own(origin) and origin != entry.console_origin:
        raise Refused(Why.FOREIGN, "a token is taken from this page or from Berth's alone")


async def _token(request: Request) -> str:
    """The token of a body, ``{"token": "…"}`` or the same as a form; empty where there is none."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await _body(request)
    try:
        if media_type == "application/x-www-form-urlencoded":
            return parse_qs(body.decode("ascii")).get("token", [""])[0]
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise _unreadable() from None
    token = given.get("token") if isinstance(given, dict) else None
    if not isinstance(token, str):
        raise _unreadable()
    return token


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _MAX_BODY:
                    raise _unreadable()
    except (TimeoutError, ClientDisconnect):
        raise _unreadable() from None
    return bytes(body)


def _unreadable() -> Refused:
    return Refused(Why.INVALID, 'token: send {"token": "…"} as JSON, or a form with the field token')
