"""The panels of the page, and where each is. Pure."""

from __future__ import annotations

from enum import StrEnum


class Panel(StrEnum):
    """One panel; its value is its name in the address."""

    CHAT = "chat"
    TERMINAL = "terminal"
    FILES = "files"
    CHANGES = "changes"
    PREVIEW = "preview"
    SESSION = "session"

    @property
    def path(self) -> str:
        """Its address."""
        return f"/{self.value}"

    @property
    def heading(self) -> str:
        """What a person reads."""
        return self.value.capitalize()


PANELS = tuple(Panel)


def panel_of(path: str) -> Panel | None:
    """The panel at an address; None for any other address."""
    return next((panel for panel in PANELS if panel.path == path), None)
