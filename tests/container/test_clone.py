from __future__ import annotations

import asyncio
import os

import pytest

from container.clone import clone, occupied, resume
from container.directories import STAGING
from container.environment import Repository
from container.git import Git, Login
from container.git_failures import GitFailure
from container.given import Credentials
from tests.container.conftest import git

QUIET = lambda _: None  # noqa: E731 - it has no more to say


@pytest.fixture
def runner(tmp_path):
    return Git({"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home")})


@pytest.fixture
def workspace(tmp_path):
    path = tmp_path / "workspace"
    path.mkdir()
    return path


def _names(workspace):
    return sorted(entry.name for entry in workspace.iterdir())


async def _clone(runner, bare, workspace, ref=None, depth=None, on_progress=QUIET):
    repository = Repository(f"file://{bare}", ref, depth)
    return await clone(runner, repository, workspace, login=None, on_progress=on_progress)


async def test_the_default_branch(runner, bare, workspace):
    cloned = await _clone(runner, bare, workspace)
    assert cloned is not None
    assert cloned.remark == ""
    assert _names(workspace) == [".git", "README.md", "lib"]
    assert git("status", "--porcelain", cwd=workspace) == ""
    assert git("remote", "get-url", "origin", cwd=workspace) == f"file://{bare}"
    assert git("rev-list", "--count", "HEAD", cwd=workspace) == "2"


@pytest.mark.parametrize("depth", [None, 1])
@pytest.mark.parametrize(
    "ref", ["side", "v1", "refs/heads/side", "refs/tags/v1", "<commit>", "refs/pull/7/head"]
)
async def test_every_kind_of_ref(runner, bare, workspace, ref, depth):
    first = git("rev-parse", "v1^{commit}", cwd=bare)
    git("update-ref", "refs/pull/7/head", first, cwd=bare)
    await _clone(runner, bare, workspace, first if ref == "<commit>" else ref, depth)
    assert git("rev-parse", "HEAD", cwd=workspace) == first
    assert (workspace / "README.md").read_text() == "one\n"
    assert git("status", "--porcelain", cwd=workspace) == ""


async def test_a_shallow_clone(runner, bare, workspace):
    await _clone(runner, bare, workspace, depth=1)
    assert git("rev-list", "--count", "HEAD", cwd=workspace) == "1"


async def test_progress_is_told_in_words(runner, bare, workspace):
    told = []
    await _clone(runner, bare, workspace, on_progress=told.append)
    assert "receiving objects, 100 %" in told


@pytest.mark.parametrize(
    ("ref", "reason"),
    [("nope", "RefNotFound"), ("refs/pull/9/head", "RefNotFound"), ("b" * 40, "RefNotFound")],
)
async def test_a_ref_that_is_not_there_leaves_nothing(runner, bare, workspace, ref, reason):
    with pytest.raises(GitFailure) as caught:
        await _clone(runner, bare, workspace, ref)
    assert caught.value.reason == reason
    assert _names(workspace) == []


async def test_a_repository_that_is_not_there_leaves_nothing(runner, tmp_path, workspace):
    with pytest.raises(GitFailure) as caught:
        await _clone(runner, tmp_path / "nothing.git", workspace)
    assert caught.value.reason == "RepositoryNotFound"
    assert _names(workspace) == []


async def test_without_git_it_is_said(bare, workspace):
    with pytest.raises(GitFailure, match="is it installed, and does PATH lead to it"):
        await _clone(Git({"PATH": "/nowhere"}, program="/nowhere/git"), bare, workspace)
    assert _names(workspace) == []


async def test_a_git_that_a_repository_brings_along_is_not_run(tmp_path, bare, workspace):
    theirs = tmp_path / "bin"
    theirs.mkdir()
    (theirs / "git").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (theirs / "git").chmod(0o755)
    await _clone(Git({"PATH": f"{theirs}:$PATH", "HOME": str(tmp_path / "home")}), bare, workspace)
    assert (workspace / "README.md").exists()
    assert not (tmp_path / "ran").exists()


