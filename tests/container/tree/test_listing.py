from __future__ import annotations

import os

import pytest

from container.refusal import Refusal, Why
from container.tree import listing
from container.tree.listing import GitAnswer
from tests.container.conftest import git


async def states(world, path=""):
    listed = await world.tree.list(path)
    assert listed.git is GitAnswer.KNOWN
    return {entry.name: entry.git and entry.git.value for entry in listed.entries}


async def test_kinds_sizes_and_order(world):
    (world.workspace / "b.txt").write_text("four")
    (world.workspace / "A.txt").touch()
    (world.workspace / "sub").mkdir()
    (world.workspace / "sub" / "below").touch()
    (world.workspace / "Bin").mkdir()
    os.mkfifo(world.workspace / "pipe")
    os.utime(world.workspace / "b.txt", (1_700_000_000, 1_700_000_000))
    listed = await world.tree.list()
    assert [(e.name, e.kind.value, e.bytes) for e in listed.entries] == [
        ("Bin", "directory", None),
        ("sub", "directory", None),
        ("A.txt", "file", 0),
        ("b.txt", "file", 4),
        ("pipe", "other", None),
    ]
    assert listed.entries[3].modified == "2023-11-14T22:13:20Z"
    assert listed.git is GitAnswer.NONE
    assert not listed.more
    [below] = (await world.tree.list("sub")).entries
    assert below.path == "sub/below"


async def test_links_are_told_with_where_they_lead(world):
    (world.workspace / "sub").mkdir()
    (world.workspace / "sub" / "file").touch()
    for name, target in {
        "in": "sub",
        "file": "sub/file",
        "absolute": str(world.workspace / "sub"),
        "out": str(world.outside),
        "up": "../outside/private",
        "nothing": "nowhere",
        "loop": "loop",
    }.items():
        (world.workspace / name).symlink_to(target)
    entries = {entry.name: entry for entry in (await world.tree.list()).entries}
    assert {name: entry.leads_to for name, entry in entries.items() if entry.kind == "link"} == {
        "in": "directory",
        "file": "file",
        "absolute": "directory",
        "out": None,
        "up": None,
        "nothing": None,
        "loop": None,
    }
    assert entries["up"].target == "../outside/private"
    [below] = (await world.tree.list("in")).entries
    assert below.path == "in/file"


async def test_states_of_git_are_told_with_one_question(world, monkeypatch):
    world.init()
    for name in ("same", "changed", "both", "gone/a", "deep/er/changed", "deep/same", "moved"):
        path = world.workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (world.workspace / ".gitignore").write_text("*.log\n/out/\n")
    world.commit()
    git("switch", "-q", "-c", "other", cwd=world.workspace)
    (world.workspace / "both").write_text("theirs")
    git("commit", "-q", "-am", "theirs", cwd=world.workspace)
    git("switch", "-q", "main", cwd=world.workspace)
    (world.workspace / "both").write_text("ours")
    git("commit", "-q", "-am", "ours", cwd=world.workspace)
    with pytest.raises(Exception, match="merge"):
        git("merge", "other", cwd=world.workspace)
    (world.workspace / "changed").write_text("new")
    (world.workspace / "deep/er/changed").write_text("new")
    (world.workspace / "gone/a").unlink()
    (world.workspace / "gone/b").write_text("b")
    (world.workspace / "new").touch()
    (world.workspace / "added").touch()
    git("add", "added", cwd=world.workspace)
    git("mv", "moved", "deep/moved", cwd=world.workspace)
    (world.workspace / "a.log").touch()
    for name in ("out/x", "fresh/y/z", "deep/er/b.log"):
        (world.workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (world.workspace / name).touch()
    asked = []
    run = world.tree._git.run

    async def counted(*words, **options):
        asked.append(words)
        return await run(*words, **options)

    monkeypatch.setattr(world.tree._git, "run", counted)
    assert await states(world) == {
        "deep": "modified",
        "fresh": "untracked",
        "gone": "modified",
        "out": "ignored",
        ".gitignore": None,
        "a.log": "ignored",
        "added": "added",
        "both": "conflicted",
        "changed": "modified",
        "new": "untracked",
        "same": None,
    }
    assert len(asked) == 1
    assert await states(world, "deep") == {"er": "modified", "same": None, "moved": "added"}
    assert await states(world, "deep/er") == {"changed": "modified", "b.log": "ignored"}
    assert await states(world, "fresh") == {"y": "untracked"}
    assert await states(world, "fresh/y") == {"z": "untracked"}
    assert await states(world, "out") == {"x": "ignored"}


async def test_a_repository_further_down_has_states_of_its_own(world):
    (world.workspace / "one").mkdir()
    git("init", "-q", cwd=world.workspace / "one")
    (world.workspace / "one" / "a").touch()
    assert (await world.tree.list()).git is GitAnswer.NONE
    assert await states(world, "one") == {"a": "untracked"}


async def test_a_repository_around_the_workspace_is_not_ours(world):
    git("init", "-q", cwd=world.workspace.parent)
    (world.workspace / "a").touch()
    (world.workspace / ".git").mkdir()  # not one, and git would look further up
    listed = await world.tree.list()
    assert [(entry.name, entry.git) for entry in listed.entries] == [("a", None)]
    assert listed.git is GitAnswer.UNKNOWN


async def test_hostile_names_come_and_lead_back(world):
    world.init()
    names = [b"\xff\xfe", b"a\nb", b"-rf", b"*", b":(top)x", "\uf7ff".encode(), b"a\xed\xb2\x80", b"x" * 255]
    for name in names:
        (world.workspace / os.fsdecode(name)).write_bytes(name)
    (world.workspace / os.fsdecode(b"d\xff")).mkdir()
    (world.workspace / os.fsdecode(b"d\xff/in")).touch()
    listed = await world.tree.list()
    assert listed.git is GitAnswer.KNOWN
    assert len(listed.entries) == len(names) + 1
    contents = set()
    for entry in listed.entries:
        entry.path.encode()  # no lone surrogate
        assert entry.git == "untracked"
        if entry.kind == "file":
            download = await world.tree.download(entry.path)
            contents.add(b"".join([chunk async for chunk in download.chunks]))
    assert contents == set(names)
    [below] = (await world.tree.list(listed.entries[0].path)).entries
    assert below.git == "untracked"


async def test_a_huge_directory_is_told_in_part(world, monkeypatch):
    monkeypatch.setattr(listing, "MAX_ENTRIES", 10)
    for number in range(12):
        (world.workspace / f"{number}").touch()
    listed = await world.tree.list()
    assert len(listed.entries) == 10
    assert listed.more


async def test_what_is_no_work_is_not_told(world):
    for name in (".git", "lost+found", ".berth-clone-abc"):
        (world.workspace / name).mkdir()
    assert (await world.tree.list()).entries == ()


@pytest.mark.parametrize(
    ("path", "why"),
    [("nowhere", Why.ABSENT), ("file", Why.INVALID), ("out", Why.FORBIDDEN), ("file/x", Why.INVALID)],
)
async def test_what_cannot_be_listed_is_said(world, path, why):
    (world.workspace / "file").touch()
    (world.workspace / "out").symlink_to(world.outside)
    with pytest.raises(Refusal) as caught:
        await world.tree.list(path)
    assert (caught.value.why, caught.value.field) == (why, "path")


async def test_a_workspace_that_is_not_there_yet(world):
    world.workspace.rmdir()
    with pytest.raises(Refusal) as caught:
        await world.tree.list()
    assert caught.value.why is Why.CONFLICT
