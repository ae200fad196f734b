"""What a ref means is asked of git, and what a clone brought is nobody's work."""

from __future__ import annotations

import asyncio
import os
import re
import shutil

import pytest

from container.clone import clone
from container.environment import Repository
from container.git import ALLOW_FILE, GUARDED, Git
from container.git_failures import GitFailure
from container.pushed import Pushed
from container.work import Saved, read_work
from tests.container.conftest import GIT_ENV, git, repositories


@pytest.fixture
def runner(tmp_path):
    return Git({**GIT_ENV, "PATH": os.environ["PATH"], "HOME": str(tmp_path / "home")})


@pytest.fixture
def workspace(tmp_path):
    path = tmp_path / "workspace"
    path.mkdir()
    return path


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The repository with a commit that only a tag has, and one that only a pull request has.

    ``rel`` is a tag and a branch, at different commits. It is made once, and only read.
    """
    made, bare = repositories(tmp_path_factory.getbasetemp())
    root = tmp_path_factory.mktemp("served")
    source, bare = shutil.copytree(made, root / "source"), shutil.copytree(bare, root / "app.git")

    def commit(name, ref):
        git("checkout", "-q", "--detach", "v1", cwd=source)
        (source / f"{name}.txt").write_text(f"{name}\n")
        git("add", "-A", cwd=source)
        git("commit", "-q", "-m", name, cwd=source)
        git("push", "-q", str(bare), f"HEAD:{ref}", cwd=source)
        return git("rev-parse", "HEAD", cwd=source)

    return {
        "source": source,
        "url": f"file://{bare}",
        "main": git("rev-parse", "main", cwd=bare),
        "tag": commit("tag", "refs/tags/rel"),
        "branch": commit("branch", "refs/heads/rel"),
        "pull": commit("pull", "refs/pull/1/head"),
        "old": git("rev-parse", "v1", cwd=bare),
    }


async def _clone(runner, served, workspace, ref=None, depth=None):
    repository = Repository(served["url"], ref, depth)
    await clone(runner, repository, workspace, login=None, on_progress=lambda _: None)
    return git("rev-parse", "HEAD", cwd=workspace)


def _ref(ref, served):
    return re.sub(r"<(\w+)>", lambda match: served[match[1]], ref)


@pytest.mark.parametrize("depth", [None, 1])
@pytest.mark.parametrize(
    ("ref", "there"),
    [
        (None, "main"),
        ("HEAD", "main"),
        ("main", "main"),
        ("v1", "old"),
        ("rel", "branch"),
        ("refs/heads/rel", "branch"),
        ("refs/tags/rel", "tag"),
        ("tags/rel", "tag"),
        ("refs/pull/1/head", "pull"),
        ("pull/1/head", "pull"),
        ("<tag>", "tag"),
        ("<old>", "old"),
        ("<pull>", "pull"),
    ],
)
async def test_each_ref_is_that_very_one_and_a_fresh_clone_of_it_is_saved(
    runner, served, workspace, ref, there, depth
):
    assert await _clone(runner, served, workspace, ref and _ref(ref, served), depth) == served[there]
    work = await read_work(runner, workspace)
    assert (work.saved, work.uncommitted, work.unpushed) == (Saved.CLEAN, 0, 0)


@pytest.mark.parametrize("depth", [None, 1])
@pytest.mark.parametrize("there", ["old", "tag"])
@pytest.mark.parametrize("spelled", [lambda c: c[:7], str.upper, lambda c: c[:9].upper()])
async def test_a_commit_may_be_short_or_in_capitals(runner, served, workspace, spelled, there, depth):
    assert await _clone(runner, served, workspace, spelled(served[there]), depth) == served[there]
    assert (await read_work(runner, workspace)).saved is Saved.CLEAN


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("refs/tags/side", "no tag refs/tags/side"),
        ("refs/heads/v1", "no branch refs/heads/v1"),
        ("nope", "no branch or tag nope"),
        ("origin/main", "as the server does: main"),
        ("abcdef1", "has 40 hexadecimal digits"),
        ("b" * 40, "no branch, tag or commit bbbb"),
        ("refs/pull/9/head", "no branch or tag refs/pull/9/head"),
    ],
)
async def test_what_is_not_there_is_told_as_it_was_asked_for(runner, served, workspace, ref, words):
    with pytest.raises(GitFailure) as caught:
        await _clone(runner, served, workspace, ref)
    assert caught.value.reason == "RefNotFound"
    assert words in caught.value.message
    assert list(workspace.iterdir()) == []


async def test_a_shallow_clone_says_how_far_it_looked_for_a_commit(runner, served, workspace):
    with pytest.raises(GitFailure, match="within the newest 1000 of each branch"):
        await _clone(runner, served, workspace, "abcdef1", 1)


@pytest.fixture(scope="module", params=[None, 1])
def fresh(request, served, tmp_path_factory):
    """A clone of the tag, made once for copying."""
    path = tmp_path_factory.mktemp("fresh")
    environ = {**GIT_ENV, "PATH": os.environ["PATH"]}
    asyncio.run(_clone(Git(environ), served, path, "refs/tags/rel", request.param))
    if request.param:
        git("fetch", "-q", "--depth=1", "origin", "refs/tags/v1:refs/tags/v1", cwd=path)
        asyncio.run(read_work(Git(environ), path))
    return path


def _commit(cwd, *words):
    git("commit", "-q", "--allow-empty", *words, "-m", "mine", cwd=cwd)


@pytest.mark.parametrize(
    ("work", "uncommitted", "unpushed"),
    [
        (_commit, 0, 1),
        (lambda cwd: (_commit(cwd), _commit(cwd)), 0, 2),
        (lambda cwd: (git("switch", "-q", "-c", "mine", cwd=cwd), _commit(cwd)), 0, 1),
        (lambda cwd: git("switch", "-q", "-c", "mine", cwd=cwd), 0, 0),
        (lambda cwd: _commit(cwd, "--amend"), 0, 1),
        (
            lambda cwd: (_commit(cwd), git("tag", "mine", cwd=cwd), git("switch", "-q", "-d", "v1", cwd=cwd)),
            0,
            1,
        ),
        (lambda cwd: ((cwd / "README.md").write_text("x"), git("stash", "-q", cwd=cwd)), 1, 0),
        (lambda cwd: (cwd / "new").touch(), 1, 0),
        (lambda cwd: ((cwd / ".git" / "info" / "exclude").write_text("new\n"), (cwd / "new").touch()), 0, 0),
        (
            lambda cwd: (git("config", "status.showUntrackedFiles", "no", cwd=cwd), (cwd / "new").touch()),
            1,
            0,
        ),
        (lambda cwd: git("worktree", "add", "-q", "--detach", str(cwd.parent / "other"), cwd=cwd), 0, 0),
        (
            lambda cwd: (
                git("worktree", "add", "-q", "--detach", str(cwd.parent / "other"), cwd=cwd),
                _commit(cwd.parent / "other"),
            ),
            0,
            1,
        ),
        (
            lambda cwd: (
                git("fetch", "-q", "origin", "pull/1/head", cwd=cwd),
                git("checkout", "-q", "FETCH_HEAD", cwd=cwd),
            ),
            0,
            0,
        ),
    ],
)
async def test_what_comes_into_being_after_the_clone_is_work(
    runner, fresh, workspace, work, uncommitted, unpushed
):
    shutil.copytree(fresh, workspace, dirs_exist_ok=True)
    work(workspace)
    found = await read_work(runner, workspace)
    assert (found.uncommitted, found.unpushed) == (uncommitted, unpushed)
    assert found.saved is (Saved.UNSAVED if uncommitted or unpushed else Saved.CLEAN)


async def test_what_a_fetch_brought_stays_known_after_the_next_one(runner, served, workspace):
    await _clone(runner, served, workspace, "main")
    git("fetch", "-q", "origin", "pull/1/head", cwd=workspace)
    git("switch", "-q", "-c", "review", "FETCH_HEAD", cwd=workspace)
    assert (await read_work(runner, workspace)).saved is Saved.CLEAN
    git("fetch", "-q", "origin", cwd=workspace)
    assert (await read_work(runner, workspace)).saved is Saved.CLEAN
    _commit(workspace)
    assert (await read_work(runner, workspace)).unpushed == 1


async def test_a_commit_that_git_has_removed_since_the_clone_is_no_matter(runner, fresh, workspace):
    shutil.copytree(fresh, workspace, dirs_exist_ok=True)
    noted = workspace / ".git" / "berth-brought"
    noted.write_text(f"{'b' * 40}\n{noted.read_text()}")
    _commit(workspace)
    assert (await read_work(runner, workspace)).unpushed == 1


async def test_what_came_from_elsewhere_is_work(runner, served, workspace):
    source = served["source"]
    git("checkout", "-q", "-B", "elsewhere", "main", cwd=source)
    _commit(source)
    await _clone(runner, served, workspace, "main")
    git("pull", "-q", "--ff-only", str(source), "elsewhere", cwd=workspace)
    assert (await read_work(runner, workspace)).unpushed == 1


@pytest.mark.parametrize(("ref", "depth"), [("v1", None), ("v1", 1), ("main", 1)])
async def test_pushed_work_is_saved(served, workspace, ref, depth):
    runner = Git(GIT_ENV, settings=(*GUARDED, ALLOW_FILE))
    now, pushed = [0.0], Pushed(clock=lambda: now[0])

    async def unpushed():
        now[0] += 60
        return (await read_work(runner, workspace, pushed=pushed)).unpushed

    await _clone(runner, served, workspace, ref, depth)
    git("switch", "-q", "-c", f"mine-{ref}-{depth}", cwd=workspace)
    # Its own words: one of the same second would be the commit that another case has pushed.
    git("commit", "-q", "--allow-empty", "-m", f"first {ref} {depth}", cwd=workspace)
    assert await unpushed() == 1
    git("push", "-q", "origin", "HEAD", cwd=workspace)
    assert await unpushed() == 0
    git("commit", "-q", "--allow-empty", "-m", f"second {ref} {depth}", cwd=workspace)
    assert await unpushed() == 1
    git("commit", "-q", "--amend", "--allow-empty", "-m", "again", cwd=workspace)
    git("push", "-q", "origin", "HEAD:refs/heads/elsewhere", "--force", cwd=workspace)
    assert await unpushed() == 0


async def test_a_remote_is_asked_seldom_and_only_for_commits_that_git_cannot_tell_of(served, workspace):
    asked = []

    class Counting(Git):
        async def run(self, *words, **options):
            asked.extend(word for word in words if word == "ls-remote")
            return await super().run(*words, **options)

    runner = Counting(GIT_ENV, settings=(*GUARDED, ALLOW_FILE))
    now, pushed = [0.0], Pushed(clock=lambda: now[0])
    await _clone(runner, served, workspace, "main", 1)
    asked.clear()
    await read_work(runner, workspace, pushed=pushed)
    assert asked == []
    _commit(workspace)
    for _ in range(300):
        now[0] += 1.0
        await pushed.learn(runner, workspace / ".git", served["url"])
    assert 5 <= len(asked) <= 9