async def test_hooks_of_the_machine_do_not_run(tmp_path, bare, workspace):
    home = tmp_path / "home"
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    home.mkdir()
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (hooks / "post-checkout").chmod(0o755)
    (home / ".gitconfig").write_text(f"[init]\n\ttemplateDir = {tmp_path}/template\n")
    await _clone(Git({"PATH": os.environ["PATH"], "HOME": str(home)}), bare, workspace)
    assert not (tmp_path / "ran").exists()


async def test_a_link_out_of_the_workspace_is_cloned_as_a_link_and_not_followed(
    runner, source, tmp_path, workspace
):
    outside = tmp_path / "outside"
    outside.mkdir()
    (source / "away").symlink_to(outside)
    git("add", "-A", cwd=source)
    git("commit", "-q", "-m", "link", cwd=source)
    await _clone(runner, source, workspace)
    assert (workspace / "away").is_symlink()
    assert list(outside.iterdir()) == []


async def test_a_submodule_must_not_read_files_of_the_container(runner, source, bare, workspace):
    git("submodule", "add", "-q", f"file://{bare}", "sub", cwd=source)
    git("commit", "-q", "-m", "submodule", cwd=source)
    cloned = await _clone(runner, source, workspace)
    assert cloned is not None
    assert "submodules" in cloned.remark
    assert list((workspace / "sub").iterdir()) == []
    assert (workspace / "README.md").exists()


async def test_a_submodule_comes_with_it(runner, source, bare, workspace, git_server):
    server = git_server("ann", "x")
    url = f"http://127.0.0.1:{server.port}/app.git"
    (source / ".gitmodules").write_text(f'[submodule "sub"]\n\tpath = sub\n\turl = {url}\n')
    git(
        "update-index", "--add", "--cacheinfo", f"160000,{git('rev-parse', 'HEAD', cwd=bare)},sub", cwd=source
    )
    git("add", ".gitmodules", cwd=source)
    git("commit", "-q", "-m", "submodule", cwd=source)
    login = Login.for_url(url, Credentials("ann", "x"))
    repository = Repository(f"file://{source}")
    cloned = await clone(runner, repository, workspace, login=login, on_progress=QUIET)
    assert cloned is not None
    assert cloned.remark == ""
    assert (workspace / "sub" / "README.md").read_text() == "two\n"
    assert git("status", "--porcelain", cwd=workspace) == ""


async def test_what_appears_meanwhile_is_not_mixed_with_the_clone(runner, bare, workspace):
    def meanwhile(_):
        (workspace / "mine.txt").write_text("mine")

    assert await _clone(runner, bare, workspace, on_progress=meanwhile) is None
    assert _names(workspace) == ["mine.txt"]


async def test_cancelled_it_ends_git_and_leaves_nothing(runner, bare, workspace):
    begun = asyncio.Event()
    task = asyncio.create_task(_clone(runner, bare, workspace, on_progress=lambda _: begun.set()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _names(workspace) == []


async def test_an_unfinished_clone_is_thrown_away_and_a_finished_one_moved_to_its_end(
    runner, bare, workspace
):
    half = workspace / f"{STAGING}half" / "tree"
    half.mkdir(parents=True)
    (half / "junk").write_text("x")
    assert not occupied(workspace)
    assert resume(workspace) is False
    assert _names(workspace) == []

    # Cut off while its entries were moved up: one is in place, the rest and .git are not.
    staged = workspace / f"{STAGING}done"
    await _clone(runner, bare, workspace)
    whole = _names(workspace)
    (staged / "tree").mkdir(parents=True)
    for name in (".git", "lib"):
        (workspace / name).rename(staged / "tree" / name)
    (staged / "complete").touch()
    assert resume(workspace) is True
    assert _names(workspace) == whole
    assert git("status", "--porcelain", cwd=workspace) == ""


def test_what_a_file_system_puts_at_its_top_is_no_work(workspace):
    (workspace / "lost+found").mkdir()
    assert not occupied(workspace)
    (workspace / "x").touch()
    assert occupied(workspace)
