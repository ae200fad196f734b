"""The single-session app: a page, agent and workbench, the health paths, and the gate around it all."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from container.agent.routes import routes as agent_routes
from container.answering import refused
from container.assets import asset
from container.changes.routes import routes as change_routes
from container.contract import HEALTH_PATH, QUESTION, QUESTION_FORM, READY_PATH
from container.entry.guard import Guard
from container.entry.routes import routes as entry_routes
from container.overview import overview
from container.preview.routes import keyed_routes
from container.preview.routes import routes as preview_routes
from container.refusal import Refusal, Why
from container.session import Session
from container.terminal.routes import routes as terminal_routes
from container.tree.routes import routes as tree_routes
from container.ui.loading import PageRoute, no_page

OVERVIEW_PATH = "/api/overview"
_QUESTION = re.compile(QUESTION_FORM)
_ASSETS = {
    "bridge.js": "text/javascript",
    "enter.css": "text/css",
    "enter.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "storage.js": "text/javascript",
    "workbench.css": "text/css",
}


def build_app(
    session: Session, page: ASGIApp = no_page, *, entered: Callable[[], None] = lambda: None
) -> ASGIApp:
    """The app of one session. Only those who entered reach it, but for the health paths and the door.

    ``page`` is what people see; ``entered`` is called when somebody was let in.
    """

    async def health(request: Request) -> Response:
        question = request.query_params.get(QUESTION)
        if question is None:
            return JSONResponse(session.health())
        if not _QUESTION.fullmatch(question):
            return refused(Refusal(Why.INVALID, QUESTION, f"must match {QUESTION_FORM}"))
        return JSONResponse(await session.answer(question))

    async def ready(_: Request) -> Response:
        return PlainTextResponse("ready\n")

    async def look(_: Request) -> Response:
        return JSONResponse(overview(session))

    routes: list[BaseRoute] = [
        Route(HEALTH_PATH, health),
        Route(READY_PATH, ready),
        Route(OVERVIEW_PATH, look),
        PageRoute(page),
        *entry_routes(session.entry, entered=entered),
        *agent_routes(session.agent),
        *terminal_routes(session.terminals),
        *tree_routes(session.tree),
        *change_routes(session.changes),
        *preview_routes(session.previews),
    ]
    routes += [Route(f"/static/{name}", _asset(name, kind)) for name, kind in _ASSETS.items()]
    # Around all of it, so that an answer to a defect is guarded too.
    # Previews know who they are for by a key in their address, and answer with policies of their own.
    return Guard(Starlette(routes=routes), session.entry, outside=keyed_routes(session.previews))


def _asset(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    content = asset(name)

    async def send_asset(_: Request) -> Response:
        return Response(content, media_type=kind)

    return send_asset
