"""The directory in which a local Dokploy keeps everything.

::

    home/lock               held while one runs
    home/volumes/NAME/      one directory per volume
    home/containers/ID/     the scratch of a running container, and its record; gone with it
    home/images/            see :mod:`dokploy.local.catalogue`
    home/builds/            clones of builds under way
    home/removed/           what is being deleted, renamed first so that a crash leaves no half
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import stat
from pathlib import Path


class HomeBusy(Exception):
    """Another local Dokploy runs on the same home."""


class Home:
    """Owns the directory: takes its lock, and makes what is missing."""

    def __init__(self, path: Path) -> None:
        """Raises HomeBusy, or OSError where the directory cannot be made."""
        self.path = path.resolve()
        self.volumes = self.path / "volumes"
        self.containers = self.path / "containers"
        self.images = self.path / "images"
        self.builds = self.path / "builds"
        self.removed = self.path / "removed"
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = self._take_lock()
        for directory in (self.volumes, self.containers, self.images, self.builds, self.removed):
            directory.mkdir(mode=0o700, exist_ok=True)

    def _take_lock(self) -> int:
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise HomeBusy(
                f"another local Dokploy already runs on {self.path}: stop it, or choose another directory"
            ) from error
        return descriptor

    def discard(self, directory: Path) -> None:
        """Delete a directory: out of sight at once, then for good."""
        grave = self.removed / secrets.token_hex(8)
        try:
            directory.rename(grave)
        except FileNotFoundError:
            return
        delete_tree(grave)

    def clear(self, directory: Path) -> None:
        """Delete all that a directory holds: leftovers, since nothing runs yet."""
        for entry in directory.iterdir():
            delete_tree(entry)

    def release(self) -> None:
        """Give the lock back; a second time does nothing."""
        if self._lock >= 0:
            os.close(self._lock)
        self._lock = -1


def delete_tree(path: Path) -> None:
    """Delete a tree, also where a program took the write permission from its directories.

    What another program still puts in meanwhile is left, and is found at the next start.
    """
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    path.chmod(stat.S_IRWXU)
    for parent, names, _ in os.walk(path):
        for name in names:
            directory = Path(parent, name)
            if not directory.is_symlink():
                directory.chmod(stat.S_IRWXU)
    shutil.rmtree(path, ignore_errors=True)
