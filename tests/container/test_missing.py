"""Submodules and large files: those that can be had are there, the others are told and tried again."""

from __future__ import annotations

import os
import shutil

import pytest

from container.addresses import before_path
from container.environment import read_settings
from container.git import Git
from container.given import Credentials
from container.submodules import by_https
from container.work import Saved, read_work
from container.workspace import Workspace
from tests.container.conftest import GIT_ENV, git

CREDENTIALS = Credentials("ann", "pa ss:w%rd")


@pytest.fixture
def served(source, bare, git_server, tmp_path):
    """A server that asks for a login; ``add`` commits a submodule to the repository ``super.git``."""
    server = git_server(CREDENTIALS.username, CREDENTIALS.password)
    shutil.copytree(bare, bare.parent / "super.git")
    work = tmp_path / "super"
    git("clone", "-q", str(bare.parent / "super.git"), str(work))
    commit = git("rev-parse", "v1", cwd=source)

    def add(path, url, into=work, commit=commit):
        git("config", "-f", ".gitmodules", f"submodule.{path}.path", path, cwd=into)
        git("config", "-f", ".gitmodules", f"submodule.{path}.url", url, cwd=into)
        git("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}", cwd=into)
        git("add", ".gitmodules", cwd=into)
        git("commit", "-q", "-m", path, cwd=into)
        git("push", "-q", "origin", "HEAD", cwd=into)
        return git("rev-parse", "HEAD", cwd=into)

    add.port, add.root = server.port, bare.parent
    return add


@pytest.fixture
def start(served, tmp_path):
    """Prepares the workspace as a start of the container does."""

    async def begin(**variables):
        home = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "GIT_CONFIG_NOSYSTEM": "1"}
        environ = {
            "WORKSPACE_PATH": str(tmp_path / "workspace"),
            "DATABASE_PATH": str(tmp_path / "data" / "c.db"),
            "BERTH_REPOSITORY_URL": f"http://127.0.0.1:{served.port}/super.git",
        }
        runner = Git({**GIT_ENV, **home, **variables})
        workspace = Workspace(read_settings(environ, first=False), runner, say=lambda *_: None)
        await workspace.prepare(CREDENTIALS)
        return workspace.path, workspace.report, await read_work(runner, workspace.path)

    return begin


@pytest.mark.parametrize("url", ["git@127.0.0.1:app.git", "ssh://me@127.0.0.1:2222/app.git", "../app.git"])
async def test_a_submodule_on_the_declared_server_is_fetched_with_its_login(served, start, url):
    served("libs/app", url)
    path, report, work = await start()
    assert report["reason"] == "Cloned"
    assert (path / "libs" / "app" / "README.md").read_text() == "one\n"
    assert git("config", "submodule.libs/app.url", cwd=path).endswith("app.git")
    assert (work.saved, work.uncommitted, work.unpushed) == (Saved.CLEAN, 0, 0)


async def test_what_cannot_be_fetched_is_told_by_path_and_tried_again_at_the_next_start(served, start):
    shutil.copytree(served.root / "app.git", served.root / "outer.git")
    outer = served.root.parent / "outer"
    git("clone", "-q", str(served.root / "outer.git"), str(outer))
    inner = served("inner", "../later.git", into=outer)
    served("libs/outer", "../outer.git", commit=inner)
    served("gone", "http://localhost:1/gone.git")
    served("there", "../app.git")
    path, report, work = await start()
    assert (report["state"], report["reason"]) == ("Ready", "SubmodulesMissing")
    assert (path / "there" / "README.md").exists()
    assert (path / "libs" / "outer" / "README.md").exists(), report
    assert "libs/outer/inner" in report["message"]
    assert "gone: the server does not answer" in report["message"]
    assert "tried again when the session restarts" in report["message"]
    assert ".berth-clone" not in report["message"]
    assert work.saved is Saved.CLEAN
    shutil.copytree(served.root / "app.git", served.root / "later.git")
    (path / "gone" / "mine.txt").write_text("a person's")
    _, report, _ = await start()
    assert (path / "libs" / "outer" / "inner" / "README.md").exists()
    assert [each.name for each in (path / "gone").iterdir()] == ["mine.txt"]
    assert (report["state"], report["reason"]) == ("Ready", "Found")


