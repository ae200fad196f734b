"""The single-session app: a page, its data, and the two health paths; the workbench behind a guard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from container.changes.routes import routes as change_routes
from container.contract import HEALTH_PATH, READY_PATH
from container.origin import OwnOriginOnly
from container.page import asset, index, list_top, overview
from container.preview.routes import keyed_routes
from container.preview.routes import routes as preview_routes
from container.session import Session
from container.terminal.routes import routes as terminal_routes
from container.tree.routes import routes as tree_routes

OVERVIEW_PATH = "/api/overview"
_ASSETS = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}


Guard = Callable[[ASGIApp], ASGIApp]
"""Lets through to an app who may enter, and nobody else."""


def build_app(session: Session, *, guard: Guard | None = None) -> ASGIApp:
    """The app of one session. Terminals, files, changes and previews are served behind a guard alone."""

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
    ]
    routes += [Route(f"/static/{name}", _asset(name, kind)) for name, kind in _ASSETS.items()]
    if guard is not None:
        routes += keyed_routes(session.previews)
        routes.append(Mount("", guard(OwnOriginOnly(Router(workbench_routes(session))))))
    # Around all of it, so that an answer to a defect is guarded too.
    return Guarded(Starlette(routes=routes), console_origin=session.settings.console_origin)


def workbench_routes(session: Session) -> list[BaseRoute]:
    """Terminals, files, changes, and what tells of previews: for who may enter alone."""
    return [
        *terminal_routes(session.terminals),
        *tree_routes(session.tree),
        *change_routes(session.changes),
        *preview_routes(session.previews),
    ]


def _asset(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    content = asset(name)

    async def send_asset(_: Request) -> Response:
        return Response(content, media_type=kind)

    return send_asset


class Guarded:
    """Adds to every answer what keeps a browser from being used against the session.

    A policy that an answer brings itself stays: that of an image, or of a preview.
    """

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
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_guarded)
