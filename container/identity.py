"""Who commits in the session, where git's own configuration does not say it.

It stands in a file that git reads in place of the system's configuration, which it includes. That is
the weakest place there is: what a person sets by ``git config``, for themselves or in one repository,
wins. Declared is the one of ``spec.author``; else it is the newest author of the repository who is
no program; before there is a commit, the session's owner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from container.environment import Author, Settings
from container.files import make_directory, write_private
from container.git import Git
from container.git_failures import GitFailure

_VARIABLE = "GIT_CONFIG_SYSTEM"
_SYSTEM = "/etc/gitconfig"
_NAME = "gitconfig"
_LOOKED_AT = 50
_PROGRAMS = ("[bot]", "noreply@github.com")
"""What names or addresses of programs hold: nobody commits as one of them."""


class Identity:
    """Writes the file, and says where it is."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._path = settings.data / _NAME
        self._system = environ.get(_VARIABLE, _SYSTEM)
        self._declared = settings.author
        self.problem: str | None = None
        """Why there is no such file; None if there is one."""
        self._write(self._declared or owner(settings.namespace))

    @property
    def variables(self) -> dict[str, str]:
        """What leads git to the file; nothing where it could not be written."""
        return {} if self.problem else {_VARIABLE: str(self._path)}

    async def look(self, git: Git, workspace: Path) -> Author | None:
        """Take the repository's newest author, where none is declared; who it is, None if it stays."""
        if self._declared is not None or not await asyncio.to_thread((workspace / ".git").exists):
            return None
        author = await newest_author(git, workspace)
        if author is not None:
            await asyncio.to_thread(self._write, author)
        return author

    def _write(self, author: Author) -> None:
        include = f"[include]\n\tpath = {_quoted(self._system)}\n"
        user = f"[user]\n\tname = {_quoted(author.name)}\n\temail = {_quoted(author.email)}\n"
        # The later one wins: what is declared over what the image has, and that over a mere guess.
        text = include + user if self._declared else user + include
        try:
            make_directory(self._path.parent)
            write_private(self._path, text.encode())
        except OSError as error:
            self.problem = f"{self._path} cannot be written: {error.strerror}"
        else:
            self.problem = None


def owner(namespace: str) -> Author:
    """The session's owner: nobody else is known before there is a commit."""
    name = namespace or "session"
    return Author(name, f"{name}@berth.invalid")


async def newest_author(git: Git, repository: Path) -> Author | None:
    """The author of the newest commit that no program made; None where there is none."""
    words = ("log", f"--max-count={_LOOKED_AT}", "--format=%aN%x00%aE", "HEAD")
    try:
        output = await git.run("-C", str(repository), *words)
    except GitFailure:
        return None
    for line in output.decode(errors="replace").splitlines():
        name, _, email = line.partition("\0")
        usable = name.strip() and email.strip() and name.isprintable() and email.isprintable()
        if usable and not any(mark in text for mark in _PROGRAMS for text in (name, email)):
            return Author(name, email)
    return None


def _quoted(value: str) -> str:
    """A value as git's configuration has it (git-config: Syntax)."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
