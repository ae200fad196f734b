"""Renames and removes; a link is moved or removed, never what it leads to."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from pathlib import Path

from container.refusal import Refusal, Why
from container.tree.names import Parts
from container.tree.renaming import rename_new
from container.tree.walk import Last, found_for_writing


def rename(workspace: Path, source: Parts, target: Parts) -> None:
    """Give a file or directory another path, which must be free; raises Refusal."""
    with (
        found_for_writing(workspace, target, Last.ITSELF, "to") as new,
        found_for_writing(workspace, source, Last.ITSELF, "path") as old,
    ):
        old.lstat()
        try:
            rename_new(old, new)
        except FileExistsError:
            raise Refusal(Why.CONFLICT, "to", "there is something of that name already") from None
        except OSError as error:
            raise _of_rename(error) from None
        new.settle()
        old.settle()


def _of_rename(error: OSError) -> OSError | Refusal:
    if error.errno == errno.EINVAL:
        return Refusal(Why.INVALID, "to", "lies in the directory that is moved")
    if error.errno == errno.EXDEV:
        return Refusal(Why.CONFLICT, "to", "lies on another volume; copy it in a terminal")
    return error


def remove(workspace: Path, parts: Parts) -> None:
    """Remove a file, a link, or an empty directory; raises Refusal."""
    with found_for_writing(workspace, parts, Last.ITSELF) as spot:
        if stat.S_ISDIR(spot.lstat().st_mode):
            os.rmdir(spot.name, dir_fd=spot.directory)
        else:
            os.unlink(spot.name, dir_fd=spot.directory)
        spot.settle()


def remove_all(workspace: Path, parts: Parts) -> None:
    """Remove a file, a link, or a directory with all that is in it; raises Refusal."""
    with found_for_writing(workspace, parts, Last.ITSELF) as spot:
        if not stat.S_ISDIR(spot.lstat().st_mode):
            os.unlink(spot.name, dir_fd=spot.directory)
            spot.settle()
            return
        try:
            # In a directory that is held open, it looks at each step that no link has come between.
            shutil.rmtree(spot.name, dir_fd=spot.directory)
        except RecursionError:
            message = "holds directories too deep to remove from here; use a terminal"
            raise Refusal(Why.CONFLICT, "path", message) from None
        spot.settle()
