"""The files of a session's workspace.

Paths are relative to the workspace, ``""`` for itself, and told as :mod:`container.tree.names` says.
Every method raises :class:`container.refusal.Refusal`, which names the field. Bounds: 5,000 entries of
a directory, 2 MiB of a text, 32 MiB of an image, 1 GiB of an upload; a download is not bounded, since
nothing of it is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from container.git import Git
from container.subscribers import Subscribers
from container.tree import moving, writing
from container.tree.archive import Form, archive
from container.tree.listing import Listing, list_directory
from container.tree.names import parts_of, path_of
from container.tree.reading import Content, Opened, open_file, open_image, read_text
from container.tree.states import read_states, repository_of
from container.tree.uploading import Clash, upload

_LISTINGS_AT_ONCE = 4
"""Readings of git that run beside each other."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file that is sent; ``size`` is None where it is known only at the end."""

    name: str
    media_type: str
    size: int | None
    chunks: AsyncIterator[bytes]


class Tree:
    """Lists, reads and changes files. ``changed`` is called when a person changed one."""

    def __init__(self, workspace: Path, git: Git, *, changed: Callable[[], None]) -> None:
        self._workspace = workspace
        self._git = git
        self._changed = changed
        self._subscribers: Subscribers[[str]] = Subscribers()
        self._asking = asyncio.Semaphore(_LISTINGS_AT_ONCE)

    def subscribe(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Hear the path of each directory in which something was changed here; what is returned ends it.

        What the agent or a terminal changes is not heard of.
        """
        return self._subscribers.add(callback)

    async def list(self, path: str = "") -> Listing:
        """A directory, with git's states of its entries."""
        listed = await asyncio.to_thread(list_directory, self._workspace, parts_of(path))
        repository = await asyncio.to_thread(repository_of, self._workspace, listed.parts)
        if repository is None:
            return listed.listing
        async with self._asking:
            states = await read_states(self._git, self._workspace, repository, listed.parts)
        return listed.with_git(states)

    async def read(self, path: str) -> Content:
        """A file as text, with its version."""
        return await asyncio.to_thread(read_text, self._workspace, parts_of(path))

    async def write(self, path: str, content: bytes, version: str) -> str:
        """Write over the version that was read; return the new one. CONFLICT where it is not there."""
        new = await asyncio.to_thread(writing.write, self._workspace, parts_of(path), content, version)
        self._tell(path)
        return new

    async def create(self, path: str, content: bytes = b"") -> str:
        """Make a file; return its version. CONFLICT where something of that name is there."""
        version = await asyncio.to_thread(writing.create, self._workspace, parts_of(path), content)
        self._tell(path)
        return version

    async def create_directory(self, path: str) -> None:
        """Make a directory; the one it lies in must be there."""
        await asyncio.to_thread(writing.create_directory, self._workspace, parts_of(path))
        self._tell(path)

    async def rename(self, path: str, to: str) -> None:
        """Give a file or directory another path, which must be free."""
        source, target = parts_of(path), parts_of(to, "to")
        await asyncio.to_thread(moving.rename, self._workspace, source, target)
        self._tell(path, to)

    async def remove(self, path: str) -> None:
        """Remove a file, a link, or an empty directory."""
        await asyncio.to_thread(moving.remove, self._workspace, parts_of(path))
        self._tell(path)

    async def remove_all(self, path: str) -> None:
        """Remove a file, a link, or a directory with all that is in it."""
        await asyncio.to_thread(moving.remove_all, self._workspace, parts_of(path))
        self._tell(path)

    async def upload(self, path: str, chunks: AsyncIterable[bytes], clash: Clash = Clash.REFUSE) -> int:
        """Take in a file as it comes; return its size."""
        size = await upload(self._workspace, parts_of(path), chunks, clash)
        self._tell(path)
        return size

    async def download(self, path: str) -> Download:
        """A file as it is."""
        return _sent(await asyncio.to_thread(open_file, self._workspace, parts_of(path)))

    async def image(self, path: str) -> Download:
        """An image that a browser shows."""
        return _sent(await asyncio.to_thread(open_image, self._workspace, parts_of(path)))

    async def archive(self, path: str, form: Form) -> Download:
        """A directory with all that is in it, git's part too."""
        parts = parts_of(path)
        name = f"{path_of(parts[-1:]) or 'workspace'}.{form.value}"
        chunks = archive(self._workspace, parts, form)
        await asyncio.to_thread(next, chunks)
        kind = "application/zip" if form is Form.ZIP else "application/x-tar"
        return Download(name, kind, None, stepped(chunks))

    def _tell(self, *paths: str) -> None:
        self._changed()
        for directory in {path.rpartition("/")[0] for path in paths}:
            self._subscribers.tell(directory)


def _sent(opened: Opened) -> Download:
    return Download(opened.name, opened.media_type, opened.size, stepped(opened.chunks))


async def stepped(chunks: Generator[bytes, None, None]) -> AsyncIterator[bytes]:
    """Each step in a thread; closed at the end, also where the reader is gone in the middle of a step."""
    step: asyncio.Future[bytes | None] | None = None
    try:
        while True:
            step = asyncio.ensure_future(asyncio.to_thread(next, chunks, None))
            if (chunk := await asyncio.shield(step)) is None:
                return
            yield chunk
    finally:
        if step is None or step.done():
            chunks.close()
        else:
            step.add_done_callback(lambda _: chunks.close())
