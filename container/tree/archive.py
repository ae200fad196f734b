"""A directory as one file, made while it is sent: nothing is kept, however large it is."""

from __future__ import annotations

import contextlib
import os
import stat
import tarfile
import zipfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from container.directories import STAGING
from container.refusal import Refusal, Why
from container.tree.names import Parts, text_of
from container.tree.reading import CHUNK
from container.tree.walk import Last, found

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_DEPTH = 400
"""Directories below each other; what is deeper is left out, as each of them is held open."""
_FIRST_YEAR, _LAST_YEAR = 1980, 2107
"""Those that a zip can tell."""


class Form(StrEnum):
    """The kind of archive; a tar keeps links, modes and all names."""

    TAR = "tar"
    ZIP = "zip"


@dataclass(frozen=True, slots=True)
class _Member:
    """Something in the directory; ``descriptor`` is of a regular file, open until the next one."""

    path: bytes
    status: os.stat_result
    descriptor: int | None = None
    target: bytes = b""


def archive(workspace: Path, parts: Parts, form: Form) -> Generator[bytes, None, None]:
    """The archive of a directory. What cannot be read is left out.

    The first step gives nothing; it opens the directory, and raises Refusal.
    """
    with found(workspace, parts, Last.TARGET) as spot:
        try:
            top = spot.open_directory()
        except NotADirectoryError:
            raise Refusal(Why.INVALID, "path", "is no directory") from None
    try:
        yield b""
        members = _members(top, parts[-1] if parts else b"workspace")
        yield from _tar(members) if form is Form.TAR else _zip(members)
    finally:
        os.close(top)


def _members(top: int, name: bytes) -> Iterator[_Member]:
    for directory, below, files, descriptor in os.fwalk(b".", dir_fd=top):
        path = os.path.normpath(os.path.join(name, directory))  # noqa: PTH118 - bytes
        if path.count(b"/") >= _DEPTH:
            below.clear()
        yield _Member(path, os.fstat(descriptor))
        links = [entry for entry in below if _is_link(entry, descriptor)]
        below[:] = [entry for entry in below if not entry.startswith(os.fsencode(STAGING))]
        for entry in (*links, *files):
            # What is gone meanwhile, or may not be read, is no reason to send nothing.
            with contextlib.suppress(OSError), _member(path + b"/" + entry, entry, descriptor) as member:
                if member is not None:
                    yield member


def _is_link(name: bytes, directory: int) -> bool:
    with contextlib.suppress(OSError):
        return stat.S_ISLNK(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
    return False


@contextlib.contextmanager
def _member(path: bytes, name: bytes, directory: int) -> Iterator[_Member | None]:
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        yield _Member(path, status, target=os.readlink(name, dir_fd=directory))
    elif stat.S_ISREG(status.st_mode):
        descriptor = os.open(name, _READ, dir_fd=directory)
        try:
            yield _Member(path, os.fstat(descriptor), descriptor)
        finally:
            os.close(descriptor)
    else:
        yield None  # a socket, a pipe, a device


def _content(member: _Member) -> Iterator[bytes]:
    """As many bytes as its status says; zeros in place of what was cut off meanwhile."""
    left = member.status.st_size
    while member.descriptor is not None and left > 0:
        chunk = os.read(member.descriptor, min(CHUNK, left)) or bytes(min(CHUNK, left))
        left -= len(chunk)
        yield chunk


def _tar(members: Iterator[_Member]) -> Iterator[bytes]:
    for member in members:
        info = tarfile.TarInfo(os.fsdecode(member.path))
        info.mode, info.mtime = stat.S_IMODE(member.status.st_mode), max(0, int(member.status.st_mtime))
        if member.descriptor is not None:
            info.size = member.status.st_size
        elif member.target:
            info.type, info.linkname = tarfile.SYMTYPE, os.fsdecode(member.target)
        else:
            info.type = tarfile.DIRTYPE
        yield info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        yield from _content(member)
        yield bytes(-info.size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


class _Sink:
    """What a zip is written to; it cannot be gone back in."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def write(self, data: bytes) -> int:
        self._kept += data
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        """What was written since the last time."""
        kept = bytes(self._kept)
        self._kept.clear()
        return kept


def _zip(members: Iterator[_Member]) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:  # type: ignore[call-overload]
        for member in members:
            info = zipfile.ZipInfo(text_of(member.path), _moment(member.status))
            info.external_attr = member.status.st_mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            if member.descriptor is None and not member.target:
                info.filename += "/"
            with file.open(info, "w", force_zip64=True) as content:
                content.write(member.target)
                for chunk in _content(member):
                    content.write(chunk)
                    yield sink.take()
            yield sink.take()
    yield sink.take()


def _moment(status: os.stat_result) -> tuple[int, int, int, int, int, int]:
    at = datetime.fromtimestamp(min(max(0, status.st_mtime), 2**32), UTC)
    year = min(max(at.year, _FIRST_YEAR), _LAST_YEAR)
    return year, at.month, at.day, at.hour, at.minute, at.second
