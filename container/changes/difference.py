"""How files differ: counts of lines, and git's text of it up to a bound."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from container.changes.repository import Repository
from container.refusal import Refusal, Why
from container.tree.names import Parts, parts_of, path_of, text_of
from container.tree.walk import Last, found

MAX_DIFF = 1024 * 1024
"""Bytes of git's text."""
_LOOKED_AT = 8000
"""Bytes that git looks at for a zero, to tell what is binary."""
_MAX_COUNTS = 4 * 1024 * 1024
_AS_IT_IS = ("--no-color", "--no-ext-diff", "--no-textconv", "--find-renames")
_PREFIXES = ("--src-prefix=a/", "--dst-prefix=b/")


class Side(StrEnum):
    """What is compared."""

    UNSTAGED = "unstaged"
    """The files with what is staged."""
    STAGED = "staged"
    """What is staged with the newest commit."""
    ALL = "all"
    """The files with the newest commit."""


@dataclass(frozen=True, slots=True)
class FileDifference:
    """One file. ``added`` and ``deleted`` count lines; None for what is binary."""

    path: str
    original: str | None
    added: int | None
    deleted: int | None

    @property
    def binary(self) -> bool:
        """Whether it has no lines to compare."""
        return self.added is None


@dataclass(frozen=True, slots=True)
class Difference:
    """Several files: of each its counts, of all git's text; ``whole`` is false where it was cut."""

    files: tuple[FileDifference, ...]
    text: str
    whole: bool


async def difference(repository: Repository, side: Side, path: str | None) -> Difference:
    """How a file differs, or all that git knows of. Raises GitFailure and Refusal."""
    if path is None:
        return await _read(repository, side, [])
    parts = parts_of(path)
    if not parts:
        raise Refusal(Why.INVALID, "path", "names no file; leave it out for all")
    if side is not Side.STAGED:
        record = await repository.record(parts)
        if record is not None and record.untracked:
            return await asyncio.to_thread(new_file, repository.path, parts)
    return await _read(repository, side, [os.fsdecode(b"/".join(parts))])


async def _read(repository: Repository, side: Side, paths: list[str]) -> Difference:
    words = [*_sides(side, await repository.newest()), "--", *paths]
    counts = await repository.run("diff", *_AS_IT_IS, "--numstat", "-z", *words, most=_MAX_COUNTS)
    text = await repository.run("diff", *_AS_IT_IS, *_PREFIXES, *words, most=MAX_DIFF + 1)
    whole = len(text) <= MAX_DIFF and len(counts) < _MAX_COUNTS
    return Difference(tuple(counted(counts)), text[:MAX_DIFF].decode(errors="replace"), whole)


def _sides(side: Side, newest: str) -> list[str]:
    match side:
        case Side.UNSTAGED:
            return []
        case Side.STAGED:
            return ["--cached", newest]
        case Side.ALL:
            return [newest]


def new_file(top: Path, parts: Parts) -> Difference:
    """A file that git does not know, compared with nothing, as git would tell it; raises Refusal.

    ``git diff --no-index`` follows links out of the repository.
    """
    with found(top, parts, Last.ITSELF) as spot:
        if stat.S_ISLNK(spot.lstat().st_mode):
            kind, content = "120000", os.readlink(spot.name, dir_fd=spot.directory)
        else:
            with os.fdopen(spot.open_file(), "rb") as file:
                kind = "100755" if os.fstat(file.fileno()).st_mode & stat.S_IXUSR else "100644"
                content = file.read(MAX_DIFF + 1)
    name = path_of(parts)
    head = f"diff --git a/{name} b/{name}\nnew file mode {kind}\n"
    if b"\0" in content[:_LOOKED_AT]:
        text = f"{head}Binary files /dev/null and b/{name} differ\n"
        return Difference((FileDifference(name, None, None, None),), text, whole=True)
    lines = content.decode(errors="replace").split("\n")
    ends = [] if lines[-1] == "" else ["\\ No newline at end of file"]
    lines = lines if ends else lines[:-1]
    body = [f"--- /dev/null\n+++ b/{name}\n@@ -0,0 +1,{len(lines)} @@"] if lines else []
    text = head + "".join(f"{line}\n" for line in [*body, *(f"+{line}" for line in lines), *ends])
    whole = len(content) <= MAX_DIFF
    return Difference((FileDifference(name, None, len(lines), 0),), text[:MAX_DIFF], whole)


def counted(output: bytes) -> Iterator[FileDifference]:
    """Read ``git diff --numstat -z``; what was cut off at its end is left out. Pure."""
    fields = iter(output.split(b"\0")[:-1])
    for field in fields:
        added, deleted, name = field.split(b"\t", 2)
        original = None
        if not name:  # of a rename, both names follow
            original, name = next(fields, b""), next(fields, b"")
            if not name:
                return
        yield FileDifference(
            text_of(name),
            None if original is None else text_of(original),
            int(added) if added.isdigit() else None,
            int(deleted) if deleted.isdigit() else None,
        )
