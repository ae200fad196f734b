"""The terminals over HTTP, and one of them over a WebSocket.

On the socket, binary messages are output one way and what is typed the other. Text is JSON. We say
``{"type": "position", "position": n, "lost": n}`` before the first output and wherever some has
fallen out, ``{"type": "exit", "code": …, "signal": …}`` at the end, and ``{"type": "error",
"error": {…}}``; the other side says ``{"type": "resize", "rows": n, "columns": n}``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from container.answering import Body, body, checked, error_of, number, route
from container.refusal import Refusal, Why
from container.terminal.scrollback import Piece
from container.terminal.terminal import TerminalView
from container.terminal.terminals import Terminals

PREFIX = "/api/terminals"
_NORMAL, _GONE, _REFUSED = 1000, 1012, 4000


class OpenBody(Body):
    """A new terminal."""

    name: str | None = None
    rows: int = 24
    columns: int = 80


class ChangeBody(Body):
    """Another name, another size, or both."""

    name: str | None = None
    rows: int | None = None
    columns: int | None = None


class ResizeFrame(Body):
    """The one word on the socket that is no typing."""

    type: Literal["resize"]
    rows: int
    columns: int


def routes(terminals: Terminals) -> list[BaseRoute]:
    """All of it."""

    async def index(_: Request) -> Response:
        return JSONResponse({"terminals": [asdict(view) for view in terminals.all()]})

    async def create(request: Request) -> Response:
        asked = await body(request, OpenBody)
        view = await terminals.open(asked.name, rows=asked.rows, columns=asked.columns)
        return JSONResponse(asdict(view), 201)

    async def show(request: Request) -> Response:
        return JSONResponse(asdict(terminals.view(request.path_params["id"])))

    async def change(request: Request) -> Response:
        return JSONResponse(
            asdict(_change(terminals, request.path_params["id"], await body(request, ChangeBody)))
        )

    async def remove(request: Request) -> Response:
        await terminals.close(request.path_params["id"])
        return Response(status_code=204)

    async def socket(websocket: WebSocket) -> None:
        await _talk(terminals, websocket)

    return [
        route(PREFIX, index),
        route(PREFIX, create, "POST"),
        route(PREFIX + "/{id}", show),
        route(PREFIX + "/{id}", change, "PATCH"),
        route(PREFIX + "/{id}", remove, "DELETE"),
        WebSocketRoute(PREFIX + "/{id}/socket", socket),
    ]


def _change(terminals: Terminals, id_: str, asked: ChangeBody) -> TerminalView:
    view = terminals.view(id_)
    if asked.rows is not None or asked.columns is not None:
        rows = view.rows if asked.rows is None else asked.rows
        columns = view.columns if asked.columns is None else asked.columns
        view = terminals.resize(id_, rows, columns)
    return view if asked.name is None else terminals.rename(id_, asked.name)


async def _talk(terminals: Terminals, websocket: WebSocket) -> None:
    id_ = websocket.path_params["id"]
    await websocket.accept()  # a refusal before that could not say why
    try:
        pieces = terminals.watch(id_, number(websocket, "after", terminals.view(id_).start))
    except Refusal as refusal:
        await _send_error(websocket, refusal)
        await websocket.close(_REFUSED, refusal.message[:100])
        return
    showing = asyncio.create_task(_show(websocket, pieces))
    hearing = asyncio.create_task(_hear(terminals, id_, websocket))
    try:
        await asyncio.wait([showing, hearing], return_when=asyncio.FIRST_COMPLETED)
        if not hearing.done():
            await _say_end(terminals, id_, websocket)
    except WebSocketDisconnect:
        pass
    finally:
        for task in (showing, hearing):
            task.cancel()
        await asyncio.gather(showing, hearing, return_exceptions=True)


async def _show(websocket: WebSocket, pieces: AsyncIterator[Piece]) -> None:
    told = False
    async for piece in pieces:
        if piece.lost or not told:
            await websocket.send_json({"type": "position", "position": piece.position, "lost": piece.lost})
            told = True
        await websocket.send_bytes(piece.data)


async def _say_end(terminals: Terminals, id_: str, websocket: WebSocket) -> None:
    try:
        view = terminals.view(id_)
    except Refusal:  # closed, not only ended
        await websocket.close(_GONE, "the terminal was closed")
        return
    await websocket.send_json({"type": "exit", "code": view.exit_code, "signal": view.signal})
    await websocket.close(_NORMAL)


async def _hear(terminals: Terminals, id_: str, websocket: WebSocket) -> None:
    while (message := await websocket.receive())["type"] == "websocket.receive":
        try:
            if message.get("bytes") is not None:
                terminals.write(id_, message["bytes"])
            else:
                frame = checked(message.get("text") or "", ResizeFrame)
                terminals.resize(id_, frame.rows, frame.columns)
        except Refusal as refusal:
            await _send_error(websocket, refusal)
            if refusal.why is Why.ABSENT:
                return


async def _send_error(websocket: WebSocket, refusal: Refusal) -> None:
    await websocket.send_json({"type": "error", "error": error_of(refusal)})
