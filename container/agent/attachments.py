"""Files given with a prompt: of the workspace, or uploaded and kept on the data volume.

Bounds: :data:`MAX_COUNT` a prompt, :data:`MAX_BYTES` each; of uploads :data:`MAX_KEPT` bytes in all are
kept, those of the oldest prompts go first.
"""

from __future__ import annotations

import asyncio
import errno
import mimetypes
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from container.agent.items import Attachment
from container.files import make_private_directory, settle_directory, write_private
from container.refusal import Refusal, Why

MAX_COUNT = 10
MAX_BYTES = 20 * 1024 * 1024
MAX_KEPT = 200 * 1024 * 1024
MAX_IMAGE = 5 * 1024 * 1024
"""Bytes of an image that is shown to the agent; a larger one is given as a link to the file."""
_MAX_NAME = 200
_HEAD = 16
_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_ANY = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class FromWorkspace:
    """A file or directory of the workspace, by its path in it."""

    path: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was sent along."""

    name: str
    data: bytes


Given: TypeAlias = FromWorkspace | Upload


@dataclass(frozen=True, slots=True)
class File:
    """Where an attachment lies; ``mime`` is by its content for images."""

    path: Path
    attachment: Attachment

    @property
    def is_image(self) -> bool:
        """Whether it can be shown to an agent that takes images."""
        return self.attachment.mime in {*_MAGIC.values(), "image/webp"} and self.attachment.bytes <= MAX_IMAGE


class Attachments:
    """Those of this session."""

    def __init__(self, workspace: Path, directory: Path) -> None:
        self._workspace = workspace
        self._directory = directory

    async def keep(self, prompt: str, given: Sequence[Given]) -> tuple[Attachment, ...]:
        """Check and keep what is given with a prompt; raises Refusal."""
        if len(given) > MAX_COUNT:
            raise Refusal(Why.TOO_LARGE, "attachments", f"are more than {MAX_COUNT}; attach fewer")
        names = [file.name for file in given if isinstance(file, Upload)]
        if len(set(names)) < len(names):
            raise Refusal(Why.INVALID, "attachments", "hold two of one name; give them different ones")
        try:
            return await asyncio.to_thread(self._keep, prompt, given)
        except OSError as error:
            await self.forget(prompt)
            full = error.errno in {errno.ENOSPC, errno.EDQUOT}
            remedy = f"; make room on the data volume ({self._directory.parent})" if full else ""
            why = Why.NO_ROOM if full else Why.CONFLICT
            raise Refusal(why, "attachments", f"cannot be kept: {error.strerror}{remedy}") from None

    async def forget(self, prompt: str) -> None:
        """Remove what was uploaded with a prompt."""
        await asyncio.to_thread(shutil.rmtree, self._directory / prompt, ignore_errors=True)

    def file(self, prompt: str, attachment: Attachment) -> File:
        """Where one lies."""
        if attachment.path:
            return File(self._workspace / attachment.path, attachment)
        return File(self._directory / prompt / attachment.name, attachment)

    def _keep(self, prompt: str, given: Sequence[Given]) -> tuple[Attachment, ...]:
        kept = [self._found(file) if isinstance(file, FromWorkspace) else _checked(file) for file in given]
        uploads = [file for file in given if isinstance(file, Upload)]
        if uploads:
            make_private_directory(self._directory)
            self._make_room(sum(len(file.data) for file in uploads))
            directory = self._directory / prompt
            make_private_directory(directory)
            for file in uploads:
                write_private(directory / file.name, file.data)
            for made in (self._directory, self._directory.parent):
                settle_directory(made)
        return tuple(kept)

    def _found(self, given: FromWorkspace) -> Attachment:
        root = self._workspace.resolve()
        if "\0" in given.path:
            raise Refusal(Why.INVALID, "attachments", "a path holds a NUL")
        try:
            found = (root / given.path).resolve()
            inside = found.is_relative_to(root)
            size = found.stat().st_size if inside else 0
            is_file = found.is_file()
        except (OSError, RuntimeError):
            raise Refusal(Why.INVALID, "attachments", f"{given.path} is not in the workspace") from None
        if not inside or not (is_file or found.is_dir()):
            raise Refusal(Why.INVALID, "attachments", f"{given.path} is no file of the workspace")
        path = str(found.relative_to(root))
        if not path.isprintable():
            raise Refusal(Why.INVALID, "attachments", "a file's name cannot be told to the agent; rename it")
        if not is_file:
            return Attachment(found.name, "inode/directory", 0, path)
        with found.open("rb") as file:
            return Attachment(found.name, mime_of(found.name, file.read(_HEAD)), size, path)

    def _make_room(self, wanted: int) -> None:
        """Remove the uploads of the oldest prompts until ``wanted`` more bytes fit."""
        prompts = sorted(self._directory.iterdir(), key=lambda entry: entry.lstat().st_mtime)
        sizes = {prompt: _size_of(prompt) for prompt in prompts}
        total = sum(sizes.values()) + wanted
        for prompt in prompts:
            if total <= MAX_KEPT:
                return
            shutil.rmtree(prompt, ignore_errors=True)
            total -= sizes[prompt]


def mime_of(name: str, head: bytes) -> str:
    """The type of a file: of an image by its beginning, of any other by its name."""
    for magic, mime in _MAGIC.items():
        if head.startswith(magic):
            return mime
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    guessed = mimetypes.guess_type(name)[0] or _ANY
    return _ANY if guessed.startswith("image/") and guessed != "image/svg+xml" else guessed


def _checked(file: Upload) -> Attachment:
    name = file.name
    if not name or name in {".", ".."} or "/" in name or "\\" in name or not name.isprintable():
        raise Refusal(Why.INVALID, "attachments.name", "must be a plain file name")
    if len(name.encode()) > _MAX_NAME:
        raise Refusal(Why.INVALID, "attachments.name", f"is longer than {_MAX_NAME} bytes; shorten it")
    if len(file.data) > MAX_BYTES:
        raise Refusal(
            Why.TOO_LARGE,
            "attachments.data",
            f"{name} is larger than {MAX_BYTES // 1024 // 1024} MiB; put it into the workspace instead",
        )
    return Attachment(name, mime_of(name, file.data[:_HEAD]), len(file.data))


def _size_of(directory: Path) -> int:
    with os.scandir(directory) as entries:
        return sum(entry.stat(follow_symlinks=False).st_size for entry in entries)
