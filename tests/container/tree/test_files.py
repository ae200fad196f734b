from __future__ import annotations

import asyncio
import errno
import os
import stat

import pytest

from container.refusal import Refusal, Why
from container.tree import uploading, writing
from container.tree.reading import MAX_TEXT
from container.tree.uploading import Clash
from tests.container.tree.world import SECRET, pieces


async def refused(attempt, why, field="path"):
    with pytest.raises(Refusal) as caught:
        await attempt
    assert (caught.value.why, caught.value.field) == (why, field), caught.value
    assert caught.value.message
    return caught.value.message


# Reading


async def test_a_text_and_its_version(world):
    (world.workspace / "a.txt").write_text("žluť\r\n")
    content = await world.tree.read("a.txt")
    assert (content.text, content.bytes, content.problem, content.image) == ("žluť\r\n", 8, "", None)
    again = await world.tree.read("a.txt")
    assert content.version == again.version != ""
    (world.workspace / "a.txt").write_text("other")
    assert (await world.tree.read("a.txt")).version != content.version


@pytest.mark.parametrize(
    ("data", "text", "problem"),
    [
        (b"\x7fELF\0\0", None, "no text"),
        (b"caf\xe9", "caf\ufffd", "not in UTF-8 at byte 3"),
        (b"x" * (MAX_TEXT + 1), "x" * MAX_TEXT, "larger than 2 MiB"),
    ],
)
async def test_what_a_write_would_harm_has_no_version(world, data, text, problem):
    (world.workspace / "a").write_bytes(data)
    content = await world.tree.read("a")
    assert content.text == text
    assert problem in content.problem
    assert content.version == ""
    assert content.bytes == len(data)
    await refused(world.tree.write("a", b"new", content.version), Why.CONFLICT, "version")
    assert (world.workspace / "a").read_bytes() == data


async def test_a_pipe_is_not_waited_for(world):
    os.mkfifo(world.workspace / "pipe")
    assert "no regular file" in await refused(world.tree.read("pipe"), Why.INVALID)
    assert "directory" in await refused(world.tree.read(""), Why.INVALID)


IMAGES = {
    "image/png": b"\x89PNG\r\n\x1a\n....",
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "image/gif": b"GIF89a",
    "image/webp": b"RIFF\0\0\0\0WEBPVP8 ",
    "image/avif": b"\0\0\0 ftypavif",
    "image/svg+xml": b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- by hand -->\n<svg xmlns="http://www.w3.org/2000/svg"/>',
}


@pytest.mark.parametrize("kind", IMAGES)
async def test_an_image_is_told_by_its_content(world, kind):
    (world.workspace / "a.txt").write_bytes(IMAGES[kind])
    assert (await world.tree.read("a.txt")).image == kind
    image = await world.tree.image("a.txt")
    assert image.media_type == kind
    assert b"".join([chunk async for chunk in image.chunks]) == IMAGES[kind]


@pytest.mark.parametrize("data", [b"<html><svg>", b"text", b"", b"<script>"])
async def test_what_is_no_image_is_not_shown_as_one(world, data):
    (world.workspace / "a.png").write_bytes(data)
    await refused(world.tree.image("a.png"), Why.INVALID)


# Writing


async def test_a_write_brings_the_version_it_read(world):
    (world.workspace / "a").write_text("one")
    (world.workspace / "a").chmod(0o751)
    version = (await world.tree.read("a")).version
    second = await world.tree.write("a", b"two", version)
    assert (world.workspace / "a").read_text() == "two"
    assert stat.S_IMODE((world.workspace / "a").stat().st_mode) == 0o751
    assert (await world.tree.read("a")).version == second
    assert (world.changes, world.heard) == (1, [""])
    await refused(world.tree.write("a", b"three", version), Why.CONFLICT, "version")
    assert (world.workspace / "a").read_text() == "two"
    assert world.changes == 1
    assert world.leftovers() == []


async def test_what_is_written_in_the_last_moment_is_not_lost(world, monkeypatch):
    """Between the look at the old version and the moment it is replaced."""
    (world.workspace / "a").write_text("one")
    version = (await world.tree.read("a")).version

    def late(new, spot):
        # By another's rename, as editors and agents do it: the name has another file now.
        (world.workspace / "b").write_text("the agent's")
        (world.workspace / "b").rename(world.workspace / "a")
        return exchange(new, spot)

    exchange = writing.exchange
    monkeypatch.setattr(writing._replace, "__defaults__", (late,))
    await refused(world.tree.write("a", b"two", version), Why.CONFLICT, "version")
    assert (world.workspace / "a").read_text() == "the agent's"
    assert world.leftovers() == []


