from __future__ import annotations

import asyncio
import contextlib
import os

import pytest

from container import workspace as module
from container.environment import read_settings
from container.git import Git
from container.workspace import Backoff, Workspace
from tests.container.conftest import git


class World:
    def __init__(self, root, **environ):
        self.path = root / "workspace"
        self.said = []
        settings = read_settings(
            {"WORKSPACE_PATH": str(self.path), "DATABASE_PATH": str(root / "data" / "c.db"), **environ},
            first=False,
        )
        self.git = Git({"PATH": os.environ["PATH"], "HOME": str(root)})
        self.workspace = Workspace(
            settings, self.git, say=lambda *said: self.said.append(said), backoff=Backoff(0.02, 0.05)
        )

    async def prepare(self):
        await asyncio.wait_for(self.workspace.prepare(None), 120)
        return self.workspace.report

    async def failed(self):
        while self.workspace.report["state"] != "Failed":
            await asyncio.sleep(0.005)


@pytest.fixture
def world(tmp_path):
    return lambda **environ: World(tmp_path, **environ)


async def test_without_a_repository_it_is_empty(world):
    empty = world()
    report = await empty.prepare()
    assert report["state"] == "Empty"
    assert empty.path.is_dir()


async def test_a_declared_repository_is_cloned(world, bare):
    report = await world(BERTH_REPOSITORY_URL=f"file://{bare}", BERTH_REPOSITORY_REF="side").prepare()
    assert (report["state"], report["reason"]) == ("Ready", "Cloned")
    assert report["message"] == f"cloned file://{bare} (ref side)"


async def test_an_existing_workspace_is_never_touched(world, bare):
    first = world(BERTH_REPOSITORY_URL=f"file://{bare}")
    await first.prepare()
    (first.path / "README.md").write_text("my work\n")
    (first.path / ".git" / "HEAD").write_text("ref: refs/heads/mine\n")
    before = {str(p): p.stat().st_mtime_ns for p in first.path.rglob("*")}
    report = await world(BERTH_REPOSITORY_URL=f"file://{bare}", BERTH_REPOSITORY_REF="side").prepare()
    assert (report["state"], report["reason"]) == ("Ready", "Found")
    assert {str(p): p.stat().st_mtime_ns for p in first.path.rglob("*")} == before


async def test_files_without_a_repository_are_left_and_said(world, bare):
    here = world(BERTH_REPOSITORY_URL=f"file://{bare}")
    here.path.mkdir()
    (here.path / "notes.txt").write_text("mine")
    report = await here.prepare()
    assert (report["state"], report["reason"]) == ("Ready", "NotARepository")
    assert [p.name for p in here.path.iterdir()] == ["notes.txt"]


async def test_another_repository_than_declared_is_left_and_said(world, bare):
    await world(BERTH_REPOSITORY_URL=f"file://{bare}").prepare()
    report = await world(BERTH_REPOSITORY_URL="https://example.com/other").prepare()
    assert (report["state"], report["reason"]) == ("Ready", "OtherRepository")
    assert f"file://{bare}" in report["message"]
    assert "https://example.com/other" in report["message"]


@pytest.mark.parametrize("ending", ["", "/", ".git", ".git/"])
async def test_the_same_repository_spelled_otherwise_is_no_other(world, bare, ending):
    first = world(BERTH_REPOSITORY_URL=f"file://{bare}")
    await first.prepare()
    url = f"file://{str(bare).removesuffix('.git')}{ending}"
    assert (await world(BERTH_REPOSITORY_URL=url).prepare())["reason"] == "Found"


async def test_a_fork_beside_the_declared_repository_is_no_other(world, bare):
    first = world(BERTH_REPOSITORY_URL=f"file://{bare}")
    await first.prepare()
    git("remote", "rename", "origin", "upstream", cwd=first.path)
    git("remote", "add", "origin", "https://ann:hunter2@example.com/fork.git", cwd=first.path)
    assert (await world(BERTH_REPOSITORY_URL=f"file://{bare}").prepare())["reason"] == "Found"
    report = await world(BERTH_REPOSITORY_URL="https://example.com/other").prepare()
    assert report["reason"] == "OtherRepository"
    assert "hunter2" not in report["message"]


async def test_a_refused_url_is_a_state_that_names_the_variable(world):
    here = world(BERTH_REPOSITORY_URL="https://a:b@example.com/x")
    report = await here.prepare()
    assert (report["state"], report["reason"]) == ("Failed", "InvalidRepository")
    assert "credentialsSecret" in report["message"]
    assert "a:b" not in str(here.said)


async def test_a_failure_is_a_state_that_is_tried_again_until_it_is_mended(world, bare):
    hidden = bare.rename(bare.with_name("hidden.git"))
    here = world(BERTH_REPOSITORY_URL=f"file://{bare}")
    task = asyncio.create_task(here.workspace.prepare(None))
    await here.failed()
    assert here.workspace.report["reason"] == "RepositoryNotFound"
    assert here.workspace.report["message"].endswith("; it is tried again")
    hidden.rename(bare)
    await asyncio.wait_for(task, 120)
    assert here.workspace.report["state"] == "Ready"


async def test_a_workspace_that_cannot_be_made_is_a_state(world, tmp_path):
    (tmp_path / "workspace").write_text("a file")
    here = world()
    task = asyncio.create_task(here.workspace.prepare(None))
    await here.failed()
    assert here.workspace.report["reason"] == "Unusable"
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(("number", "reason"), [(28, "NoSpace"), (30, "NotWritable"), (13, "NotWritable")])
async def test_what_the_system_refuses_is_named(world, bare, monkeypatch, number, reason):
    async def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(module, "clone", refuse)
    here = world(BERTH_REPOSITORY_URL=f"file://{bare}")
    task = asyncio.create_task(here.workspace.prepare(None))
    await here.failed()
    task.cancel()
    await asyncio.wait([task])
    assert here.workspace.report["reason"] == reason


def test_backoff_doubles_to_five_minutes():
    backoff = Backoff()
    for failures, seconds in [(1, 2), (2, 4), (3, 8), (8, 256), (9, 300), (10_000, 300)]:
        assert 0.9 * seconds <= backoff.after(failures) <= min(1.1 * seconds, 300)


async def test_the_repository_is_not_changed_by_looking_at_it(world, bare):
    here = world(BERTH_REPOSITORY_URL=f"file://{bare}")
    await here.prepare()
    assert git("status", "--porcelain", cwd=here.path) == ""
