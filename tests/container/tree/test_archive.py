from __future__ import annotations

import asyncio
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from container.refusal import Refusal, Why
from container.tree.archive import Form
from tests.container.conftest import PATIENCE
from tests.container.tree.world import SECRET


async def whole(download):
    return b"".join([chunk async for chunk in download.chunks])


def fill(world):
    (world.workspace / "project" / "sub" / "empty").mkdir(parents=True)
    (world.workspace / "project" / "big").write_bytes(os.urandom(600_001))
    (world.workspace / "project" / "sub" / "run").write_text("#!/bin/sh\n")
    (world.workspace / "project" / "sub" / "run").chmod(0o755)
    (world.workspace / "project" / "out").symlink_to(world.outside)
    (world.workspace / "project" / "in").symlink_to("sub")
    (world.workspace / "project" / os.fsdecode(b"\xff" + "ž".encode() * 100)).write_text("name")
    os.mkfifo(world.workspace / "project" / "pipe")


async def test_a_tar_keeps_all_that_can_be_kept(world, tmp_path):
    fill(world)
    download = await world.tree.archive("project", Form.TAR)
    assert (download.name, download.media_type, download.size) == ("project.tar", "application/x-tar", None)
    content = await whole(download)
    assert SECRET.encode() not in content
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        tar.extractall(tmp_path / "got", filter="fully_trusted")
    got = tmp_path / "got" / "project"
    assert {path.name for path in got.iterdir()} == {
        path.name for path in (world.workspace / "project").iterdir()
    } - {"pipe"}
    assert (got / "big").read_bytes() == (world.workspace / "project" / "big").read_bytes()
    assert (got / "out").readlink() == world.outside
    assert (got / "in").readlink() == Path("sub")
    assert os.access(got / "sub" / "run", os.X_OK)
    assert (got / "sub" / "empty").is_dir()


async def test_a_zip_can_be_opened_anywhere(world):
    fill(world)
    download = await world.tree.archive("project", Form.ZIP)
    content = await whole(download)
    assert SECRET.encode() not in content
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        assert file.testzip() is None
        assert file.read("project/big") == (world.workspace / "project" / "big").read_bytes()
        assert file.read("project/out").decode() == str(world.outside)
        assert {"project/", "project/sub/", "project/sub/empty/", "project/sub/run"} <= set(file.namelist())


async def test_the_whole_workspace(world):
    (world.workspace / "a").touch()
    (world.workspace / ".berth-clone-x").mkdir()
    (world.workspace / ".berth-clone-x" / "b").touch()
    download = await world.tree.archive("", Form.TAR)
    with tarfile.open(fileobj=io.BytesIO(await whole(download))) as tar:
        assert tar.getnames() == ["workspace", "workspace/a"]


async def test_what_is_no_directory(world):
    (world.workspace / "a").touch()
    for path, why in (("a", Why.INVALID), ("nowhere", Why.ABSENT), ("../outside", Why.INVALID)):
        with pytest.raises(Refusal) as caught:
            await world.tree.archive(path, Form.ZIP)
        assert caught.value.why is why


def open_descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_reader_that_goes_leaves_nothing_open(world):
    for number in range(20):
        (world.workspace / f"{number}").write_bytes(os.urandom(300_000))
    before = open_descriptors()
    for form in Form:
        download = await world.tree.archive("", form)
        await anext(download.chunks)
        await download.chunks.aclose()
        download = await world.tree.archive("", form)
        del download
    # A thread tells that it opened the directory before it lets go of it: so it may take a moment.
    async with asyncio.timeout(PATIENCE):
        while open_descriptors() != before:
            await asyncio.to_thread(int)


@pytest.mark.parametrize("form", Form)
async def test_nothing_is_kept_of_a_large_directory(world, form):
    (world.workspace / "sparse").touch()
    os.truncate(world.workspace / "sparse", 64 * 1024 * 1024)
    largest = 0
    async for chunk in (await world.tree.archive("", form)).chunks:
        largest = max(largest, len(chunk))
    assert largest <= 1024 * 1024
