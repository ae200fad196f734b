from __future__ import annotations

import asyncio

import pytest

from container.changes import difference
from container.changes.difference import Side
from container.git_failures import GitFailure
from container.refusal import Refusal, Why
from tests.container.conftest import git


async def refused(attempt, why, field=""):
    with pytest.raises(Refusal) as caught:
        await attempt
    assert (caught.value.why, caught.value.field) == (why, field), caught.value
    return caught.value.message


async def failed(attempt, reason):
    with pytest.raises(GitFailure) as caught:
        await attempt
    assert caught.value.reason == reason, (caught.value.message, caught.value.said)
    assert caught.value.message
    return caught.value


# Which repository


async def test_without_a_repository_it_says_so(empty):
    assert await empty.changes.repositories() == ()
    message = await refused(empty.changes.status(), Why.ABSENT, "repository")
    assert "git init" in message
    empty.workspace.rmdir()
    await refused(empty.changes.status(), Why.CONFLICT)


async def test_of_several_one_is_named(empty, bare):
    for name in ("one", "two"):
        git("clone", "-q", f"file://{bare}", str(empty.workspace / name))
    empty.write("two/new", "")
    assert await empty.changes.repositories() == ("one", "two")
    message = await refused(empty.changes.status(), Why.INVALID, "repository")
    assert "one, two" in message
    assert await empty.seen(repository="two") == {"new": (None, "untracked")}
    for name in ("three", "..", "/etc"):
        await refused(empty.changes.status(repository=name), Why.ABSENT, "repository")


async def test_a_repository_around_the_workspace_is_not_ours(empty):
    git("init", "-q", cwd=empty.root)
    await refused(empty.changes.stage(), Why.ABSENT, "repository")
    assert empty.changed == 0


# What has changed


async def test_a_fresh_clone(world):
    status = await world.changes.status()
    assert (status.repository, status.branch, status.upstream) == ("", "main", "origin/main")
    assert (status.ahead, status.behind, status.changes, status.operation) == (0, 0, (), None)
    assert status.head == world.git("rev-parse", "HEAD")[:10]


async def test_each_kind_of_change(world):
    world.write("staged", "x")
    world.git("add", "staged")
    world.write("staged", "y")
    world.write("README.md", "mine\n")
    world.git("mv", "lib/a.py", "lib/b.py")
    world.write("new/file\n1", "")
    assert await world.seen() == {
        "staged": ("added", "modified"),
        "README.md": (None, "modified"),
        "lib/b.py": ("renamed", None),
        "new/file\n1": (None, "untracked"),
    }
    renamed = next(c for c in (await world.changes.status()).changes if c.path == "lib/b.py")
    assert renamed.original == "lib/a.py"
    (world.workspace / "README.md").unlink()
    assert (await world.seen())["README.md"] == (None, "deleted")


async def test_before_the_first_commit(empty):
    git("init", "-q", "-b", "trunk", cwd=empty.workspace)
    empty.write("a", "1\n")
    status = await empty.changes.status()
    assert (status.branch, status.head, status.upstream, status.ahead) == ("trunk", None, None, None)
    assert await empty.changes.log() == ()
    assert await empty.changes.branches() == ()
    await empty.changes.stage(["a"])
    assert "+1" in (await empty.changes.diff(side=Side.STAGED)).text
    assert "+1" in (await empty.changes.diff(side=Side.ALL)).text
    await empty.changes.unstage(["a"])
    assert await empty.seen() == {"a": (None, "untracked")}
    await empty.changes.stage()
    commit = await empty.changes.commit("first")
    assert (commit.author, commit.email, commit.subject) == ("alice", "alice@berth.invalid", "first")
    assert "no remote" in await refused(empty.changes.push(), Why.CONFLICT)


async def test_a_conflict_is_told_and_neither_discarded_nor_committed(world):
    world.git("switch", "-q", "-c", "theirs")
    world.write("README.md", "theirs\n")
    world.git("commit", "-q", "-am", "theirs")
    world.git("switch", "-q", "main")
    world.write("README.md", "ours\n")
    world.git("commit", "-q", "-am", "ours")
    with pytest.raises(Exception, match="merge"):
        world.git("merge", "theirs")
    status = await world.changes.status()
    assert status.operation == "merge"
    assert await world.seen() == {"README.md": (None, "conflicted")}
    await refused(world.changes.discard("README.md"), Why.CONFLICT, "path")
    await failed(world.changes.commit("x"), "Unmerged")
    await failed(world.changes.switch("theirs"), "Unmerged")
    world.write("README.md", "both\n")
    await world.changes.stage(["README.md"])
    await world.changes.commit("merged")
    assert (await world.changes.status()).operation is None


