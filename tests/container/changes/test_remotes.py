from __future__ import annotations

import pytest

from container.changes.changes import Changes
from container.environment import Author
from container.git import Login
from container.given import Credentials
from container.refusal import Why
from tests.container.changes.conftest import PASSWORD
from tests.container.changes.test_changes import failed, refused
from tests.container.conftest import GitServer, git


def kept(root):
    """The files that hold the password."""
    return [path for path in root.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]


def cmdlines(root):
    return (root / "cmdlines").read_text(errors="replace")


async def commit(world, name, text="x"):
    world.write(name, text)
    await world.changes.stage()
    await world.changes.commit(f"mine: {name}")


async def test_push_fetch_and_pull(world, elsewhere, bare):
    await commit(world, "mine")
    assert (await world.changes.status()).ahead == 1
    status = await world.changes.push()
    assert (status.ahead, status.behind) == (0, 0)
    assert "mine: mine" in git("log", "-1", "--format=%s", "main", cwd=bare)


async def test_what_others_pushed_is_fetched_and_pulled(world, elsewhere):
    elsewhere("theirs", "x")
    status = await world.changes.fetch()
    assert (status.ahead, status.behind) == (0, 1)
    assert not (world.workspace / "theirs").exists()
    status = await world.changes.pull()
    assert status.behind == 0
    assert (world.workspace / "theirs").exists()
    assert (await world.changes.log(1))[0].pushed


async def test_both_sides_have_commits(world, elsewhere):
    elsewhere("theirs", "x")
    await commit(world, "mine")
    failure = await failed(world.changes.push(), "Rejected")
    assert "pull" in failure.message
    failure = await failed(world.changes.pull(), "NotFastForward")
    assert "merge or rebase" in failure.message
    status = await world.changes.status()
    assert (status.ahead, status.behind, status.operation) == (1, 1, None)


async def test_a_pull_that_would_overwrite(world, elsewhere):
    elsewhere("README.md", "theirs\n")
    world.write("README.md", "mine\n")
    await failed(world.changes.pull(), "LocalChanges")
    assert (world.workspace / "README.md").read_text() == "mine\n"


async def test_a_new_branch_gets_its_upstream(world, bare):
    await world.changes.create_branch("mine")
    await refused(world.changes.pull(), Why.CONFLICT)
    status = await world.changes.push()
    assert (status.upstream, status.ahead) == ("origin/mine", 0)
    assert "mine" in git("branch", "--list", "mine", cwd=bare)


async def test_a_branch_is_pushed_to_where_it_came_from(world, bare):
    world.git("switch", "-q", "-c", "local", "--track", "origin/side")
    await commit(world, "mine")
    await world.changes.push()
    assert git("log", "-1", "--format=%s", "side", cwd=bare) == "mine: mine"
    assert git("branch", "--list", "local", cwd=bare) == ""


async def test_a_remote_that_refuses(world, bare):
    hook = bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no entry >&2; exit 1\n")
    hook.chmod(0o755)
    await commit(world, "mine")
    failure = await failed(world.changes.push(), "RemoteRefused")
    assert "no entry" in failure.said


async def test_several_remotes_and_none_is_meant(world):
    for name in ("a", "b"):
        world.git("remote", "add", name, world.url)
    world.git("remote", "remove", "origin")
    assert "not clear" in await refused(world.changes.push(), Why.CONFLICT)
    await refused(world.changes.fetch(), Why.CONFLICT)


async def test_a_server_gets_its_login_and_it_is_kept_nowhere(served, bare):
    world = served
    await commit(world, "mine")
    world.hook("pre-push", f"cat /proc/*/cmdline > {world.root}/cmdlines 2>/dev/null; true")
    status = await world.changes.push()
    assert status.ahead == 0
    assert git("log", "-1", "--format=%s", "main", cwd=bare) == "mine: mine"
    await world.changes.fetch()
    await world.changes.pull()
    assert any(given for _, given in world.server.asked)
    assert kept(world.root) == []
    assert "git" in cmdlines(world.root)
    assert "credential" not in (world.workspace / ".git" / "config").read_text()


async def test_a_commits_hook_sees_no_login(served):
    served.hook("pre-commit", f"env > {served.root}/environ")
    await commit(served, "mine")
    environ = (served.root / "environ").read_text()
    assert PASSWORD not in environ
    assert "BERTH_GIT" not in environ


async def test_a_refused_login_is_said_without_it(tmp_path, served):
    server = served.server
    login = Login.for_url(f"http://127.0.0.1:{server.port}/app.git", Credentials("ann", "wrong-password"))
    changes = Changes(
        served.workspace,
        served.changes._git._environ,
        login=login,
        author=Author("a", "a@b.invalid"),
        changed=lambda: None,
    )
    for attempt in (changes.fetch(), changes.pull(), changes.push()):
        failure = await failed(attempt, "AuthenticationFailed")
        assert "wrong-password" not in failure.message + failure.said


async def test_another_server_never_gets_it(served, bare):
    """A repository's configuration is anybody's; a remote in it must not draw the login to itself."""
    stranger = GitServer(bare.parent, "nobody", "nothing")
    try:
        served.git("remote", "set-url", "origin", f"http://127.0.0.1:{stranger.port}/app.git")
        await failed(served.changes.fetch(), "AuthenticationFailed")
        await failed(served.changes.push(), "AuthenticationFailed")
        assert stranger.asked
        assert [given for _, given in stranger.asked if given] == []
    finally:
        stranger.close()


async def test_a_server_that_is_not_there(world):
    world.git("remote", "set-url", "origin", "http://127.0.0.1:1/app.git")
    await failed(world.changes.fetch(), "Unreachable")
    world.git("remote", "set-url", "origin", "file:///nowhere.git")
    await failed(world.changes.push(), "RepositoryNotFound")


@pytest.mark.parametrize("remote", ["--upload-pack=touch ran", "ext::sh -c touch% ran"])
async def test_a_remote_that_is_a_command_runs_none(world, remote):
    world.git("config", "branch.main.remote", remote)
    with pytest.raises(Exception):  # noqa: B017, PT011 - however it is said
        await world.changes.fetch()
    assert not (world.workspace / "ran").exists()
