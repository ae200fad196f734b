"""The login reaches the declared server, and nobody else."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from container.clone import clone
from container.environment import Repository
from container.git import Git, Login
from container.git_failures import GitFailure
from container.given import Credentials
from tests.container.conftest import GitServer

PASSWORD = "pa ss:w%rd"


@pytest.fixture
def workspace(tmp_path):
    path = tmp_path / "workspace"
    path.mkdir()
    return path


async def _clone(port, workspace, password=PASSWORD, seen=None):
    runner = Git({"PATH": os.environ["PATH"], "HOME": str(workspace.parent)})
    url = f"http://127.0.0.1:{port}/app.git"
    login = Login.for_url(url, Credentials("ann", password) if password else None)

    def look(_):
        if seen is not None:
            seen.append(_command_lines())

    await clone(runner, Repository(url), workspace, login=login, on_progress=look)


def _command_lines() -> str:
    lines = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                lines.append((entry / "cmdline").read_bytes().decode(errors="replace"))
            except OSError:
                continue
    return "\n".join(lines)


async def test_a_private_repository_is_cloned_and_its_login_kept_nowhere(git_server, workspace):
    server = git_server("ann", PASSWORD)
    seen: list[str] = []
    await _clone(server.port, workspace, seen=seen)
    assert (workspace / "README.md").read_text() == "two\n"
    assert any("git" in lines for lines in seen)
    assert all(PASSWORD not in lines for lines in seen)
    for path in workspace.parent.rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes()
    assert "credential" not in (workspace / ".git" / "config").read_text()


@pytest.mark.parametrize("password", ["wrong-password", None])
async def test_a_refused_login_is_told_without_it(git_server, workspace, password):
    server = git_server("ann", PASSWORD)
    with pytest.raises(GitFailure) as caught:
        await _clone(server.port, workspace, password)
    assert caught.value.reason == "AuthenticationFailed"
    assert "wrong-password" not in str(caught.value)


async def test_a_redirect_to_another_server_gets_no_login(git_server, workspace, bare):
    stranger = GitServer(bare.parent, "nobody", "nothing")
    try:
        server = git_server("ann", PASSWORD)
        server.redirect = f"http://localhost:{stranger.port}"
        with pytest.raises(GitFailure):
            await _clone(server.port, workspace)
        assert stranger.asked
        assert [given for _, given in stranger.asked if given] == []
    finally:
        await asyncio.to_thread(stranger.close)


async def test_a_server_that_says_nothing_is_given_up(workspace):
    async def silent(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    runner = Git({"PATH": os.environ["PATH"], "HOME": str(workspace.parent)})
    with pytest.raises(GitFailure) as caught:
        await runner.run("ls-remote", f"http://127.0.0.1:{port}/app.git", silence=0.3)
    assert caught.value.reason == "Unreachable"
    server.close()
    await server.wait_closed()


async def test_a_user_in_the_url_gets_the_login_of_its_server(git_server, workspace):
    server = git_server("acme", PASSWORD)
    url = f"http://acme@127.0.0.1:{server.port}/app.git"
    runner = Git({"PATH": os.environ["PATH"], "HOME": str(workspace.parent)})
    login = Login.for_url(url, Credentials("acme", PASSWORD))
    assert login is not None
    assert login.server == f"http://127.0.0.1:{server.port}"
    await clone(runner, Repository(url), workspace, login=login, on_progress=lambda _: None)
    assert (workspace / "README.md").read_text() == "two\n"


async def test_no_login_for_files_and_ssh():
    credentials = Credentials("ann", "x")
    assert Login.for_url("file:///srv/a", credentials) is None
    assert Login.for_url("git@example.com:a/b", credentials) is None
    login = Login.for_url("https://example.com:8443/a/b", credentials)
    assert login is not None
    assert login.server == "https://example.com:8443"
    assert "x" not in repr(login).replace("example", "")