async def test_more_changes_than_are_told(world, monkeypatch):
    monkeypatch.setattr("container.changes.status.MAX_CHANGES", 3)
    for number in range(5):
        world.write(f"{number}", "")
    status = await world.changes.status()
    assert len(status.changes) == 3
    assert status.more
    monkeypatch.setattr("container.changes.repository._MAX_STATUS", 400)
    for number in range(200):
        world.write(f"a-long-name-{number}", "")
    assert (await world.changes.status()).more


# Differences


async def test_both_sides_of_a_file(world):
    world.write("README.md", "staged\n")
    world.git("add", "-A")
    world.write("README.md", "staged\nand more\n")
    world.write("ž new", "one\ntwo\n")
    staged = await world.changes.diff("README.md", Side.STAGED)
    assert [(f.path, f.added, f.deleted) for f in staged.files] == [("README.md", 1, 1)]
    assert "+staged" in staged.text
    assert "and more" not in staged.text
    unstaged = await world.changes.diff("README.md", Side.UNSTAGED)
    assert "+and more" in unstaged.text
    assert "-staged" not in unstaged.text
    new = await world.changes.diff("ž new")
    assert [(f.path, f.original, f.added, f.deleted) for f in new.files] == [("ž new", None, 2, 0)]
    assert "+two" in new.text
    whole = await world.changes.diff()
    assert [f.path for f in whole.files] == ["README.md"]
    assert whole.whole


async def test_a_binary_file_a_rename_and_a_link(world):
    (world.workspace / "image").write_bytes(b"\x89PNG\0" + bytes(range(256)))
    world.git("mv", "lib/a.py", "lib/b.py")
    (world.workspace / "link").symlink_to(world.root / "home")
    binary = await world.changes.diff("image")
    assert [(f.path, f.binary) for f in binary.files] == [("image", True)]
    assert "Binary files" in binary.text
    [renamed] = (await world.changes.diff(side=Side.STAGED)).files
    assert (renamed.original, renamed.path, renamed.added) == ("lib/a.py", "lib/b.py", 0)
    assert str(world.root / "home") in (await world.changes.diff("link")).text


@pytest.mark.parametrize("text", ["", "\n", "one", "one\n", "one\ntwo\n", "one\r\n\n"])
async def test_a_new_file_is_told_as_git_would(world, text):
    (world.workspace / "new").write_bytes(text.encode())
    ours = await world.changes.diff("new")
    world.git("add", "--intent-to-add", "new")
    gits = await world.changes.diff("new")
    assert ours.files == gits.files
    said = [line for line in gits.text.split("\n") if not line.startswith("index ")]
    assert ours.text.replace("+1,1 @@", "+1 @@").split("\n") == said


async def test_a_large_difference_is_cut(world, monkeypatch):
    monkeypatch.setattr(difference, "MAX_DIFF", 1000)
    world.write("README.md", "line\n" * 10_000)
    cut = await world.changes.diff("README.md")
    assert (len(cut.text), cut.whole) == (1000, False)
    assert cut.files[0].added == 10_000
    world.write("new", "line\n" * 10_000)
    cut = await world.changes.diff("new")
    assert (len(cut.text), cut.whole) == (1000, False)


async def test_no_program_of_the_configuration_is_run_to_compare(world):
    ran = world.root / "ran"
    for key in ("diff.external", "diff.bad.textconv", "diff.bad.command"):
        world.git("config", key, f"touch {ran}; true")
    world.write(".git/info/attributes", "* diff=bad\n")
    world.write("README.md", "mine\n")
    assert "+mine" in (await world.changes.diff()).text
    assert not ran.exists()


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../b"])
async def test_a_path_out_of_the_repository_is_refused(world, path):
    await refused(world.changes.diff(path), Why.INVALID, "path")
    await refused(world.changes.discard(path), Why.INVALID, "path")
    await refused(world.changes.stage([path]), Why.INVALID, "paths")


async def test_what_lies_behind_a_link_is_not_told(world):
    (world.root / "outside").mkdir()
    (world.root / "outside" / "private").write_text("secret")
    (world.workspace / "out").symlink_to(world.root / "outside")
    difference_ = await world.changes.diff("out/private")
    assert "secret" not in difference_.text
    await refused(world.changes.discard("out/private"), Why.CONFLICT, "path")
    assert (world.root / "outside" / "private").exists()


# Staging and discarding


async def test_stage_and_unstage_by_name_and_all(world):
    names = ["*", ":(top)a", "-x", "new\nline"]
    for name in names:
        world.write(name, name)
    (world.workspace / "README.md").unlink()
    status = await world.changes.stage(["*"])
    assert [change.path for change in status.changes if change.staged] == ["*"]
    await world.changes.stage(["README.md", "-x"])
    assert (await world.seen())["README.md"] == ("deleted", None)
    await world.changes.unstage(["-x"])
    assert (await world.seen())["-x"] == (None, "untracked")
    status = await world.changes.stage()
    assert all(change.staged and not change.unstaged for change in status.changes)
    status = await world.changes.unstage()
    assert not any(change.staged for change in status.changes)
    for bad in ([], [""]):
        await refused(world.changes.stage(bad), Why.INVALID, "paths")
    await failed(world.changes.stage(["nowhere"]), "RefNotFound")


