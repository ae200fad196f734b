"""Text files of the workspace as an agent reads and writes them: never outside of it.

A path is resolved first, so that links inside the workspace work; then it is opened step by step from
the workspace's own directory with no link followed, so that nothing that changes meanwhile leads out.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

MAX_READ = 10 * 1024 * 1024
"""Bytes of a file that is read."""
MAX_WRITE = 10 * 1024 * 1024
_NEW_FILE = 0o644
_STEP = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_RDONLY | os.O_CLOEXEC


class Outside(Exception):
    """The path leads out of the workspace, or to no regular file; the text says so."""


def read_text(workspace: Path, path: str, *, line: int | None, limit: int | None) -> str:
    """A text file, or ``limit`` lines of it from ``line`` on, which counts from 1.

    Raises Outside, and OSError.
    """
    name, parents = _inside(workspace, path)
    with _opened(workspace, parents) as directory:
        descriptor = os.open(
            name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory
        )
        with os.fdopen(descriptor, "rb") as file:
            _check_regular(os.fstat(file.fileno()), path)
            content = file.read(MAX_READ + 1)
    if len(content) > MAX_READ:
        raise Outside(f"{path} is larger than {MAX_READ // 1024 // 1024} MiB")
    text = content.decode(errors="replace")
    if line is None and limit is None:
        return text
    first = max(0, (line or 1) - 1)
    lines = text.splitlines(keepends=True)
    return "".join(lines[first : None if limit is None else first + limit])


def write_text(workspace: Path, path: str, content: str) -> None:
    """Write a text file, and the directories above it; a reader finds the old or the new.

    Raises Outside, and OSError.
    """
    encoded = content.encode(errors="replace")
    if len(encoded) > MAX_WRITE:
        raise Outside(f"{path} would be larger than {MAX_WRITE // 1024 // 1024} MiB")
    name, parents = _inside(workspace, path)
    with _opened(workspace, parents, make=True) as directory:
        mode = _mode_of(name, directory, path)
        draft = f".berth-{secrets.token_hex(6)}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(draft, flags, _NEW_FILE, dir_fd=directory)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(encoded)
                if mode is not None:
                    os.fchmod(file.fileno(), mode)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, name, src_dir_fd=directory, dst_dir_fd=directory)
            os.fsync(directory)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(draft, dir_fd=directory)
            raise


def _mode_of(name: str, directory: int, path: str) -> int | None:
    """The permissions of the file that is there; None for none."""
    try:
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    _check_regular(found, path)
    return stat.S_IMODE(found.st_mode)


def _check_regular(found: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise Outside(f"{path} is no regular file")


def _inside(workspace: Path, path: str) -> tuple[str, tuple[str, ...]]:
    """The name, and the directories from the workspace to it."""
    if "\0" in path:
        raise Outside("the path holds a NUL")
    root = workspace.resolve()
    try:
        found = (root / path).resolve()
    except (OSError, RuntimeError):
        raise Outside(f"{path} cannot be resolved") from None
    if found == root or not found.is_relative_to(root):
        raise Outside(f"{path} is not in the workspace")
    *parents, name = found.relative_to(root).parts
    return name, tuple(parents)


@contextlib.contextmanager
def _opened(workspace: Path, parents: tuple[str, ...], *, make: bool = False) -> Iterator[int]:
    descriptor = os.open(workspace.resolve(), _STEP)
    try:
        for parent in parents:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(parent, dir_fd=descriptor)
            below = os.open(parent, _STEP, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)
