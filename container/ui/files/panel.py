"""The files panel: the tree at the left, the open file at the right."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from container.refusal import Refusal
from container.session import Session
from container.tree.tree import Tree
from container.ui.files.directories import Directories
from container.ui.files.opened import OpenFile
from container.ui.files.toolbar import Toolbar
from container.ui.watching import watch


class FilesPanel:
    """Both are as the disk is, a few seconds later at most."""

    def __init__(self, session: Session) -> None:
        self._tree: Tree = session.tree
        ask = watch(self._subscribe, self._refresh)
        with ui.splitter(value=28, limits=(12, 70)).classes("split files") as split:
            with split.after:
                self._opened = OpenFile(self._tree)
            with split.before, ui.element("div").classes("side"):
                bar = ui.element("div").classes("bar files-bar")
                self._trouble = ui.label().classes("notice")
                self._directories = Directories(self._tree, self._opened.open)
                with bar:
                    Toolbar(self._tree, self._directories, self._opened, ask)

    def _subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        return self._tree.subscribe(lambda _: changed())

    async def _refresh(self) -> None:
        trouble = ""
        try:
            await self._directories.refresh()
        except Refusal as refusal:
            trouble = refusal.message
        self._trouble.set_text(trouble)
        self._trouble.set_visibility(bool(trouble))
        await self._opened.refresh()
