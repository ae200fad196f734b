"""The file that is open: its text in an editor, or what else can be shown of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from nicegui import ui

from container.refusal import Refusal, Why
from container.tree.reading import Content
from container.tree.tree import Tree
from container.ui.asking import Answer, choose, danger, proposed
from container.ui.files.addresses import image_address
from container.ui.files.editor import Desk, Draft, Editor
from container.ui.files.endings import Ending, ending_of
from container.ui.files.head import Head, Standing
from container.ui.files.languages import language_of
from container.ui.saying import saying_why
from container.ui.words import visible

_STAY, _DISCARD, _SAVE = Answer("Stay"), danger("Discard"), proposed("Save")
_MIXED = "ends its lines in several ways, which the editor would make one: edit it in a terminal"


class OpenFile:
    """Shows a file as it is on the disk, until somebody types: then what was typed is kept above all."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._content: Content | None = None
        self._ending = Ending.LF
        self._saved = ""
        """The editor's text as it is on the disk, by what was last read or written."""
        self._view: Editor | None = None
        self._editor: Editor | None = None
        """The view of a text that can be changed."""
        self._one = asyncio.Lock()
        """Held from reading to showing: a save in between would look like somebody else's change."""
        with ui.element("div").classes("open-file"):
            self._desk = Desk(self._dress)
            self._head = Head(save=self.save, reload=self._reload, overwrite=self._overwrite)
            self._body = ui.element("div").classes("file-body")
            self._empty = ui.label("Choose a file: it opens here, to be read and changed.")
            self._empty.classes("quiet empty")

    @property
    def path(self) -> str | None:
        """The path of what is open."""
        return self._content.path if self._content else None

    @property
    def unsaved(self) -> bool:
        """Whether something was typed that is not on the disk."""
        return self._editor is not None and self._editor.value != self._saved

    async def open(self, path: str) -> bool:
        """Open a file; whether it did. Changes that are not saved are asked about first."""
        if path == self.path and self.unsaved:
            return True
        if not await self.leave():
            return False
        with saying_why():
            async with self._one:
                self._take(await self._tree.read(path))
        return self.path == path

    async def leave(self) -> bool:
        """Whether the file may be closed: asks where there are unsaved changes, and does what is said."""
        if not self.unsaved or self._content is None:
            return True
        name = visible(self._content.path)
        answer = await choose(
            f"Save the changes in {name}?", "They are not on the disk yet.", _STAY, _DISCARD, _SAVE
        )
        if answer == _SAVE:
            await self.save()
            return not self.unsaved
        return answer == _DISCARD

    async def refresh(self) -> None:
        """Show what it is by now on the disk, unless that would lose what was typed."""
        async with self._one:
            if self._content is None:
                return
            try:
                content = await self._tree.read(self._content.path)
            except Refusal as refusal:
                self._head.stand(Standing.GONE if refusal.why is Why.ABSENT else Standing.AS_READ)
                return
            if _same(content, self._content):
                self._head.stand(Standing.AS_READ)
            elif self.unsaved:
                self._head.stand(Standing.CHANGED)
            else:
                self._take(content)

    def moved(self, path: str, to: str) -> None:
        """Something has another path by now: it, or a directory around it."""
        if self._content is not None and self._is_in(path):
            self._content = replace(self._content, path=to + self._content.path[len(path) :])
            self._head.name(self._content)

    def removed(self, path: str) -> None:
        """Something was deleted on purpose: it is closed with it, but for what was typed."""
        if self._is_in(path) and not self.unsaved:
            self._content = self._view = self._editor = None
            self._body.clear()
            self._head.clear()
            self._empty.set_visibility(True)

    def _is_in(self, path: str) -> bool:
        return self.path is not None and f"{self.path}/".startswith(f"{path}/")

    async def save(self) -> None:
        """Write what was typed over what was read; what was written by others meanwhile stays."""
        if not self.unsaved or self._content is None:
            return
        with saying_why():
            async with self._one:
                try:
                    await self._write(self._content.version)
                except Refusal as refusal:
                    if refusal.why is Why.ABSENT:
                        self._head.stand(Standing.GONE)
                    elif (refusal.why, refusal.field) == (Why.CONFLICT, "version"):
                        self._head.stand(Standing.CHANGED)
                    else:
                        raise

    async def _overwrite(self) -> None:
        with saying_why():
            async with self._one:
                if self._content is None:
                    return
                try:
                    version = (await self._tree.read(self._content.path)).version
                except Refusal as refusal:
                    if refusal.why is not Why.ABSENT:
                        raise
                    version = None
                await self._write(version)

    async def _write(self, version: str | None) -> None:
        """Over a version, or as a new file; raises Refusal."""
        if self._content is None or self._editor is None:
            return
        text = self._editor.value
        content = self._ending.kept(text).encode("utf-8", "replace")
        path = self._content.path
        new = await (
            self._tree.create(path, content) if version is None else self._tree.write(path, content, version)
        )
        self._saved = text
        self._content = replace(self._content, version=new, bytes=len(content))
        self._head.name(self._content)
        self._head.stand(Standing.AS_READ)
        self._note_typing()

    async def _reload(self) -> None:
        with saying_why():
            async with self._one:
                if self._content is not None:
                    self._take(await self._tree.read(self._content.path))

    def _take(self, content: Content) -> None:
        """Show what was read."""
        before, self._content = self._content, content
        ending = ending_of(content.text or "")
        self._ending = ending or Ending.LF
        self._saved = self._ending.edited(content.text or "")
        problem = content.problem or ("" if ending else _MIXED)
        self._empty.set_visibility(False)
        self._head.name(content)
        self._head.say(problem)
        self._head.stand(Standing.AS_READ)
        if self._editor is not None and not problem and before is not None and before.path == content.path:
            self._editor.set_value(self._saved)  # the place where somebody reads stays in sight
        else:
            self._body.clear()
            with self._body:
                self._draw(content, problem)
        self._note_typing()

    def _draw(self, content: Content, problem: str) -> None:
        self._view = self._editor = None
        if content.image is not None:
            picture = ui.element("img").classes("file-picture")
            picture.props["src"] = image_address(content)
            picture.props["alt"] = content.path
        if content.text is None or (content.image is not None and problem):
            return
        self._view = Editor(self._saved, language=language_of(content.path), theme=self._desk.theme)
        if problem:
            self._view.disable()
        else:
            self._editor = self._view
            self._editor.map_key("Mod-s", self.save)
            self._editor.on_value_change(self._note_typing)

    def _dress(self) -> None:
        if self._view is not None:
            self._view.set_theme(self._desk.theme)

    def _note_typing(self) -> None:
        draft = Draft.UNSAVED if self.unsaved else Draft.SAVED
        self._desk.tell(draft)
        self._head.tell(draft)


def _same(one: Content, other: Content) -> bool:
    if one.version or other.version:
        return one.version == other.version
    return (one.bytes, one.modified, one.problem) == (other.bytes, other.modified, other.problem)
