"""The two lists of changed files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from nicegui import ui

from container.changes.difference import Side
from container.changes.status import Kind, Status
from container.ui.changes.files import File, files_of

MAX_SHOWN = 200
"""Files of a group that are drawn."""
_LETTERS = MappingProxyType(
    {
        Kind.MODIFIED: "M",
        Kind.ADDED: "A",
        Kind.DELETED: "D",
        Kind.RENAMED: "R",
        Kind.COPIED: "C",
        Kind.RETYPED: "T",
        Kind.UNTRACKED: "U",
        Kind.CONFLICTED: "!",
    }
)


@dataclass(frozen=True, slots=True)
class Uses:
    """What a person does with a file, and with all of a group."""

    show: Callable[[File], Awaitable[None]]
    move: Callable[[File], Awaitable[None]]
    """Into the other group."""
    move_all: Callable[[Side], Awaitable[None]]
    discard: Callable[[File], Awaitable[None]]


class Group:
    """One of the lists. It is drawn anew when another file is in it, and not when one is chosen."""

    def __init__(self, side: Side, uses: Uses) -> None:
        self._side = side
        self._uses = uses
        self._staged = side is Side.STAGED
        self._shown: object = None
        self._rows: dict[File, ui.element] = {}
        self._chosen: File | None = None
        self._place = ui.element("section").classes(f"group {side.value}")

    def show(self, status: Status, chosen: File | None) -> None:
        """As it is by now."""
        files = files_of(status, self._side)
        if (files, status.more) != self._shown:
            self._shown = files, status.more
            self._rows.clear()
            self._chosen = None
            self._place.clear()
            with self._place:
                self._draw(files, status)
        self.choose(chosen)

    def choose(self, file: File | None) -> None:
        """Mark the file whose difference is shown."""
        if file == self._chosen:
            return
        before, self._chosen = self._chosen, file
        if before in self._rows:
            self._rows[before].classes(remove="chosen")
        if file in self._rows:
            self._rows[file].classes(add="chosen")

    def _draw(self, files: tuple[File, ...], status: Status) -> None:
        with ui.element("div").classes("group-head"):
            ui.label("Staged" if self._staged else "Not staged").classes("group-name")
            ui.label(f"{len(files)}{'+' if status.more else ''}").classes("quiet")
            ui.element("span").classes("space")
            if files:
                name = "Unstage all" if self._staged else "Stage all"
                _button("remove" if self._staged else "add", name, partial(self._uses.move_all, self._side))
        for file in files[:MAX_SHOWN]:
            self._rows[file] = self._draw_file(file)
        if not files:
            ui.label("nothing").classes("quiet none")
        if len(files) > MAX_SHOWN or status.more:
            left = len(files) - MAX_SHOWN
            ui.label(f"… {left:,} more" if left > 0 else "… and more").classes("quiet none")

    def _draw_file(self, file: File) -> ui.element:
        with ui.element("div").classes(f"change {file.kind.value}") as row:
            with ui.element("div").classes("change-file").props('role="button" tabindex=0') as name:
                name.on("click", partial(self._uses.show, file))
                name.on("keydown.enter", partial(self._uses.show, file))
                ui.label(file.name).classes("change-name")
                ui.label(file.around).classes("change-around")
            with ui.element("div").classes("change-acts"):
                if file.discardable:
                    _button("undo", "Discard", partial(self._uses.discard, file))
                _button(
                    "remove" if self._staged else "add",
                    "Unstage" if self._staged else "Stage",
                    partial(self._uses.move, file),
                )
            ui.label(_LETTERS[file.kind]).classes("change-letter").props(f'title="{file.kind.value}"')
        return row


def _button(icon: str, name: str, act: Callable[[], Awaitable[None]]) -> None:
    ui.button(icon=icon, on_click=act).props(f'flat dense size=sm aria-label="{name}" title="{name}"')
