"""The preview panel: what programs of the session serve, in a frame."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from container.preview.previews import Preview, Previews
from container.session import Session
from container.ui.saying import saying_why

_LOOK = 3.0
_MAX_PORT = 65535


class PreviewPanel:
    """A choice of ports, and the page behind one of them. The frame has no part in the session's page."""

    def __init__(self, session: Session) -> None:
        self._previews: Previews = session.previews
        self._ports: tuple[Preview, ...] = ()
        self._address = ""
        with ui.element("div").classes("bar"):
            self._choices = ui.element("div").classes("choices")
            port = ui.number("Port", min=1, max=_MAX_PORT, precision=0).props("dense outlined")
            port.on("keydown.enter", lambda: self._show_port(int(port.value or 0)))
            ui.button("Show", on_click=lambda: self._show_port(int(port.value or 0))).props(
                "flat dense no-caps"
            )
            ui.element("span").classes("space")
            self._reload = ui.button(icon="refresh", on_click=self._load).props(
                'flat dense aria-label="Reload"'
            )
            self._open = ui.link("Open in a tab", "#", new_tab=True).props('rel="noopener"').classes("quiet")
        self._empty = ui.label("Start a program that serves on a port, and it appears here.").classes(
            "quiet empty"
        )
        self._place = ui.element("div").classes("frame-place")
        self._tell_address("")
        ui.timer(_LOOK, self._look)

    async def _look(self) -> None:
        ports = await self._previews.ports()
        if ports == self._ports:
            return
        self._ports = ports
        self._choices.clear()
        with self._choices:
            for preview in ports:
                ui.button(f"{preview.port} {preview.program}", on_click=self._showing(preview.port)).props(
                    "flat dense no-caps"
                )

    def _showing(self, port: int) -> Callable[[], None]:
        return lambda: self._show_port(port)

    def _show_port(self, port: int) -> None:
        with saying_why():
            self._tell_address(self._previews.address(port))
            self._load()

    def _tell_address(self, address: str) -> None:
        self._address = address
        self._reload.set_visibility(bool(address))
        self._open.set_visibility(bool(address))
        self._open.props(f'href="{address}"')
        self._empty.set_visibility(not address)

    def _load(self) -> None:
        self._place.clear()
        with self._place:
            ui.element("iframe").props(f'src="{self._address}" title="Preview"')
