"""The prompts that wait, and why they do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from container.agent.agent import Agent
from container.agent.queue import Place, Waiting
from container.agent.view import AgentView
from container.ui.asking import ask_text
from container.ui.saying import saying_why


class LineView:
    """Those that wait can be changed, moved to the front, and taken back."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._place = ui.element("div").classes("line")
        self._shown: tuple[tuple[Waiting, ...], str] = ((), "")

    def show(self, view: AgentView) -> None:
        """The queue as it is by now."""
        if (view.waiting, view.held) == self._shown:
            return
        self._shown = view.waiting, view.held
        self._place.clear()
        with self._place:
            if view.held and view.waiting:
                with ui.element("div").classes("held"):
                    ui.label(f"Held: {view.held}")
                    ui.button("Go on", on_click=self._acting(self._agent.proceed)).props(
                        "no-caps dense unelevated"
                    )
            for waiting in view.waiting:
                self._draw(waiting)

    def _draw(self, waiting: Waiting) -> None:
        with ui.element("div").classes("waiting"):
            ui.icon("schedule")
            ui.label(waiting.text or ", ".join(file.name for file in waiting.attachments)).classes(
                "waiting-text"
            )
            for icon, name, act in (
                ("vertical_align_top", "Next", lambda: self._agent.move(waiting.id, Place.NEXT)),
                ("close", "Withdraw", lambda: self._agent.withdraw(waiting.id)),
            ):
                button = ui.button(icon=icon, on_click=self._acting(act))
                button.props(f'flat dense size=sm aria-label="{name}"').tooltip(name)
            ui.button(icon="edit", on_click=lambda: self._edit(waiting)).props(
                'flat dense size=sm aria-label="Change"'
            ).tooltip("Change")

    async def _edit(self, waiting: Waiting) -> None:
        text = await ask_text("Change the prompt", label="Prompt", value=waiting.text, act="Change")
        if text is not None:
            with saying_why():
                await self._agent.edit(waiting.id, text)

    @staticmethod
    def _acting(act: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def on_click() -> None:
            with saying_why():
                await act()

        return on_click
