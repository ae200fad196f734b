"""Writes a file so that a reader finds the old content or the new, and nobody's work is lost."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from container.refusal import Refusal, Why
from container.tree.names import Parts
from container.tree.reading import MAX_TEXT, version_of
from container.tree.renaming import exchange, rename_new
from container.tree.walk import Last, Spot, failing, found_for_writing

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PERMISSIONS = 0o7777
_NEWER = "was changed meanwhile, and is left as it is; read it again, and bring your changes into it"


def write(workspace: Path, parts: Parts, content: bytes, version: str) -> str:
    """Write over the version that was read; return the new one. Raises Refusal.

    The written file takes the old one's place at once, and the old one is looked at again when it
    is out of the way: what others wrote up to that moment is put back.
    """
    _check_size(content)
    with found_for_writing(workspace, parts, Last.TARGET) as spot:
        mode = _expect(spot, version)
        with _beside(spot, content, mode) as new:
            _replace(spot, new, version)
    return version_of(content)


def create(workspace: Path, parts: Parts, content: bytes) -> str:
    """Make a file that must not be there; return its version. Raises Refusal."""
    _check_size(content)
    with found_for_writing(workspace, parts, Last.ITSELF) as spot, _beside(spot, content, None) as new:
        rename_new(new, spot)
        spot.settle()
    return version_of(content)


def create_directory(workspace: Path, parts: Parts) -> None:
    """Make a directory that must not be there; raises Refusal."""
    with found_for_writing(workspace, parts, Last.ITSELF) as spot:
        os.mkdir(spot.name, dir_fd=spot.directory)
        spot.settle()


@contextlib.contextmanager
def temporary(spot: Spot) -> Iterator[tuple[Spot, int]]:
    """A new file beside it, open for writing; gone at the end unless it was renamed. Raises OSError."""
    name = f".berth-{secrets.token_hex(8)}.tmp".encode()
    descriptor = os.open(name, _NEW, 0o666, dir_fd=spot.directory)
    try:
        yield Spot(spot.directory, name, (*spot.parts[:-1], name)), descriptor
    finally:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=spot.directory)


@contextlib.contextmanager
def _beside(spot: Spot, content: bytes, mode: int | None) -> Iterator[Spot]:
    with temporary(spot) as (new, descriptor):
        write_all(descriptor, content)
        if mode is not None:
            os.fchmod(descriptor, mode)
        os.fsync(descriptor)
        yield new


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of it; raises OSError."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _expect(spot: Spot, version: str) -> int:
    """Look whether the version is there; return the file's mode. Raises Refusal and OSError."""
    with os.fdopen(spot.open_file(), "rb") as file:
        if version_of(file.read(MAX_TEXT + 1)) != version:
            raise Refusal(Why.CONFLICT, "version", _NEWER)
        return stat.S_IMODE(os.fstat(file.fileno()).st_mode) & _PERMISSIONS


def _replace(spot: Spot, new: Spot, version: str, swap: Callable[[Spot, Spot], bool] = exchange) -> None:
    if not swap(new, spot):
        # A file system without the call: what others write between these two lines is overwritten.
        _expect(spot, version)
        os.replace(new.name, spot.name, src_dir_fd=new.directory, dst_dir_fd=spot.directory)
        spot.settle()
        return
    try:
        _expect(new, version)  # the old one lies there now
    except (Refusal, OSError):
        with failing("path"):
            swap(new, spot)
        raise Refusal(Why.CONFLICT, "version", _NEWER) from None
    spot.settle()


def _check_size(content: bytes) -> None:
    if len(content) > MAX_TEXT:
        message = f"is larger than {MAX_TEXT // 1024 // 1024} MiB; upload it as a file"
        raise Refusal(Why.TOO_LARGE, "content", message)
