"""Asks a remote what it has, where git here does not follow its branches.

A clone with a depth follows the one branch that was cloned: a push to any other leaves no trace here,
and its commits would count as never pushed. So the remote is asked, but only while there are such
commits, and not often.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from container.brought import add
from container.directories import at
from container.git import Git, Login
from container.git_failures import GitFailure

_SILENCE = 4.0
"""Seconds: less than a question for the work may take in all."""
_FIRST, _MOST = 10.0, 60.0
"""Seconds between two questions to one remote: doubled while its answer changes nothing."""


@dataclass(slots=True)
class Pushed:
    """The branches of remotes that git does not follow; ``login`` is for the server that it names."""

    login: Login | None = None
    clock: Callable[[], float] = time.monotonic
    _asked: dict[Path, tuple[float, float]] = field(default_factory=dict)
    """For each repository: when to ask again, and the pause after that."""

    async def learn(self, git: Git, directory: Path, remote: str) -> bool:
        """Note what the remote has of the commits here; whether it was asked. Raises OSError."""
        due, pause = self._asked.get(directory, (float("-inf"), _FIRST))
        if self.clock() < due or await _follows_all(git, directory):
            return False
        self._asked[directory] = self.clock() + pause, min(pause * 2, _MOST)
        login = self.login
        if login is not None and Login.for_url(remote, login.credentials) != login:
            login = None
        try:
            output = await git.run("ls-remote", "--heads", "--", remote, login=login, silence=_SILENCE)
            found = {line.partition("\t")[0] for line in output.decode(errors="replace").splitlines()}
            if await add(git, directory, found):
                self._asked.pop(directory, None)
        except GitFailure:
            return False
        return True


async def _follows_all(git: Git, directory: Path) -> bool:
    words = ("config", "--get-all", "remote.origin.fetch")
    output = await git.run(*at(directory), *words, accepted=(0, 1))
    return b"refs/heads/*:" in output
