"""A repository by the directory that git keeps it in, and those of its submodules."""

from __future__ import annotations

import os
import re
from pathlib import Path

from container.git import Git

STAGING, TREE = ".berth-clone-", "tree"
"""A clone is made in a directory of the workspace whose name begins so, and there in this one."""


def as_in(workspace: Path, message: str) -> str:
    """What git says of a clone, with paths as a person will find them once it is in place."""
    return re.sub(rf"[^\s'\"]*/{re.escape(STAGING)}[^/\s'\"]*(/{TREE})?", str(workspace), message)


def at(directory: Path) -> tuple[str, ...]:
    """Run git on a repository by its own directory: its files need not be there."""
    return (f"--git-dir={directory}", f"--work-tree={directory}")


def own_directory(repository: Path) -> Path:
    """The directory that git keeps a repository in; raises OSError.

    ``.git`` is a file where it is elsewhere: in another working tree, and in a submodule.
    """
    found = repository / ".git"
    if found.is_dir():
        return found
    found = repository / found.read_text().removeprefix("gitdir:").strip()
    common = found / "commondir"
    return (found / common.read_text().strip()).resolve() if common.is_file() else found.resolve()


def submodules(directory: Path) -> list[Path]:
    """The own directories of all submodules below a repository's own, also of those within others."""
    found = []
    for path, names, files in os.walk(directory / "modules"):
        if "HEAD" in files and "objects" in names:
            found.append(Path(path))
            names[:] = [name for name in names if name == "modules"]
        names.sort()
    return found


async def remote_urls(git: Git, directory: Path) -> list[str]:
    """The URLs of all remotes of a repository, that of origin first; raises GitFailure."""
    words = ("config", "-z", "--get-regexp", r"^remote\..*\.url$")
    output = await git.run(*at(directory), *words, accepted=(0, 1))
    pairs = [pair.partition("\n") for pair in output.decode(errors="replace").split("\0") if pair]
    pairs.sort(key=lambda pair: pair[0] != "remote.origin.url")
    return [url for _, _, url in pairs]
