"""What stands above the open file: its name, what can be done, and how it stands to the disk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum

from nicegui import ui

from container.tree.reading import Content
from container.ui.files.addresses import file_address
from container.ui.files.editor import Draft
from container.ui.words import size, visible

Act = Callable[[], Awaitable[None]]


class Standing(Enum):
    """The file on the disk, beside what is shown; its value is what is said of it."""

    AS_READ = ""
    CHANGED = "The file was changed on the disk, and you have changes that are not saved."
    GONE = "The file is no longer on the disk."


class Head:
    """Two lines: one about the file, and one when something is to be decided."""

    def __init__(self, *, save: Act, reload: Act, overwrite: Act) -> None:
        with ui.element("div").classes("bar file-head") as self._bar:
            self._name = ui.label().classes("mono file-name")
            self._dot = ui.label("●").classes("dot").props('title="not saved" aria-label="not saved"')
            ui.element("span").classes("space")
            self._size = ui.label().classes("quiet")
            self._save = ui.button("Save", icon="save", on_click=save).props("flat dense no-caps")
            self._download = ui.button(icon="download").props('flat dense aria-label="Download"')
            self._download.tooltip("Download")
        with ui.element("div").classes("held file-standing").props('role="status"') as self._line:
            self._said = ui.label()
            self._reload = ui.button("Reload", on_click=reload).props("flat dense no-caps")
            self._overwrite = ui.button(on_click=overwrite).props("unelevated dense no-caps")
        self._problem = ui.label().classes("file-problem notice")
        self._standing = Standing.CHANGED
        self.clear()

    def name(self, content: Content) -> None:
        """The file that it is about."""
        self._bar.set_visibility(True)
        self._name.set_text(visible(content.path))
        self._size.set_text(size(content.bytes))
        self._download.props["href"] = file_address(content.path)

    def clear(self) -> None:
        """There is no file."""
        for element in (self._bar, self._problem, self._dot):
            element.set_visibility(False)
        self.stand(Standing.AS_READ)

    def say(self, problem: str) -> None:
        """Why it cannot be edited; nothing where it can be."""
        self._problem.set_text(f"The file {problem}." if problem else "")
        self._problem.set_visibility(bool(problem))
        self._save.set_visibility(not problem)

    def tell(self, draft: Draft) -> None:
        """How the text stands to what was saved."""
        unsaved = draft is Draft.UNSAVED
        self._dot.set_visibility(unsaved)
        self._save.set_enabled(unsaved)

    def stand(self, standing: Standing) -> None:
        """How it stands to the disk."""
        if standing is self._standing:
            return
        self._standing = standing
        self._said.set_text(standing.value)
        self._line.set_visibility(standing is not Standing.AS_READ)
        self._reload.set_visibility(standing is Standing.CHANGED)
        self._overwrite.set_text("Overwrite" if standing is Standing.CHANGED else "Save it again")
