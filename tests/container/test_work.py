from __future__ import annotations

import os

import pytest

from container.git import Git
from container.work import Saved, Work, combine, read_work
from tests.container.conftest import git


@pytest.fixture
def runner(tmp_path):
    return Git({"PATH": os.environ["PATH"], "HOME": str(tmp_path)})


@pytest.fixture
def workspace(tmp_path, bare):
    path = tmp_path / "workspace"
    git("clone", "-q", f"file://{bare}", str(path))
    return path


async def _counts(runner, workspace):
    work = await read_work(runner, workspace)
    return work.saved, work.uncommitted, work.unpushed


async def test_a_fresh_clone_is_clean(runner, workspace):
    assert await _counts(runner, workspace) == (Saved.CLEAN, 0, 0)
    assert (await read_work(runner, workspace)).branch == "main"


async def test_changed_new_renamed_and_stashed_files_are_uncommitted(runner, workspace):
    (workspace / "README.md").write_text("mine")
    git("stash", cwd=workspace)
    git("mv", "lib/a.py", "lib/b.py", cwd=workspace)
    (workspace / "new one\n.txt").write_text("new")
    assert await _counts(runner, workspace) == (Saved.UNSAVED, 3, 0)


@pytest.mark.parametrize("where", ["branch", "other-branch", "detached"])
async def test_commits_that_no_remote_has_are_unpushed(runner, workspace, where):
    if where == "other-branch":
        git("switch", "-q", "-c", "mine", cwd=workspace)
    if where == "detached":
        git("switch", "-q", "--detach", cwd=workspace)
    git("commit", "-q", "--allow-empty", "-m", "mine", cwd=workspace)
    if where == "other-branch":
        git("switch", "-q", "main", cwd=workspace)
    assert await _counts(runner, workspace) == (Saved.UNSAVED, 0, 1)


async def test_pushed_work_is_clean_again(runner, workspace):
    git("commit", "-q", "--allow-empty", "-m", "mine", cwd=workspace)
    git("push", "-q", "origin", "HEAD:refs/heads/mine", cwd=workspace)
    git("fetch", "-q", cwd=workspace)
    assert await _counts(runner, workspace) == (Saved.CLEAN, 0, 0)


async def test_a_shallow_clone_is_clean(runner, tmp_path, bare):
    git("clone", "-q", "--depth=1", f"file://{bare}", str(tmp_path / "shallow"))
    assert await _counts(runner, tmp_path / "shallow") == (Saved.CLEAN, 0, 0)


async def test_without_a_remote(runner, workspace):
    git("remote", "remove", "origin", cwd=workspace)
    assert await _counts(runner, workspace) == (Saved.NO_REMOTE, 0, 2)


async def test_a_repository_without_a_commit(runner, tmp_path):
    git("init", "-q", str(tmp_path / "fresh"))
    (tmp_path / "fresh" / "a").touch()
    assert await _counts(runner, tmp_path / "fresh") == (Saved.NO_REMOTE, 1, 0)


async def test_an_empty_workspace_has_nothing_to_lose(runner, tmp_path):
    (tmp_path / "empty" / "lost+found").mkdir(parents=True)
    assert await _counts(runner, tmp_path / "empty") == (Saved.CLEAN, 0, 0)


async def test_repositories_side_by_side_and_a_loose_file(runner, tmp_path, bare):
    many = tmp_path / "many"
    for name in ("a", "b"):
        git("clone", "-q", f"file://{bare}", str(many / name))
    assert await _counts(runner, many) == (Saved.CLEAN, 0, 0)
    (many / "notes.txt").touch()
    assert await _counts(runner, many) == (Saved.NO_REMOTE, 1, 0)
    (many / "b" / "new").touch()
    assert await _counts(runner, many) == (Saved.UNSAVED, 2, 0)


async def test_what_git_cannot_read_is_unknown(runner, tmp_path, workspace):
    (workspace / ".git" / "HEAD").write_text("garbage")
    assert (await read_work(runner, workspace)).saved is Saved.UNKNOWN
    assert (await read_work(runner, tmp_path / "nowhere")).saved is Saved.UNKNOWN


async def test_a_repository_that_names_a_program_does_not_run_it(runner, workspace, tmp_path):
    script = tmp_path / "monitor"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    script.chmod(0o755)
    git("config", "core.fsmonitor", str(script), cwd=workspace)
    await read_work(runner, workspace)
    assert not (tmp_path / "ran").exists()


def test_the_worst_counts():
    assert combine([]) == Work(Saved.CLEAN)
    assert combine([Work(Saved.CLEAN), Work(Saved.UNKNOWN), Work(Saved.UNSAVED, 1, 2)]).saved is Saved.UNKNOWN