async def test_discard(world):
    world.write("README.md", "staged\n")
    world.git("add", "README.md")
    world.write("README.md", "staged and more\n")
    await world.changes.discard("README.md")
    assert (world.workspace / "README.md").read_text() == "staged\n"
    assert "unstage" in await refused(world.changes.discard("README.md"), Why.CONFLICT, "path")
    world.write("*", "new")
    world.write("other", "new")
    await world.changes.discard("*")
    assert await world.seen() == {"README.md": ("modified", None), "other": (None, "untracked")}
    (world.workspace / "lib" / "a.py").unlink()
    await world.changes.discard("lib/a.py")
    assert (world.workspace / "lib" / "a.py").exists()
    await refused(world.changes.discard("lib/a.py"), Why.CONFLICT, "path")
    await refused(world.changes.discard(".git/config"), Why.CONFLICT, "path")


# Commits


async def test_a_commit_is_by_whom_git_knows(world):
    world.git("config", "user.name", "Žofie")
    world.git("config", "user.email", "z@example.com")
    world.write("README.md", "mine\n")
    await refused(world.changes.commit("x"), Why.CONFLICT)
    await world.changes.stage()
    commit = await world.changes.commit("Say žluť\n\nAnd why.\n")
    assert (commit.author, commit.email, commit.subject) == ("Žofie", "z@example.com", "Say žluť")
    assert not commit.pushed
    assert world.git("log", "-1", "--format=%b").strip() == "And why."
    log = await world.changes.log(2)
    assert [(c.subject, c.pushed) for c in log] == [("Say žluť", False), ("two", True)]
    assert world.changed == world.told == 3


@pytest.mark.parametrize("message", ["", " \n", "a\0b", "x" * 70_000])
async def test_a_message_that_is_none(world, message):
    await refused(world.changes.commit(message), Why.INVALID, "message")


async def test_hooks_run_and_what_they_say_is_told(world):
    world.hook("pre-commit", "echo looking >&2; touch hooked")
    world.write("README.md", "mine\n")
    await world.changes.stage()
    await world.changes.commit("fine")
    assert (world.workspace / "hooked").exists()
    world.hook("pre-commit", "echo 'line 7 is too long'; exit 1")
    await world.changes.stage()
    failure = await failed(world.changes.commit("bad"), "CommitRefused")
    assert "line 7 is too long" in failure.message
    assert "line 7 is too long" in failure.said
    assert (await world.changes.log(1))[0].subject == "fine"


async def test_a_lock_of_another_git_is_named(world):
    world.write("README.md", "mine\n")
    world.write(".git/index.lock", "")
    failure = await failed(world.changes.stage(), "Busy")
    assert "another git" in failure.message
    assert world.changed == 1


async def test_changes_come_one_after_the_other(world):
    for number in range(6):
        world.write(f"{number}", "")
    await asyncio.gather(*(world.changes.stage([f"{number}"]) for number in range(6)))
    assert all(staged == "added" for staged, _ in (await world.seen()).values())


# Branches


async def test_branches(world):
    status = await world.changes.create_branch("feature/a")
    assert (status.branch, status.upstream) == ("feature/a", None)
    status = await world.changes.switch("side")
    assert (status.branch, status.upstream) == ("side", "origin/side")
    found = {(branch.name, branch.remote): branch for branch in await world.changes.branches()}
    assert found["side", False].current
    assert found["side", False].upstream == "origin/side"
    assert not found["main", False].current
    assert ("origin/main", True) in found
    assert not any(name.endswith("HEAD") for name, _ in found)
    await failed(world.changes.create_branch("side"), "BranchExists")
    await failed(world.changes.switch("nowhere"), "SwitchFailed")


@pytest.mark.parametrize("name", ["-f", "a b", "a..b", "@{-1}", "", "a\0b", "refs/../x"])
async def test_a_branch_that_cannot_be(world, name):
    await refused(world.changes.switch(name), Why.INVALID, "branch")
    await refused(world.changes.create_branch(name), Why.INVALID, "branch")


async def test_a_switch_that_would_lose_something(world):
    world.write("README.md", "mine\n")
    await failed(world.changes.switch("side"), "LocalChanges")
    assert (world.workspace / "README.md").read_text() == "mine\n"


async def test_a_detached_head(world):
    world.git("switch", "-q", "--detach")
    status = await world.changes.status()
    assert status.branch is None
    assert "no branch" in await refused(world.changes.push(), Why.CONFLICT)
    await refused(world.changes.pull(), Why.CONFLICT)
