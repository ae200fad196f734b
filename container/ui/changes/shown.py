"""The difference of the chosen file."""

from __future__ import annotations

from nicegui import ui

from container.changes.changes import Changes
from container.changes.difference import Difference, Side
from container.git_failures import GitFailure
from container.refusal import Refusal
from container.ui.changes.files import File
from container.ui.chat.bodies import draw_diff_lines
from container.ui.words import visible

_CUT = "The difference is larger than what is shown of it."
_TELLING = ("Binary files ", "new file mode", "deleted file mode", "old mode", "new mode", "rename ", "copy ")
"""Of what stands before the lines, what a person wants to know."""


class Shown:
    """It is drawn anew when it is another one."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._repository = ""
        self._file: File | None = None
        self._drawn: object = None
        self._place = ui.element("div").classes("difference")
        self._draw(None, None)

    async def show(self, repository: str, file: File | None) -> None:
        """The difference of a file as it is by now; None for no file."""
        self._repository, self._file = repository, file
        difference = None if file is None else await self._read(repository, file)
        if (self._repository, self._file) != (repository, file):
            return  # another one was chosen meanwhile
        drawn = (repository, file, difference)
        if drawn != self._drawn:
            self._drawn = drawn
            self._place.clear()
            with self._place:
                self._draw(file, difference)

    async def _read(self, repository: str, file: File) -> Difference | str:
        """The difference, or why there is none."""
        try:
            return await self._changes.diff(file.path, file.side, repository=repository)
        except (Refusal, GitFailure) as error:
            return error.message

    def _draw(self, file: File | None, difference: Difference | str | None) -> None:
        if file is None or difference is None:
            with self._place:
                ui.label("Choose a file to see what was changed in it.").classes("quiet empty")
            return
        with ui.element("div").classes("bar difference-head"):
            ui.label(visible(file.path)).classes("mono file-name")
            ui.element("span").classes("space")
            ui.label("staged" if file.side is Side.STAGED else "not staged").classes("pill")
            if isinstance(difference, Difference):
                _draw_counts(difference)
        with ui.element("div").classes("difference-body"):
            if isinstance(difference, str):
                ui.label(difference).classes("quiet")
            else:
                _draw_difference(difference)


def _draw_counts(difference: Difference) -> None:
    for file in difference.files:
        if not file.binary:
            ui.label(f"+{file.added}").classes("mono").props('data-tone="good"')
            ui.label(f"−{file.deleted}").classes("mono").props('data-tone="bad"')  # noqa: RUF001 - a minus


def _draw_difference(difference: Difference) -> None:
    head, lines = parted(difference.text)
    for line in head:
        ui.label(line).classes("mono quiet")
    if lines:
        draw_diff_lines(lines)
    if not head and not lines:
        ui.label("There is no difference any more.").classes("quiet")
    if not difference.whole:
        ui.label(_CUT).classes("quiet")


def parted(text: str) -> tuple[list[str], list[str]]:
    """What git says about the file, and the lines that differ. Pure."""
    lines = text.removesuffix("\n").split("\n")
    first = next((number for number, line in enumerate(lines) if line.startswith("@@")), len(lines))
    return [line for line in lines[:first] if line.startswith(_TELLING)], lines[first:]
