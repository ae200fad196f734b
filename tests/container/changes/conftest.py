from __future__ import annotations

import os

import pytest

from container.changes.changes import Changes
from container.environment import Author
from container.git import Login
from container.given import Credentials
from tests.container.conftest import git

PASSWORD = "pa ss:w%rd"


class World:
    """A clone of the bare repository, over HTTP if there is a server."""

    def __init__(self, root, url, login=None):
        self.root = root
        self.workspace = root / "workspace"
        self.changed = 0
        self.told = 0
        self.url = url
        if url:
            git("clone", "-q", url, str(self.workspace))
        else:
            self.workspace.mkdir()
        (root / "home").mkdir()
        self.changes = Changes(
            self.workspace,
            {"PATH": os.environ["PATH"], "HOME": str(root / "home"), "GIT_CONFIG_NOSYSTEM": "1"},
            login=login,
            author=Author("alice", "alice@berth.invalid"),
            changed=self._change,
        )
        self.changes.subscribe(self._tell)

    def _change(self):
        self.changed += 1

    def _tell(self):
        self.told += 1

    def write(self, name, text):
        path = self.workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def git(self, *words):
        return git(*words, cwd=self.workspace)

    def hook(self, name, script):
        path = self.workspace / ".git" / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    async def seen(self, **options):
        """Path to (staged, unstaged)."""
        status = await self.changes.status(**options)
        return {change.path: (change.staged, change.unstaged) for change in status.changes}


@pytest.fixture
def world(tmp_path, bare):
    return World(tmp_path, f"file://{bare}")


@pytest.fixture
def empty(tmp_path):
    return World(tmp_path, "")


@pytest.fixture
def elsewhere(tmp_path, bare):
    """Somebody else's clone, who pushes to the same place."""
    path = tmp_path / "elsewhere"
    git("clone", "-q", f"file://{bare}", str(path))

    def push(name, text, branch="main"):
        (path / name).write_text(text)
        git("add", "-A", cwd=path)
        git("commit", "-q", "-m", f"theirs: {name}", cwd=path)
        git("push", "-q", "origin", f"HEAD:{branch}", cwd=path)

    return push


@pytest.fixture
def served(tmp_path, bare, git_server):
    """A clone of what a server has that asks for a login; pushing is allowed."""
    git("config", "http.receivepack", "true", cwd=bare)
    server = git_server("ann", PASSWORD)
    url = f"http://127.0.0.1:{server.port}/app.git"
    world = World(tmp_path, f"file://{bare}", Login.for_url(url, Credentials("ann", PASSWORD)))
    world.git("remote", "set-url", "origin", url)
    world.server = server
    return world
