"""The page in NiceGUI: what the browser loads, and a shell for each one that is opened."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from html import escape
from importlib import resources

from fastapi import FastAPI
from nicegui import ui
from starlette.types import ASGIApp

from container.session import Session
from container.ui.panels import PANELS, Panel
from container.ui.shell import Shell

_RECONNECT = 30.0
"""Seconds for which a page that lost its connection is kept as it is."""
_PRIMARY = "#1a7288"
_BUILD = 10.0
"""Seconds in which a page has to be built, on a machine that is busy."""


@asynccontextmanager
async def running(session: Session) -> AsyncIterator[ASGIApp]:
    """The page of a session, for as long as it may be opened."""
    around = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    for path, panel in (("/", Panel.CHAT), *((panel.path, panel) for panel in PANELS)):
        ui.page(path, title=session.settings.title, response_timeout=_BUILD)(_builder(session, panel))
    ui.run_with(
        around,
        favicon=str(resources.files("container").joinpath("static", "icon.svg")),
        language="en-US",
        dark=None,  # as the person's system has it
        tailwind=False,  # a compiler in every page; workbench.css is all there is to style
        reconnect_timeout=_RECONNECT,
        binding_refresh_interval=None,
        show_welcome_message=False,
    )
    async with around.router.lifespan_context(around):
        yield around


def _builder(session: Session, panel: Panel) -> Callable[[], None]:
    console = escape(session.settings.console_origin or "", quote=True)

    def build() -> None:
        ui.add_head_html(
            f'<meta name="berth-console" content="{console}">'
            # No link takes the page's place: in the console's frame there would be no way back.
            '<base target="_blank">'
            '<link rel="stylesheet" href="/static/workbench.css">'
            '<script src="/static/storage.js"></script>'
            '<script type="module" src="/static/enter.js"></script>'
        )
        ui.colors(primary=_PRIMARY)
        Shell(session, panel)

    return build
