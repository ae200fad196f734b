"""What can be done with what is selected, and with the directory around it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from container.tree.listing import Entry, Kind
from container.tree.tree import Tree
from container.ui.asking import ask_text, confirm
from container.ui.files.addresses import directory_address, file_address
from container.ui.files.directories import Directories
from container.ui.files.opened import OpenFile
from container.ui.files.uploads import Uploads
from container.ui.saying import saying_why
from container.ui.words import counted, visible

Act = Callable[[], Awaitable[None]]


class Toolbar:
    """A row of buttons; those that need something selected wait for it."""

    def __init__(
        self, tree: Tree, directories: Directories, opened: OpenFile, refresh: Callable[[], None]
    ) -> None:
        self._tree = tree
        self._directories = directories
        self._opened = opened
        uploads = Uploads(tree, directories)
        _button("note_add", "New file", self._new_file)
        _button("create_new_folder", "New directory", self._new_directory)
        _button("upload", "Upload", uploads.pick)
        ui.element("span").classes("space")
        self._rename = _button("drive_file_rename_outline", "Rename or move", self._move)
        self._download = _button("download", "Download what is selected", lambda: None)
        self._delete = _button("delete", "Delete", self._remove)
        _button("refresh", "Refresh", refresh)
        directories.on_choice(self._show)
        self._show()

    def _show(self) -> None:
        """What can be done now."""
        entry = self._directories.selected
        for button in (self._rename, self._download, self._delete):
            button.set_enabled(entry is not None)
        if entry is not None:
            address = directory_address if entry.kind is Kind.DIRECTORY else file_address
            self._download.props["href"] = address(entry.path)

    async def _new_file(self) -> None:
        path = await self._ask_name("New file")
        if path:
            with saying_why():
                await self._tree.create(path)
                await self._show_selected(path)
                await self._opened.open(path)

    async def _new_directory(self) -> None:
        path = await self._ask_name("New directory")
        if path:
            with saying_why():
                await self._tree.create_directory(path)
                await self._show_selected(path)

    async def _ask_name(self, what: str) -> str:
        """The path of something new, in the directory that is selected; nothing where none was named."""
        around = self._directories.directory
        name = await ask_text(
            what, label=f"Name in {visible(around) or 'the workspace'}", value="", act="Create"
        )
        return f"{around}/{name}" if name and around else name or ""

    async def _move(self) -> None:
        entry = self._directories.selected
        if entry is None:
            return
        to = await ask_text("Rename or move", label="Path in the workspace", value=entry.path, act="Rename")
        if not to or to == entry.path:
            return
        with saying_why():
            await self._tree.rename(entry.path, to)
            # At once, and not when it is found there: what is clicked meanwhile is meant for it.
            self._directories.select(to)
            self._opened.moved(entry.path, to)
            await self._show_selected(to)
            await self._opened.refresh()

    async def _show_selected(self, path: str) -> None:
        await self._directories.show(path)
        self._directories.select(path)

    async def _remove(self) -> None:
        entry = self._directories.selected
        if entry is None:
            return
        with saying_why():
            holds, detail = await self._told_of(entry)
            if await confirm(f"Delete {visible(entry.path)}?", detail, "Delete"):
                await (self._tree.remove_all if holds else self._tree.remove)(entry.path)
                self._opened.removed(entry.path)
                self._directories.select("")
                await self._directories.refresh()
                await self._opened.refresh()

    async def _told_of(self, entry: Entry) -> tuple[bool, str]:
        """Whether there is something in it, and what is said before it is deleted; raises Refusal."""
        if entry.kind is Kind.LINK:
            return False, "The link is deleted, and not what it leads to."
        if entry.kind is not Kind.DIRECTORY:
            return False, "It is gone then, unless git has it."
        listing = await self._tree.list(entry.path)
        if not listing.entries:
            return False, "The directory is empty."
        number = counted(len(listing.entries), "entry", "entries")
        more = " and more" if listing.more else ""
        return True, f"The directory has content: {number}{more}. All of it is deleted."


def _button(icon: str, name: str, act: Act | Callable[[], None]) -> ui.button:
    button = ui.button(icon=icon, on_click=act).props("flat dense size=sm")
    button.props["aria-label"] = name
    button.tooltip(name)
    return button
