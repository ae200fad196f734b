"""The single-session app: a page, its data, the agent's routes, and the two health paths."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from container.agent.routes import routes as agent_routes
from container.contract import HEALTH_PATH, READY_PATH
from container.page import asset, index, list_top, overview
from container.session import Session

OVERVIEW_PATH = "/api/overview"
_ASSETS = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}


def build_app(session: Session) -> ASGIApp:
    """The app of one session."""

    async def health(_: Request) -> Response:
        return JSONResponse(session.health())

    async def ready(_: Request) -> Response:
        return PlainTextResponse("ready\n")

    async def look(_: Request) -> Response:
        files = await run_in_threadpool(list_top, session.settings.workspace)
        return JSONResponse(overview(session, files))

    page = index(session.settings)

    async def show(_: Request) -> Response:
        return HTMLResponse(page)

    routes: list[BaseRoute] = [
        Route(HEALTH_PATH, health),
        Route(READY_PATH, ready),
        Route(OVERVIEW_PATH, look),
        Route("/", show),
        *agent_routes(session.agent),
    ]
    routes += [Route(f"/static/{name}", _asset(name, kind)) for name, kind in _ASSETS.items()]
    # Around all of it, so that an answer to a defect is guarded too.
    return Guarded(Starlette(routes=routes), console_origin=session.settings.console_origin)


def _asset(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    content = asset(name)

    async def send_asset(_: Request) -> Response:
        return Response(content, media_type=kind)

    return send_asset


class Guarded:
    """Adds to every answer what keeps a browser from being used against the session."""

    def __init__(self, app: ASGIApp, *, console_origin: str | None) -> None:
        self._app = app
        framed_by = console_origin or "'self'"
        self._headers = {
            "Content-Security-Policy": (
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                f"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {framed_by}"
            ),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with our headers."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, send_guarded)
