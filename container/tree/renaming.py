"""Renames that do not overwrite, and that exchange: what Linux has and Python has no name for."""

from __future__ import annotations

import ctypes
import errno
import os
from dataclasses import dataclass

from container.tree.walk import Spot

_NO_REPLACE, _EXCHANGE = 1, 2
_NOT_HERE = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP})


@dataclass(frozen=True, slots=True)
class _Names:
    """Two names, each in its open directory."""

    one: Spot
    other: Spot

    def call(self, flags: int) -> bool:
        """Whether it was done; False where this system or file system cannot. Raises OSError."""
        renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
        if renameat2 is None:
            return False
        one, other = self.one, self.other
        if renameat2(one.directory, one.name, other.directory, other.name, flags) == 0:
            return True
        number = ctypes.get_errno()
        if number in _NOT_HERE:
            return False
        raise OSError(number, os.strerror(number))


def rename_new(source: Spot, target: Spot) -> None:
    """Rename to what must not be there; raises OSError, FileExistsError among them."""
    if _Names(source, target).call(_NO_REPLACE):
        return
    # Where the file system has no such call, another may come between the two lines.
    try:
        target.lstat()
    except FileNotFoundError:
        os.rename(source.name, target.name, src_dir_fd=source.directory, dst_dir_fd=target.directory)
    else:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def exchange(one: Spot, other: Spot) -> bool:
    """Put each in the other's place at once; False where that cannot be done. Raises OSError."""
    return _Names(one, other).call(_EXCHANGE)
