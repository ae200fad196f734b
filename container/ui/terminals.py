"""The terminal panel: a tab for each terminal of the session, whoever opened it."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from nicegui import events, ui

from container.session import Session
from container.terminal.terminal import TerminalView
from container.ui.asking import ask_text
from container.ui.following import follow
from container.ui.saying import saying_why

_OPTIONS = MappingProxyType(
    {
        "cursorBlink": True,
        "fontSize": 13,
        "fontFamily": "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace",
        "scrollback": 5000,
        "theme": {"background": "#10181c", "foreground": "#e6eef1"},
    }
)


class Screen(ui.xterm, component="static/terminal.js"):
    """One terminal as the browser shows it; it talks to the terminal's own socket."""

    def __init__(self, terminal: str) -> None:
        super().__init__(dict(_OPTIONS))
        self._props["terminal"] = terminal
        self.on("refused", self._on_refused)

    def focus(self) -> None:
        """Take what is typed."""
        self.run_method("focus")

    @staticmethod
    def _on_refused(event: events.GenericEventArguments) -> None:
        ui.notify(str(event.args), type="warning", position="top")


class TerminalPanel:
    """Terminals live in the container: closing the page ends none, and each page shows them all."""

    def __init__(self, session: Session) -> None:
        self._terminals = session.terminals
        self._screens: dict[str, Screen] = {}
        self._chosen = ""
        self._drawn: tuple[object, ...] | None = None
        self._bar = ui.element("div").classes("bar").props('role="tablist"')
        self._place = ui.element("div").classes("screens")
        with self._place:
            self._empty = ui.label(
                "Open a terminal: a shell in the workspace, which outlives this page."
            ).classes("quiet empty")
        follow(self._terminals.subscribe, self._refresh)

    async def _refresh(self) -> None:
        views = {view.id: view for view in self._terminals.all()}
        for gone in self._screens.keys() - views.keys():
            self._screens.pop(gone).delete()
        if self._chosen not in views:
            self._choose(next(reversed(views), ""))
        self._empty.set_visibility(not views)
        self._draw_bar(tuple(views.values()))

    def _choose(self, id_: str) -> None:
        if id_ and id_ not in self._screens:
            with self._place:
                self._screens[id_] = Screen(id_)
        self._chosen = id_
        for each, screen in self._screens.items():
            screen.set_visibility(each == id_)
        if id_:
            self._screens[id_].focus()

    def _draw_bar(self, views: tuple[TerminalView, ...]) -> None:
        # A terminal tells of every change of its size, too; and who clicks twice must hit the same tab twice.
        drawn = (self._chosen, *((view.id, view.name, view.running) for view in views))
        if drawn == self._drawn:
            return
        self._drawn = drawn
        self._bar.clear()
        with self._bar:
            for view in views:
                self._draw_tab(view)
            ui.button(icon="add", on_click=self._open).props(
                'flat dense aria-label="Open a terminal"'
            ).tooltip("Open a terminal")

    def _draw_tab(self, view: TerminalView) -> None:
        chosen = view.id == self._chosen
        with ui.element("div").classes("tab chosen" if chosen else "tab"):
            name = view.name if view.running else f"{view.name} (ended)"
            button = ui.button(name, on_click=self._choosing(view.id)).props("flat dense no-caps role=tab")
            button.props(f'aria-selected="{str(chosen).lower()}"').tooltip("Click twice to rename it")
            button.on("dblclick", self._renaming(view))
            close = ui.button(icon="close", on_click=self._closing(view.id)).props("flat dense size=sm")
            close.props["aria-label"] = f"Close {view.name}"

    def _choosing(self, id_: str) -> Callable[[], None]:
        def on_click() -> None:
            self._choose(id_)
            self._draw_bar(self._terminals.all())

        return on_click

    def _closing(self, id_: str) -> events.Handler[events.ClickEventArguments]:
        async def on_click() -> None:
            with saying_why():
                await self._terminals.close(id_)

        return on_click

    def _renaming(self, view: TerminalView) -> events.Handler[events.GenericEventArguments]:
        async def on_double_click() -> None:
            name = await ask_text("Rename the terminal", label="Name", value=view.name, act="Rename")
            if name is not None:
                with saying_why():
                    self._terminals.rename(view.id, name)

        return on_double_click

    async def _open(self) -> None:
        with saying_why():
            view = await self._terminals.open()
            self._choose(view.id)
