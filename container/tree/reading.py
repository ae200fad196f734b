"""Reads a file for a person: as text where it is text, with what is wrong with it in words."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from container.refusal import Refusal, Why
from container.tree.images import image_type
from container.tree.listing import time_of
from container.tree.names import Parts, path_of
from container.tree.walk import Last, found

MAX_TEXT = 2 * 1024 * 1024
"""Bytes of a file that is read or written as text."""
MAX_IMAGE = 32 * 1024 * 1024
"""Bytes of an image that is shown."""
CHUNK = 256 * 1024
_LOOKED_AT = 8192
_HEAD = 512


@dataclass(frozen=True, slots=True)
class Content:
    """A file. ``text`` is None for what is no text; ``problem`` says why it cannot be edited.

    ``version`` names what was read and is what a write has to bring; it is empty where a write would
    lose something: a file that is binary, not all read, or not in UTF-8.
    """

    path: str
    bytes: int
    modified: str
    text: str | None
    version: str
    problem: str = ""
    image: str | None = None
    """The media type of an image that can be shown."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A file to be sent as it is; ``chunks`` must be read to its end, or closed: it holds the file open."""

    name: str
    size: int
    chunks: Generator[bytes, None, None]
    media_type: str = "application/octet-stream"


def version_of(content: bytes) -> str:
    """The name of a content."""
    return hashlib.sha256(content).hexdigest()[:32]


def read_text(workspace: Path, parts: Parts) -> Content:
    """Read a file; raises Refusal."""
    with found(workspace, parts, Last.TARGET) as spot, os.fdopen(spot.open_file(), "rb") as file:
        status = os.fstat(file.fileno())
        content = file.read(MAX_TEXT + 1)
    text, problem = _decoded(content[:MAX_TEXT])
    kind = image_type(content[:_HEAD])
    if kind is not None and (problem or len(content) > MAX_TEXT):
        problem = _shown_as_image(status.st_size)
    elif text is not None and len(content) > MAX_TEXT:
        problem = (
            f"is larger than {MAX_TEXT // 1024 // 1024} MiB: its beginning is shown; download it for the rest"
        )
    return Content(
        path_of(parts),
        max(status.st_size, len(content)),
        time_of(status),
        text,
        "" if problem else version_of(content),
        problem,
        kind if status.st_size <= MAX_IMAGE else None,
    )


def _shown_as_image(size: int) -> str:
    if size > MAX_IMAGE:
        return f"is an image of more than {MAX_IMAGE // 1024 // 1024} MiB and is not shown; download it"
    return "is an image: it is shown, and cannot be edited here"


def _decoded(content: bytes) -> tuple[str | None, str]:
    """The text, if it is one, and what is wrong with it."""
    if b"\0" in content[:_LOOKED_AT]:
        return None, "is no text and is not shown; download it"
    try:
        return content.decode("utf-8"), ""
    except UnicodeDecodeError as error:
        problem = f"is not in UTF-8 at byte {error.start}; what cannot be read shows as \ufffd"
        return content.decode("utf-8", "replace"), problem


def open_file(workspace: Path, parts: Parts) -> Opened:
    """A file as it is; raises Refusal."""
    with found(workspace, parts, Last.TARGET) as spot:
        descriptor = spot.open_file()
    size = os.fstat(descriptor).st_size
    return Opened(path_of(parts[-1:]), size, _begun(descriptor, size))


def open_image(workspace: Path, parts: Parts) -> Opened:
    """An image that a browser shows, told by its content; raises Refusal."""
    with found(workspace, parts, Last.TARGET) as spot:
        descriptor = spot.open_file()
    size = os.fstat(descriptor).st_size
    kind = image_type(os.pread(descriptor, _HEAD, 0))
    if kind is None or size > MAX_IMAGE:
        os.close(descriptor)
        if kind is None:
            raise Refusal(Why.INVALID, "path", "is no image that can be shown; download it")
        raise Refusal(Why.TOO_LARGE, "path", f"is larger than {MAX_IMAGE // 1024 // 1024} MiB; download it")
    return Opened(path_of(parts[-1:]), size, _begun(descriptor, size), kind)


def _begun(descriptor: int, size: int) -> Generator[bytes, None, None]:
    """Its content; from here on the descriptor is closed with it."""
    chunks = _chunks(descriptor, size)
    next(chunks)
    return chunks


def _chunks(descriptor: int, size: int) -> Generator[bytes, None, None]:
    """Nothing, then ``size`` bytes; zeros in place of what was cut off meanwhile."""
    with os.fdopen(descriptor, "rb") as file:
        yield b""
        while size > 0:
            chunk = file.read(min(CHUNK, size)) or bytes(min(CHUNK, size))
            size -= len(chunk)
            yield chunk
