"""Loads the page when somebody first comes to the door, and then serves it.

NiceGUI takes about a second and 30 MB to load. Most sessions are watched by the controller alone, and
all of them have to answer it within a second of their start: so the page is no part of the start.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
from types import ModuleType
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from container.ui.panels import PANELS

if TYPE_CHECKING:
    from container.session import Session

_MODULES = ("container.agent.conversation", "container.ui.pages")
"""What speaks to agents comes first: see :func:`load`."""
PATHS = frozenset({"/", "/favicon.ico", *(panel.path for panel in PANELS)})
"""Where the page is: at each of its panels."""
_PARTS = ("/_nicegui/", "/_nicegui_ws/")


def load() -> ModuleType:
    """Load the page's module, and before it the one that speaks to agents, which a page soon asks for.

    Its package parses hundreds of texts as Python while it is loaded, and NiceGUI does while it draws.
    CPython fails one of two threads that do so at once (https://github.com/python/cpython/issues/106905).
    So nothing is drawn before the package is there, whichever starts first, the agent or the page.
    """
    conversation, pages = _MODULES
    with contextlib.suppress(ModuleNotFoundError):  # it is missing: the agent says so
        importlib.import_module(conversation)
    return importlib.import_module(pages)


class Page:
    """The page as an ASGI app. One in a process: NiceGUI keeps its pages in the module."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._loading: asyncio.Task[ASGIApp] | None = None
        self._running = contextlib.AsyncExitStack()

    def warm(self) -> None:
        """Somebody is about to open it."""
        if self._loading is None:
            self._loading = asyncio.get_running_loop().create_task(self._load())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A request for the page, or for one of its parts; others find nothing."""
        self.warm()
        assert self._loading is not None  # noqa: S101 - warm() made it
        app = await asyncio.shield(self._loading)
        gone = False

        async def hear() -> Message:
            nonlocal gone
            message = await receive()
            gone = gone or message["type"] == "http.disconnect"
            return message

        try:
            await app(scope, hear, send)
        except RuntimeError:
            # Its middlewares call it a defect that nobody is answered who left meanwhile.
            if not gone:
                raise

    async def aclose(self) -> None:
        """Let go of the open pages."""
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.wait([self._loading])
        await self._running.aclose()

    async def _load(self) -> ASGIApp:
        # It looks for what was stored there before, and makes the directory only to store something.
        os.environ.setdefault("NICEGUI_STORAGE_PATH", str(self._session.settings.data / "page"))
        pages = await asyncio.to_thread(load)
        app: ASGIApp = await self._running.enter_async_context(pages.running(self._session))
        return app


class PageRoute(BaseRoute):
    """All that the page is made of."""

    def __init__(self, page: ASGIApp) -> None:
        self._page = page

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether it is the page's."""
        path = scope["path"] if scope["type"] in {"http", "websocket"} else ""
        return (Match.FULL if path in PATHS or path.startswith(_PARTS) else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand it on."""
        await self._page(scope, receive, send)


async def no_page(scope: Scope, receive: Receive, send: Send) -> None:
    """In place of the page, where there is none: an app for programs alone."""
    await PlainTextResponse("this session has no page\n", 404)(scope, receive, send)
