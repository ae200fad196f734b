"""The chat panel: the transcript, what waits, and where to write."""

from __future__ import annotations

from nicegui import ui

from container.agent.agent import Agent
from container.session import Session
from container.ui.chat.composer import Composer
from container.ui.chat.entries import Entries
from container.ui.chat.line import LineView
from container.ui.chat.standing import Standing
from container.ui.following import follow
from container.ui.saying import saying_why


class ChatPanel:
    """The talk with the agent. What is newest is at the bottom, and stays in sight."""

    def __init__(self, session: Session) -> None:
        self._agent: Agent = session.agent
        self._standing = Standing(self._agent)
        # Turned around twice, it holds on to its end by itself, and to its place when somebody reads above.
        with ui.element("div").classes("scroll"), ui.element("div").classes("scrolled"):
            self._entries = Entries(self._agent, self._answer)
            self._working = ui.spinner("dots").classes("working")
        self._line = LineView(self._agent)
        self._composer = Composer(self._agent)
        self._show()
        follow(self._agent.subscribe, self._refresh)

    async def _refresh(self) -> None:
        await self._entries.refresh()
        self._show()

    def _show(self) -> None:
        view = self._agent.view()
        self._standing.show(view)
        self._line.show(view)
        self._composer.show(view)
        self._working.set_visibility(view.turn is not None and not view.permissions)

    async def _answer(self, request: str, option: str) -> None:
        with saying_why():
            await self._agent.answer(request, option)
