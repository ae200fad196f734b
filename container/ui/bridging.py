"""The page's end of the bridge to the console around it, as an element."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import events, ui

from container.contract import Attention
from container.ui.panels import Panel, panel_of


class BridgeEnd(ui.element, component="static/bridge_end.js"):
    """Tells the console title, attention and panel; hears where to go, and whether anybody looks."""

    def __init__(
        self, title: str, panel: Panel, *, go: Callable[[Panel], None], looked: Callable[[], None]
    ) -> None:
        super().__init__()
        self._props["title"] = title
        self._props["path"] = panel.path
        self._props["attention"] = Attention.UNKNOWN.value
        self.visible_to_person = False
        self._go, self._looked = go, looked
        self.on("navigate", self._on_navigate)
        self.on("looking", self._on_looking)

    def tell(self, attention: Attention) -> None:
        """What the agent wants by now."""
        if self._props["attention"] != attention.value:
            self._props["attention"] = attention.value
            self.update()

    def show(self, panel: Panel) -> None:
        """Where the page is by now."""
        self._props["path"] = panel.path
        self.update()

    def _on_navigate(self, event: events.GenericEventArguments) -> None:
        panel = panel_of(str(event.args).partition("?")[0])
        if panel is not None:
            self._go(panel)

    def _on_looking(self, event: events.GenericEventArguments) -> None:
        self.visible_to_person = event.args is True
        if self.visible_to_person:
            self._looked()
