"""Does one thing at a time in a repository, and says why it failed and what git said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from container.git_failures import GitFailure
from container.ui.saying import saying_why

Act = Callable[[], Awaitable[object]]
Handler = Callable[[], Awaitable[None]]


class Acting:
    """Buttons rest while something is under way; what went wrong stays to be read until it is put away."""

    def __init__(self, place: ui.element) -> None:
        self._place = place
        """What is said is said here: what was clicked may be drawn anew meanwhile."""
        self._running = False
        self._buttons: list[ui.button] = []
        with ui.element("div").classes("failure").props('role="alert"') as self._failure:
            with ui.element("div").classes("failure-head"):
                self._message = ui.label()
                ui.button(icon="close", on_click=self._put_away).props(
                    'flat dense size=sm aria-label="Put away"'
                )
            self._said = ui.label().classes("output mono")
        self._put_away()

    def button(self, name: str, icon: str, act: Act) -> ui.button:
        """A button that stays; while it does its thing it turns, and the others rest."""

        async def on_click() -> None:
            button.props["loading"] = not self._running
            await self.run(act)
            button.props["loading"] = False

        button = ui.button(name, icon=icon, on_click=on_click).props("flat dense no-caps")
        self._buttons.append(button)
        return button

    def doing(self, act: Act) -> Handler:
        """A handler that does something."""

        async def on_event() -> None:
            await self.run(act)

        return on_event

    async def run(self, act: Act) -> bool:
        """Whether it was done. Nothing is, while something else is under way."""
        if self._running:
            return False
        with self._place:
            self._put_away()
            self._rest(resting=True)
            try:
                with saying_why():
                    await act()
                    return True
            except GitFailure as failure:
                self._tell(failure)
            finally:
                self._rest(resting=False)
        return False

    def _rest(self, *, resting: bool) -> None:
        self._running = resting
        self._place.classes(add="busy") if resting else self._place.classes(remove="busy")
        for button in self._buttons:
            button.set_enabled(not resting)

    def _tell(self, failure: GitFailure) -> None:
        self._message.set_text(f"{failure.message[:1].upper()}{failure.message[1:]} ({failure.reason}).")
        self._said.set_text(failure.said.strip())
        self._said.set_visibility(bool(failure.said.strip()))
        self._failure.set_visibility(True)

    def _put_away(self) -> None:
        self._failure.set_visibility(False)
