"""Never out of the workspace: whatever the path, whatever the links, whatever moves meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from container.refusal import Refusal
from container.tree.names import MAX_PATH_BYTES, bytes_of, parts_of, path_of, text_of
from container.tree.uploading import Clash
from tests.container.tree.world import SECRET, World, pieces

NAMES = ["a", "b", "c", "up", "private", ".git"]
LINK_TARGETS = st.lists(
    st.sampled_from([*NAMES, "..", ".", "", "/", "OUTSIDE", "WORKSPACE"]), min_size=1, max_size=5
)
PATHS = st.lists(st.sampled_from([*NAMES, "..", ".", ""]), max_size=5).map("/".join)


@given(st.binary(min_size=1, max_size=300))
def test_a_name_leads_back_to_its_bytes(name):
    text = text_of(name)
    text.encode()
    assert bytes_of(text) == name


@given(st.text(max_size=100))
def test_a_text_that_we_did_not_tell_is_a_name_or_refused(text):
    with contextlib.suppress(UnicodeEncodeError):
        bytes_of(text)
    parts = ()
    with contextlib.suppress(Refusal):
        parts = parts_of(text)
    assert all(part not in {b"", b".", b".."} and b"/" not in part and b"\0" not in part for part in parts)
    assert parts_of(path_of(parts)) == parts


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/etc/passwd", "..", "a/../b", "a//b", "a/", "./a", "a\0b", "\udcff", "\ud800", "x" * 256),
        "a/" * (MAX_PATH_BYTES // 2) + "a",
    ],
)
def test_what_is_no_path_is_named(path):
    with pytest.raises(Refusal) as caught:
        parts_of(path, "to")
    assert caught.value.field == "to"


def test_the_longest_path_is_walked(tmp_path):
    world = World(tmp_path)
    path = "/".join("d" * 15 for _ in range(250))

    async def walk():
        deep = ""
        for name in path.split("/"):
            deep = f"{deep}/{name}".removeprefix("/")
            await world.tree.create_directory(deep)
        await world.tree.create(f"{path}/file", b"deep")
        assert (await world.tree.read(f"{path}/file")).text == "deep"
        await world.tree.remove_all(path.split("/")[0])

    asyncio.run(walk())
    assert list(world.workspace.iterdir()) == []


def link(root: Path, words: list[str]) -> str:
    """A link's target from words; some stand for places."""
    places = {"OUTSIDE": str(root / "outside"), "WORKSPACE": str(root / "workspace")}
    return "/".join(places.get(word, word) for word in words).replace("//", "/") or "."


def lay(root: Path, links: dict[str, list[str]], directories: set[str]) -> World:
    world = World(root)
    for path in sorted(directories):
        (world.workspace / path).mkdir(parents=True, exist_ok=True)
    for path, words in links.items():
        where = world.workspace / path
        with contextlib.suppress(OSError, RuntimeError):  # nothing is there, or links lead in a circle
            if where.parent.resolve(strict=True).is_relative_to(world.workspace.resolve()):
                where.symlink_to(link(root, words))
    return world


async def everything(world: World, path: str, other: str) -> str:
    """Do all that can be done with a path; what was read."""
    seen = []

    async def attempt(doing):
        with contextlib.suppress(Refusal):
            seen.append(repr(await doing))

    await attempt(world.tree.list(path))
    await attempt(world.tree.read(path))
    with contextlib.suppress(Refusal):
        download = await world.tree.download(path)
        seen.append(repr([chunk async for chunk in download.chunks]))
    with contextlib.suppress(Refusal):
        content = await world.tree.read(path)
        await attempt(world.tree.write(path, b"written", content.version))
    await attempt(world.tree.create(path, b"made"))
    await attempt(world.tree.upload(path, pieces(b"sent"), Clash.REPLACE))
    await attempt(world.tree.create_directory(path))
    await attempt(world.tree.rename(path, other))
    await attempt(world.tree.remove(path))
    await attempt(world.tree.remove_all(path))
    return "".join(seen)


@settings(max_examples=150, deadline=None)
@given(
    links=st.dictionaries(
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=2).map("/".join), LINK_TARGETS, max_size=5
    ),
    directories=st.sets(st.sampled_from(["a", "b", "a/b", "c/a"])),
    path=PATHS,
    other=PATHS,
)
def test_nothing_outside_is_read_or_changed(links, directories, path, other):
    with tempfile.TemporaryDirectory() as root:
        world = lay(Path(root), links, directories)
        seen = asyncio.run(everything(world, path, other))
        assert SECRET not in seen
        assert world.unharmed()
        assert {path.name for path in Path(root).iterdir()} == {"outside", "workspace"}


@settings(max_examples=60, deadline=None)
@given(
    links=st.dictionaries(st.sampled_from(["l", "a/l", "b/l"]), LINK_TARGETS, max_size=3),
    path=st.lists(st.sampled_from(["a", "b", "l"]), min_size=1, max_size=4).map("/".join),
)
def test_what_is_inside_by_links_is_reached(links, path):
    """Where the system's own resolution stays inside, ours finds the same file."""
    with tempfile.TemporaryDirectory() as root:
        world = lay(Path(root), links, {"a", "b"})
        for directory in ("", "a", "b"):
            (world.workspace / directory / "f").write_text(directory)
        target = Path(os.path.realpath(world.workspace / path / "f"))
        try:
            expected = target.read_text() if target.is_relative_to(world.workspace) else None
        except OSError:
            expected = None
        try:
            found = asyncio.run(world.tree.read(f"{path}/f")).text
        except Refusal:
            found = None
        # A way that leaves and comes back is not ours, though the system would find the end of it.
        assert found == expected or (found is None and leaves(links))


def leaves(links: dict[str, list[str]]) -> bool:
    return any(
        ".." in words or "/" in words or words[0] in {"", "OUTSIDE", "WORKSPACE"} for words in links.values()
    )


def flip(world: World, stop: threading.Event) -> None:
    """Put a link out of the workspace in place of a directory, and back, again and again."""
    inside, aside = world.workspace / "dir", world.workspace / "aside"
    outward = world.workspace / "outward"
    outward.symlink_to(world.outside)
    while not stop.is_set():
        inside.rename(aside)
        outward.rename(inside)
        inside.rename(outward)
        aside.rename(inside)


async def test_a_directory_that_becomes_a_link_meanwhile_leads_nobody_out(tmp_path):
    world = World(tmp_path)
    (world.workspace / "dir").mkdir()
    (world.workspace / "dir" / "private").write_text("inside")
    stop = threading.Event()
    flipping = threading.Thread(target=flip, args=(world, stop))
    flipping.start()
    done = refused = 0
    try:
        for number in range(400):
            name = f"dir/{number}"
            for attempt in (
                world.tree.create(name, b"x"),
                world.tree.upload("dir/up", pieces(b"x"), Clash.REPLACE),
                world.tree.remove_all(name),
                world.tree.list("dir"),
            ):
                try:
                    await attempt
                    done += 1
                except Refusal:
                    refused += 1
            with contextlib.suppress(Refusal):
                assert (await world.tree.read("dir/private")).text == "inside"
    finally:
        stop.set()
        flipping.join()
    print(f"{done} done, {refused} refused")
    assert done
    assert refused
    assert world.unharmed()
