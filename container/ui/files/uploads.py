"""Takes files of the person's own machine into the workspace."""

from __future__ import annotations

import asyncio

from nicegui import events, ui

from container.refusal import Refusal, Why
from container.tree.tree import Tree
from container.tree.uploading import MAX_UPLOAD, Clash
from container.ui.asking import Answer, choose, danger
from container.ui.files.directories import Directories
from container.ui.saying import saying_why
from container.ui.words import size, visible

_KEEP, _REPLACE = Answer("Keep"), danger("Replace")


class Uploads:
    """Files go into the directory that was selected when they were picked."""

    def __init__(self, tree: Tree, directories: Directories) -> None:
        self._tree = tree
        self._directories = directories
        self._directory = ""
        self._asking = asyncio.Lock()
        """Of several files that are there already, one is asked about after the other."""
        self._picker = ui.upload(
            multiple=True,
            auto_upload=True,
            max_file_size=MAX_UPLOAD,
            on_upload=self._on_upload,
            on_rejected=lambda: ui.notify(
                f"a file may have {size(MAX_UPLOAD)}", type="warning", position="top"
            ),
        ).classes("hidden-upload")

    def pick(self) -> None:
        """Let the person pick files for the directory that is selected now."""
        self._directory = self._directories.directory
        self._picker.run_method("pickFiles")

    async def _on_upload(self, event: events.UploadEventArguments) -> None:
        self._picker.reset()
        path = f"{self._directory}/{event.file.name}" if self._directory else event.file.name
        with saying_why():
            try:
                await self._tree.upload(path, event.file.iterate())
            except Refusal as refusal:
                if refusal.why is not Why.CONFLICT:
                    raise
                await self._replace(path, event)
            await self._directories.show(path)

    async def _replace(self, path: str, event: events.UploadEventArguments) -> None:
        async with self._asking:
            question = f"There is a {visible(path)} already."
            if await choose(question, "Keep it, or put yours in its place?", _KEEP, _REPLACE) == _REPLACE:
                await self._tree.upload(path, event.file.iterate(), Clash.REPLACE)
