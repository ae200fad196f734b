"""What surrounds the panels: who the session is, how it stands, and the way from panel to panel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from nicegui import background_tasks, events, ui

from container.contract import AgentState, WorkspaceState
from container.session import Session
from container.ui.bridging import BridgeEnd
from container.ui.changes.panel import ChangesPanel
from container.ui.chat.chat import ChatPanel
from container.ui.files.panel import FilesPanel
from container.ui.following import follow
from container.ui.overview import SessionPanel
from container.ui.panels import PANELS, Panel
from container.ui.previews import PreviewPanel
from container.ui.terminals import TerminalPanel
from container.ui.words import plain, standing, tone, work

_LOOK = 2.0
"""Seconds between two looks at the session's health."""
_ICONS = MappingProxyType(
    {
        Panel.CHAT: "forum",
        Panel.TERMINAL: "terminal",
        Panel.FILES: "folder",
        Panel.CHANGES: "difference",
        Panel.PREVIEW: "web",
        Panel.SESSION: "info",
    }
)
_BUILDERS: Mapping[Panel, Callable[[Session], object]] = MappingProxyType(
    {
        Panel.TERMINAL: TerminalPanel,
        Panel.FILES: FilesPanel,
        Panel.CHANGES: ChangesPanel,
        Panel.PREVIEW: PreviewPanel,
        Panel.SESSION: SessionPanel,
    }
)


class Shell:
    """One open page. A panel is built when it is first shown."""

    def __init__(self, session: Session, panel: Panel) -> None:
        self._session = session
        self._panel = panel
        self._places: dict[Panel, ui.element] = {}
        self._built: set[Panel] = set()
        self._chat: ChatPanel | None = None
        self._bridge = BridgeEnd(session.settings.title, panel, go=self._go, looked=self._seen)
        with ui.element("div").classes("shell"):
            self._head()
            self._notices = ui.element("div").classes("notices")
            with ui.element("main"):
                for each in PANELS:
                    self._places[each] = ui.element("section").classes(f"panel {each.value}")
                    self._places[each].set_visibility(each is panel)
        self._show(panel)
        self._look()
        ui.timer(_LOOK, self._look)
        follow(session.agent.subscribe, self._follow_agent)

    def _head(self) -> None:
        settings = self._session.settings
        with ui.element("header"):
            with ui.element("div").classes("name"):
                with ui.element("h1"):
                    ui.label(settings.title)
                ui.label(
                    f"{settings.namespace}/{settings.name}" if settings.namespace else settings.session
                ).classes("quiet")
            with ui.tabs().props("dense no-caps inline-label") as tabs:
                for panel in PANELS:
                    ui.tab(panel.value, label=panel.heading, icon=_ICONS[panel])
            tabs.set_value(self._panel.value)
            tabs.on_value_change(self._on_tab)
            self._tabs = tabs
            with ui.element("div").classes("states"):
                self._attention = ui.label().classes("pill")
                self._work = ui.label().classes("pill")

    def _on_tab(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self._show(Panel(event.value))

    def _go(self, panel: Panel) -> None:
        self._tabs.set_value(panel.value)

    def _show(self, panel: Panel) -> None:
        self._places[self._panel].set_visibility(False)
        self._panel = panel
        place = self._places[panel]
        place.set_visibility(True)
        self._bridge.show(panel)
        if panel not in self._built:
            self._built.add(panel)
            with place:
                self._build(panel)
        self._seen()

    def _build(self, panel: Panel) -> None:
        if panel is Panel.CHAT:
            self._chat = ChatPanel(self._session)
        else:
            _BUILDERS[panel](self._session)

    def _seen(self) -> None:
        """The agent's news count as seen while somebody looks at them."""
        if self._panel is Panel.CHAT and self._bridge.visible_to_person:
            agent = self._session.agent
            background_tasks.create(agent.see(agent.revision), name="see")

    async def _follow_agent(self) -> None:
        self._tell_attention()
        self._seen()

    def _tell_attention(self) -> None:
        attention = self._session.agent.attention
        self._bridge.tell(attention)
        said = standing(attention, AgentState(self._session.agent.report()["state"]))
        _say(self._attention, f"agent: {plain(said)}", tone(said))

    def _look(self) -> None:
        health = self._session.health()
        self._tell_attention()
        report = health["work"]
        _say(self._work, plain(report["state"]), tone(report["state"]))
        self._work.props["title"] = work(report)
        notices = [f"{notice['source']}: {notice['message']}" for notice in health.get("notices", ())]
        workspace = health["workspace"]
        if workspace["state"] in {WorkspaceState.FAILED, WorkspaceState.PREPARING}:
            notices.insert(0, f"The workspace is {plain(workspace['state'])}: {workspace['message']}")
        self._tell_notices(notices)

    def _tell_notices(self, notices: list[str]) -> None:
        if [
            label.text for label in self._notices.default_slot.children if isinstance(label, ui.label)
        ] == notices:
            return
        self._notices.clear()
        with self._notices:
            for notice in notices:
                ui.label(notice).classes("notice").props('role="status"')


def _say(label: ui.label, text: str, how: str) -> None:
    if label.text != text:
        label.set_text(text)
        label.props(f'data-tone="{how}"')