async def test_a_file_system_that_cannot_exchange(world, monkeypatch):
    monkeypatch.setattr(writing._replace, "__defaults__", (lambda *_: False,))
    (world.workspace / "a").write_text("one")
    version = (await world.tree.read("a")).version
    await world.tree.write("a", b"two", version)
    assert (world.workspace / "a").read_text() == "two"
    assert world.leftovers() == []


async def test_of_many_writers_one_wins_and_none_is_overwritten(world):
    (world.workspace / "a").write_text("0")
    version = (await world.tree.read("a")).version
    attempts = (world.tree.write("a", f"{n}".encode(), version) for n in range(1, 9))
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(result, str) for result in results) == 1
    assert (world.workspace / "a").read_text() != "0"
    assert world.leftovers() == []


async def test_a_reader_never_finds_half_of_it(world):
    path = world.workspace / "a"
    path.write_bytes(b"a" * 500_000)
    seen = set()
    version = (await world.tree.read("a")).version
    for letter in b"bcdefgh":
        writing_ = asyncio.create_task(world.tree.write("a", bytes([letter]) * 500_000, version))
        while not writing_.done():
            content = await asyncio.to_thread(path.read_bytes)
            seen.add((len(content), len(set(content))))
        version = await writing_
    assert seen == {(500_000, 1)}


async def test_a_write_through_a_link_changes_what_it_leads_to(world):
    (world.workspace / "AGENTS.md").write_text("one")
    (world.workspace / "CLAUDE.md").symlink_to("AGENTS.md")
    version = (await world.tree.read("CLAUDE.md")).version
    await world.tree.write("CLAUDE.md", b"two", version)
    assert (world.workspace / "CLAUDE.md").is_symlink()
    assert (world.workspace / "AGENTS.md").read_text() == "two"


async def test_a_new_file_and_a_name_that_is_taken(world):
    version = await world.tree.create("sub.txt", b"hello")
    assert (await world.tree.read("sub.txt")).version == version
    await refused(world.tree.create("sub.txt"), Why.CONFLICT)
    await refused(world.tree.create("nowhere/x"), Why.ABSENT)
    (world.workspace / "broken").symlink_to(world.outside / "made")
    await refused(world.tree.create("broken"), Why.CONFLICT)
    assert (world.workspace / "sub.txt").read_text() == "hello"
    assert world.unharmed()
    assert world.leftovers() == []


async def test_a_full_disk_is_said_and_loses_nothing(world, monkeypatch):
    (world.workspace / "a").write_text("one")
    version = (await world.tree.read("a")).version

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing, "write_all", full)
    monkeypatch.setattr(uploading, "write_all", full)
    assert "no room" in await refused(world.tree.write("a", b"two", version), Why.NO_ROOM)
    await refused(world.tree.upload("b", pieces(b"two")), Why.NO_ROOM)
    assert [path.name for path in world.workspace.iterdir()] == ["a"]
    assert (world.workspace / "a").read_text() == "one"


async def test_directories_are_made_renamed_and_removed(world):
    await world.tree.create_directory("a")
    await refused(world.tree.create_directory("a"), Why.CONFLICT)
    await world.tree.create_directory("a/b")
    await world.tree.create("a/b/c", b"c")
    await refused(world.tree.rename("a", "a/b/inside"), Why.INVALID, "to")
    await world.tree.rename("a/b", "moved")
    assert (world.workspace / "moved" / "c").read_text() == "c"
    await world.tree.create("taken")
    await refused(world.tree.rename("taken", "moved/c"), Why.CONFLICT, "to")
    await refused(world.tree.rename("nowhere", "x"), Why.ABSENT)
    assert "not empty" in await refused(world.tree.remove("moved"), Why.CONFLICT)
    await world.tree.remove_all("moved")
    await world.tree.remove("taken")
    await world.tree.remove("a")
    await refused(world.tree.remove("a"), Why.ABSENT)
    assert list(world.workspace.iterdir()) == []


async def test_a_link_is_moved_and_removed_and_not_what_it_leads_to(world):
    (world.workspace / "out").symlink_to(world.outside)
    await world.tree.rename("out", "away")
    assert (world.workspace / "away").readlink() == world.outside
    await world.tree.remove_all("away")
    assert list(world.workspace.iterdir()) == []
    (world.workspace / "sub").mkdir()
    (world.workspace / "sub" / "out").symlink_to(world.outside)
    await world.tree.remove_all("sub")
    assert world.unharmed()


