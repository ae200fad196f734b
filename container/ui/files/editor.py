"""The editor of a text, and what the browser tells about the page around it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING

from nicegui import events, ui

if TYPE_CHECKING:
    from nicegui.elements.codemirror.constants import SUPPORTED_LANGUAGES as LANGUAGE
    from nicegui.elements.codemirror.constants import SUPPORTED_THEMES as THEME

_LIGHT: THEME = "githubLight"
_DARK: THEME = "githubDark"


class Draft(Enum):
    """How the text in the editor stands to what was saved."""

    SAVED = auto()
    UNSAVED = auto()


class Desk(ui.element, component="../static/desk.js"):
    """Hears whether the page is dark; asks whoever closes it while there are unsaved changes."""

    def __init__(self, on_dark: Callable[[], None]) -> None:
        super().__init__()
        self.theme: THEME = _LIGHT
        self._on_dark = on_dark
        self.props["unsaved"] = False
        self.on("dark", self._on_mode)

    def tell(self, draft: Draft) -> None:
        """How the text stands to what was saved."""
        unsaved = draft is Draft.UNSAVED
        if self.props["unsaved"] != unsaved:
            self.props["unsaved"] = unsaved

    def _on_mode(self, event: events.GenericEventArguments) -> None:
        self.theme = _DARK if event.args is True else _LIGHT
        self._on_dark()


class Editor(ui.codemirror):
    """The text is here as it is typed: the browser sends what changes, one change after the other."""

    def __init__(self, text: str, *, language: LANGUAGE | None, theme: THEME) -> None:
        super().__init__(text, language=language, theme=theme, indent="    ", line_wrapping=False)

    def _apply_change_set(self, sections: list[int], inserted: list[list[str]]) -> str:
        """A change of another text than this one, sent just as this one was put in its place, is no change.

        The places that it names are those of the other text: it would be put anywhere. The browser
        gets this one once more.
        """
        text: str = self.value
        if sum(sections[::2]) == len(self._codepoints):
            text = super()._apply_change_set(sections, inserted)
        else:
            self.update()
        return text
