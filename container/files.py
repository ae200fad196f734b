"""Files written so that a reader finds the old content or the new, never half of it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

PRIVATE_DIRECTORY = 0o700
PRIVATE_FILE = 0o600


def make_directory(path: Path) -> None:
    """Make a directory, and those above it, where there is none; raises OSError.

    One that is there keeps its mode: it may be a volume of somebody else, or ``/tmp``.
    """
    path.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)


def make_private_directory(path: Path) -> None:
    """Make a directory that is ours for ourselves alone, also where it is there; raises OSError."""
    make_directory(path)
    path.chmod(PRIVATE_DIRECTORY)


def write_private(path: Path, content: bytes) -> None:
    """Write a file for its owner alone, at once and lastingly; raises OSError."""
    descriptor, name = tempfile.mkstemp(prefix=".berth-", suffix=".tmp", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)  # noqa: PTH105 - a link at `path` is replaced, not followed
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108 - a name, as of mkstemp
        raise
    settle_directory(path.parent)


def settle_directory(directory: Path) -> None:
    """Make what was made or renamed in a directory outlast a power cut; raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