async def test_commits_of_submodules_are_work_also_of_one_that_is_not_in_the_tree(served, start):
    served("libs/app", "../app.git")
    path, _, _ = await start()
    inside = path / "libs" / "app"
    git("switch", "-q", "-c", "mine", cwd=inside)
    git("commit", "-q", "--allow-empty", "-m", "mine", cwd=inside)
    git("add", "libs/app", cwd=path)
    git("commit", "-q", "-m", "moved", cwd=path)
    work = (await start())[2]
    assert (work.uncommitted, work.unpushed) == (0, 2)
    git("reset", "-q", "--hard", "origin/main", cwd=path)
    git("rm", "-q", "-f", "libs/app", cwd=path)
    git("commit", "-q", "-m", "removed", cwd=path)
    assert (await start())[2].unpushed == 2
    (inside.parent / "app").mkdir(parents=True)
    git("reset", "-q", "--hard", "origin/main", cwd=path)
    assert (await start())[2].unpushed == 1


async def test_a_stash_and_a_new_file_in_a_submodule_are_work(served, start):
    served("libs/app", "../app.git")
    path, _, _ = await start()
    inside = path / "libs" / "app"
    (inside / "README.md").write_text("changed\n")
    git("stash", "-q", cwd=inside)
    assert (await start())[2].uncommitted == 1
    git("config", "diff.ignoreSubmodules", "all", cwd=path)
    (inside / "new").touch()
    assert (await start())[2].uncommitted == 2


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"
GIT_LFS = """#!/bin/sh
case "$1" in
version) echo git-lfs/3 ;;
install) git config --local filter.lfs.clean "sed -n '$(printf '%s' "$CLEAN")'" ;;
pull) test -e {root}/down && {{ echo "fatal: the quota is used up" >&2; exit 2; }}
    printf 'large' > "$(git rev-parse --show-toplevel)/model.bin" ;;
esac
"""


REAL = shutil.which("git-lfs", path="/usr/local/bin:/usr/bin:/bin")
without_git_lfs = pytest.mark.skipif(REAL is not None, reason="this machine has git-lfs of its own")


@pytest.fixture
def large(served, tmp_path):
    work = tmp_path / "super"
    (work / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (work / "model.bin").write_text(POINTER)
    git("add", "-A", cwd=work)
    git("commit", "-q", "-m", "large", cwd=work)
    git("push", "-q", "origin", "HEAD", cwd=work)


@without_git_lfs
async def test_pointers_of_git_lfs_are_told_where_it_is_not_installed(large, start, tmp_path):
    only_git = tmp_path / "bin"
    only_git.mkdir()
    (only_git / "git").symlink_to(str(shutil.which("git")))
    path, report, work = await start(PATH=str(only_git))
    assert (report["state"], report["reason"]) == ("Ready", "LargeFilesMissing")
    assert "files of Git LFS are pointers (model.bin): the image has no git-lfs" in report["message"]
    assert (path / "model.bin").read_text() == POINTER
    assert work.saved is Saved.CLEAN


@without_git_lfs
async def test_files_of_git_lfs_are_fetched_and_tried_again(large, start, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "git-lfs").write_text(GIT_LFS.format(root=tmp_path))
    (tools / "git-lfs").chmod(0o755)
    (tmp_path / "down").touch()
    path, report, _ = await start(PATH=f"{tools}:{os.environ['PATH']}")
    assert report["reason"] == "LargeFilesMissing"
    assert "the quota is used up" in report["message"]
    (tmp_path / "down").unlink()
    _, report, _ = await start(PATH=f"{tools}:{os.environ['PATH']}")
    assert report["reason"] == "Found"
    assert (path / "model.bin").read_text() == "large"


def test_ssh_is_read_as_https_for_the_declared_server_alone():
    settings = by_https(
        "https://ann@git.example.com:8443/org/super.git",
        ["ssh://me@git.example.com:2222/org/a", "git@other.example.com:org/b", "[git.example.com]:c"],
    )
    assert "url.https://git.example.com:8443/.insteadOf=git@git.example.com:" in settings
    assert "url.https://git.example.com:8443/.insteadOf=ssh://me@git.example.com:2222/" in settings
    assert not any("other" in setting for setting in settings)
    assert by_https("git@git.example.com:org/super.git", []) == ()
    assert by_https("file:///srv/app.git", []) == ()


@pytest.mark.parametrize(
    ("url", "before"),
    [
        ("ssh://git@h:22/a/b", "ssh://git@h:22/"),
        ("git@h:a/b", "git@h:"),
        ("git@h:/a/b", "git@h:/"),
        ("[::1]:a", "[::1]:"),
    ],
)
def test_what_stands_before_the_path(url, before):
    assert before_path(url) == before
