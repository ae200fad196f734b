"""A workspace with a secret beside it."""

from __future__ import annotations

import os

from container.git import Git
from container.tree.tree import Tree
from tests.container.conftest import git

SECRET = "outside-secret-4711"


class World:
    def __init__(self, root):
        self.workspace = root / "workspace"
        self.workspace.mkdir()
        self.outside = root / "outside"
        self.outside.mkdir()
        (self.outside / "private").write_text(SECRET)
        self.changes = 0
        self.heard = []
        environ = {"PATH": os.environ["PATH"], "HOME": str(root)}
        self.tree = Tree(
            self.workspace, Git({**environ, "GIT_CEILING_DIRECTORIES": str(root)}), changed=self._change
        )
        self.tree.subscribe(self.heard.append)

    def _change(self):
        self.changes += 1

    def unharmed(self):
        """Whether what lies outside is as it was."""
        return [path.name for path in self.outside.iterdir()] == ["private"] and (
            self.outside / "private"
        ).read_text() == SECRET

    def leftovers(self):
        return list(self.workspace.rglob(".berth-*"))

    def init(self):
        git("init", "-q", "-b", "main", cwd=self.workspace)

    def commit(self):
        git("add", "-A", cwd=self.workspace)
        git("commit", "-q", "-m", "all", cwd=self.workspace)


async def pieces(*chunks):
    for chunk in chunks:
        yield chunk
