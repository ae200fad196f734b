"""Goes to a file step by step, through directories that are held open, and never out of the workspace.

Each step opens one name in an open directory and follows no link. A link is read and walked, too, as
far as it stays inside. So it does not matter what others put in place of what meanwhile: there is
no moment at which a whole path is given to the kernel to be followed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Self

from container.refusal import Refusal, Why
from container.tree.names import Parts, in_git

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_MAX_LINKS = 40
TOP = b"."


class Last(Enum):
    """What is meant by a path whose last name is a link."""

    TARGET = auto()
    ITSELF = auto()


@dataclass(frozen=True, slots=True)
class Spot:
    """A name in a directory that is held open; :data:`TOP` for the workspace itself.

    ``parts`` is where it really is, all links followed. Nothing need be there.
    """

    directory: int
    name: bytes
    parts: Parts

    def lstat(self) -> os.stat_result:
        """What is there, no link followed; raises OSError."""
        return os.stat(self.name, dir_fd=self.directory, follow_symlinks=False)

    def settle(self) -> None:
        """Make a change of its name outlast a power cut; raises OSError."""
        os.fsync(self.directory)

    def open_directory(self) -> int:
        """It, as a directory; raises OSError."""
        return os.open(self.name, _DIRECTORY, dir_fd=self.directory)

    def open_file(self, field: str = "path") -> int:
        """It, as a regular file, for reading; raises OSError and Refusal."""
        descriptor = os.open(self.name, _FILE, dir_fd=self.directory)
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISREG(kind):
            return descriptor
        os.close(descriptor)
        what = "is a directory" if stat.S_ISDIR(kind) else "is no regular file"
        raise Refusal(Why.INVALID, field, what)


@contextlib.contextmanager
def found(workspace: Path, parts: Parts, last: Last, field: str = "path") -> Iterator[Spot]:
    """Go to it. Raises Refusal, also for what OSError is raised of meanwhile."""
    with failing(field), _opened(workspace) as root, _Walk(root, workspace, field) as walk:
        yield walk.to(parts, last)


@contextlib.contextmanager
def found_for_writing(workspace: Path, parts: Parts, last: Last, field: str = "path") -> Iterator[Spot]:
    """Go to what will be changed: not the workspace itself, and nothing of git's own."""
    _spare_git(parts, field)
    with found(workspace, parts, last, field) as spot:
        if spot.name == TOP:
            raise Refusal(Why.INVALID, field, "is the workspace itself; name something in it")
        _spare_git(spot.parts, field)
        yield spot


def _spare_git(parts: Parts, field: str) -> None:
    if in_git(parts):
        raise Refusal(Why.FORBIDDEN, field, "belongs to git; use git to change it")


@contextlib.contextmanager
def failing(field: str) -> Iterator[None]:
    """What the system refuses is refused in words."""
    try:
        yield
    except OSError as error:
        raise refusal_of(error, field) from None


def refusal_of(error: OSError, field: str) -> Refusal:
    """What the system says, in our own words."""
    match error.errno:
        case errno.ENOENT:
            return Refusal(Why.ABSENT, field, "there is no such file or directory")
        case errno.EEXIST:
            return Refusal(Why.CONFLICT, field, "there is something of that name already")
        case errno.ENOTEMPTY:
            return Refusal(Why.CONFLICT, field, "the directory is not empty")
        case errno.ENOTDIR | errno.ELOOP:
            return Refusal(Why.INVALID, field, "is no directory, or was replaced meanwhile; look again")
        case errno.ENAMETOOLONG:
            return Refusal(Why.INVALID, field, "holds a name that is too long")
        case errno.ENOSPC | errno.EDQUOT:
            return Refusal(Why.NO_ROOM, field, "there is no room left on the volume; free some")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return Refusal(Why.FORBIDDEN, field, f"the system does not allow it: {error.strerror}")
        case _:
            return Refusal(Why.CONFLICT, field, f"the system refuses: {error.strerror}")


@contextlib.contextmanager
def _opened(workspace: Path) -> Iterator[int]:
    try:
        root = os.open(workspace, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        message = "the workspace is not there yet; wait until it is prepared"
        raise Refusal(Why.CONFLICT, "", message) from None
    try:
        yield root
    finally:
        os.close(root)


class _Walk:
    """One way through the workspace; holds the directory it is in open."""

    def __init__(self, root: int, workspace: Path, field: str) -> None:
        self._root = root
        self._workspace = workspace
        self._field = field
        self._names: list[bytes] = []
        self._here = os.dup(root)
        self._links = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._here)

    def to(self, parts: Parts, last: Last) -> Spot:
        """Go there; raises OSError and Refusal."""
        ahead = deque(parts)
        while ahead:
            name = ahead.popleft()
            if name == b"..":
                self._back()
            elif name not in {b"", b"."}:
                if not ahead and (last is Last.ITSELF or not self._is_link(name)):
                    return Spot(self._here, name, (*self._names, name))
                ahead.extendleft(reversed(self._step(name)))
        if not self._names:
            return Spot(self._here, TOP, ())
        name, parts = self._names[-1], tuple(self._names)
        self._back()
        return Spot(self._here, name, parts)

    def _is_link(self, name: bytes) -> bool:
        try:
            found_ = os.stat(name, dir_fd=self._here, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return stat.S_ISLNK(found_.st_mode)

    def _step(self, name: bytes) -> list[bytes]:
        """One directory on; where there is a link instead, what is to be walked in its place."""
        try:
            there = os.open(name, _DIRECTORY, dir_fd=self._here)
        except OSError as error:
            if error.errno not in {errno.ENOTDIR, errno.ELOOP}:
                raise
        else:
            self._enter(there)
            self._names.append(name)
            return []
        try:
            target = os.readlink(name, dir_fd=self._here)
        except OSError:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
        self._links += 1
        if self._links > _MAX_LINKS:
            raise Refusal(Why.INVALID, self._field, "leads through too many links")
        return self._inside(target)

    def _inside(self, target: bytes) -> list[bytes]:
        if not target.startswith(b"/"):
            return target.split(b"/")
        for top in (os.fsencode(self._workspace), os.path.realpath(os.fsencode(self._workspace))):
            if target == top or target.startswith(top.rstrip(b"/") + b"/"):
                self._go([])
                return target[len(top) :].split(b"/")
        raise self._outside()

    def _back(self) -> None:
        if not self._names:
            raise self._outside()
        self._go(self._names[:-1])

    def _go(self, names: list[bytes]) -> None:
        """Start again at the top: a directory's own ``..`` may be another than the one we came from."""
        self._enter(os.dup(self._root))
        self._names = []
        for name in names:
            self._enter(os.open(name, _DIRECTORY, dir_fd=self._here))
            self._names.append(name)

    def _enter(self, there: int) -> None:
        os.close(self._here)
        self._here = there

    def _outside(self) -> Refusal:
        return Refusal(Why.FORBIDDEN, self._field, "leads out of the workspace")