@pytest.mark.parametrize(
    "path", [".git", ".git/config", ".GIT/hooks/pre-commit", "sub/.git/HEAD", "link/config"]
)
async def test_what_is_gits_own_is_not_written(world, path):
    world.init()
    (world.workspace / "sub").mkdir()
    (world.workspace / "link").symlink_to(".git")
    config = (world.workspace / ".git" / "config").read_text()
    for attempt in (
        world.tree.create(path),
        world.tree.write(path, b"", "v"),
        world.tree.create_directory(path),
        world.tree.remove(path),
        world.tree.remove_all(path),
        world.tree.rename(path, "elsewhere"),
        world.tree.upload(path, pieces(b"x"), Clash.REPLACE),
    ):
        await refused(attempt, Why.FORBIDDEN)
    await world.tree.create("plain")
    await refused(world.tree.rename("plain", path), Why.FORBIDDEN, "to")
    assert (world.workspace / ".git" / "config").read_text() == config


async def test_the_workspace_itself_is_neither_written_nor_removed(world):
    for attempt in (world.tree.remove_all(""), world.tree.rename("", "x"), world.tree.create("")):
        await refused(attempt, Why.INVALID)


# Upload


async def test_an_upload_goes_to_the_disk_in_pieces(world):
    sent = [os.urandom(700_000) for _ in range(5)]
    assert await world.tree.upload("big", pieces(*sent)) == 3_500_000
    assert (world.workspace / "big").read_bytes() == b"".join(sent)
    await refused(world.tree.upload("big", pieces(b"x")), Why.CONFLICT)
    await world.tree.upload("big", pieces(b"x"), Clash.REPLACE)
    assert (world.workspace / "big").read_bytes() == b"x"
    (world.workspace / "sub").mkdir()
    await refused(world.tree.upload("sub", pieces(b"x"), Clash.REPLACE), Why.CONFLICT)


async def test_an_upload_that_is_too_large_or_cut_off_leaves_nothing(world, monkeypatch):
    monkeypatch.setattr(uploading, "MAX_UPLOAD", 1024 * 1024)

    async def cut():
        yield b"x"
        raise ConnectionResetError

    await refused(world.tree.upload("a", pieces(*[b"x" * 400_000] * 3)), Why.TOO_LARGE, "content")
    with pytest.raises(Refusal):
        await world.tree.upload("a", cut())
    assert list(world.workspace.iterdir()) == []


async def test_a_name_that_is_taken_during_an_upload_is_not_overwritten(world):
    async def slow():
        yield b"x"
        (world.workspace / "a").write_text("the agent's")

    await refused(world.tree.upload("a", slow()), Why.CONFLICT)
    assert (world.workspace / "a").read_text() == "the agent's"
    assert world.leftovers() == []


async def test_a_download_of_a_file_that_shrinks_is_as_long_as_promised(world):
    (world.workspace / "a").write_bytes(b"x" * 600_000)
    download = await world.tree.download("a")
    first = await anext(download.chunks)
    os.truncate(world.workspace / "a", 10)
    rest = [chunk async for chunk in download.chunks]
    assert len(first) + sum(map(len, rest)) == download.size == 600_000


async def test_nothing_of_the_secret_is_ever_read(world):
    (world.workspace / "private").symlink_to("../outside/private")
    (world.workspace / "dir").symlink_to(world.outside)
    for path in ("private", "dir/private", "../outside/private", str(world.outside / "private")):
        for attempt in (world.tree.read, world.tree.download, world.tree.image, world.tree.list):
            with pytest.raises(Refusal) as caught:
                await attempt(path)
            assert SECRET not in caught.value.message
    assert world.unharmed()


@pytest.mark.parametrize(
    ("name", "head", "size", "said", "shown"),
    [
        ("disk.img", b"\0" * 64, 2**30, "is no text and is not shown; download it", False),
        ("log.txt", b"text " * 2000, 3 * 2**20, "its beginning is shown", True),
        ("small.bin", b"\0\1", 2, "is no text and is not shown; download it", False),
        (
            "huge.png",
            b"\x89PNG\r\n\x1a\n\0\0",
            33 * 2**20,
            "an image of more than 32 MiB and is not shown",
            False,
        ),
        ("photo.png", b"\x89PNG\r\n\x1a\n\0\0", 3 * 2**20, "is an image: it is shown", False),
    ],
)
async def test_what_is_said_of_a_file_is_what_is_shown_of_it(world, name, head, size, said, shown):
    path = world.workspace / name
    path.write_bytes(head)
    with path.open("r+b") as file:
        file.truncate(size)  # of the rest nothing lies on the disk
    found = await world.tree.read(name)
    assert said in found.problem
    assert (found.text is not None) == shown
    assert ("beginning" in found.problem) == shown
    assert (found.image is not None) == (name == "photo.png")
