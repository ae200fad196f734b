"""The files and commands that an agent has of us, and what is attached to prompts."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from container.agent import attachments as module
from container.agent.attachments import Attachments, FromWorkspace, Upload
from container.agent.inside import MAX_READ, Outside, read_text, write_text
from container.agent.terminals import MAX_OUTPUT, MAX_TERMINALS, NoTerminal, Terminals
from container.refusal import Refusal, Why
from tests.container.agent.conftest import is_running

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


@pytest.fixture
def workspace(tmp_path):
    path = tmp_path / "workspace"
    (path / "lib").mkdir(parents=True)
    (path / "lib" / "a.py").write_text("one\ntwo\nthree\n")
    (tmp_path / "secret").write_text("outside")
    (path / "out").symlink_to(tmp_path / "secret")
    (path / "away").symlink_to(tmp_path)
    (path / "alias.py").symlink_to("lib/a.py")
    os.mkfifo(path / "pipe")
    return path


def read(workspace, path, line=None, limit=None):
    return read_text(workspace, str(path), line=line, limit=limit)


def test_files_of_the_workspace_are_read_by_any_path_to_them(workspace):
    for path in (workspace / "lib" / "a.py", "lib/a.py", workspace / "lib" / ".." / "alias.py"):
        assert read(workspace, path) == "one\ntwo\nthree\n"
    assert read(workspace, "lib/a.py", line=2, limit=1) == "two\n"
    assert read(workspace, "lib/a.py", line=3) == "three\n"
    assert read(workspace, "lib/a.py", limit=0) == ""


@pytest.mark.parametrize(
    "path", ["out", "away/secret", "../secret", "/etc/passwd", "lib", ".", "pipe", "a\0b", "away/new"]
)
def test_nothing_outside_and_nothing_but_files(workspace, tmp_path, path):
    for attempt in (lambda: read(workspace, path), lambda: write_text(workspace, path, "x")):
        with pytest.raises((Outside, OSError)):
            attempt()
    assert (tmp_path / "secret").read_text() == "outside"
    assert not (tmp_path / "new").exists()


def test_a_directory_that_becomes_a_link_meanwhile_leads_nowhere(workspace, tmp_path, monkeypatch):
    # The path is resolved, and then somebody swaps the directory for a link.
    from container.agent import inside  # noqa: PLC0415 - to be patched

    monkeypatch.setattr(inside, "_inside", lambda *_: ("secret", ("away",)))
    for attempt in (lambda: read(workspace, "x"), lambda: write_text(workspace, "x", "y")):
        with pytest.raises(OSError, match=r"Not a directory|symbolic link"):
            attempt()
    assert (tmp_path / "secret").read_text() == "outside"


def test_writing_keeps_the_mode_makes_directories_and_goes_through_links_inside(workspace):
    (workspace / "run.sh").write_text("old")
    (workspace / "run.sh").chmod(0o755)
    write_text(workspace, "run.sh", "new é")
    assert (workspace / "run.sh").read_text() == "new é"
    assert (workspace / "run.sh").stat().st_mode & 0o777 == 0o755
    write_text(workspace, "x/y/z.txt", "deep")
    assert (workspace / "x" / "y" / "z.txt").read_text() == "deep"
    write_text(workspace, "alias.py", "through")
    assert (workspace / "lib" / "a.py").read_text() == "through"
    assert (workspace / "alias.py").is_symlink()
    assert not list(workspace.rglob(".berth-*"))


def test_sizes_are_bounded(workspace):
    (workspace / "big").write_bytes(b"x" * (MAX_READ + 1))
    with pytest.raises(Outside, match="larger than 10 MiB"):
        read(workspace, "big")
    with pytest.raises(Outside, match="larger than 10 MiB"):
        write_text(workspace, "new", "x" * (MAX_READ + 1))
    assert not (workspace / "new").exists()


@pytest.fixture
async def terminals(workspace):
    told = {}
    found = Terminals(
        workspace, dict(os.environ), lambda id_, output, code: told.update({id_: (output, code)})
    )
    found.told = told
    yield found
    await found.aclose()


async def run(terminals, command, *words, limit=None, **environ):
    id_ = await terminals.create(command, words, environ, None, limit)
    return terminals.get(id_), id_


async def test_a_command_runs_in_the_workspace_and_its_output_is_told(terminals, workspace):
    terminal, id_ = await run(terminals, "echo $WHO; pwd; exit 3", WHO="me")
    ended = await terminal.ended
    assert (ended.code, ended.signal) == (3, None)
    assert terminal.output == f"me\n{workspace}\n"
    assert terminals.told[id_] == (terminal.output, 3)
    assert not terminals.working


async def test_words_are_not_for_a_shell(terminals):
    terminal, _ = await run(terminals, "echo", "$HOME; ls")
    await terminal.ended
    assert terminal.output == "$HOME; ls\n"


async def test_only_the_end_of_much_output_is_kept(terminals):
    code = f"import sys; sys.stdout.write('é' * {MAX_OUTPUT}); sys.stdout.write('end')"
    terminal, _ = await run(terminals, sys.executable, "-c", code)
    await terminal.ended
    assert terminal.truncated
    assert len(terminal.output.encode()) <= MAX_OUTPUT
    assert terminal.output.endswith("éend")
    assert "\ufffd" not in terminal.output
    small, _ = await run(terminals, "echo", "0123456789", limit=4)
    await small.ended
    assert small.output == "789\n"


async def test_a_command_is_ended_with_all_that_it_started(terminals, tmp_path):
    pids, deaf = tmp_path / "pids", tmp_path / "deaf"
    terminal, id_ = await run(
        terminals,
        f"(trap '' TERM; while ! test -s {pids}; do :; done; touch {deaf}; exec sleep 3600) "
        f"& echo $! > {pids}; wait",
    )
    async with asyncio.timeout(120):
        while not deaf.exists():
            await asyncio.sleep(0.01)
    assert terminals.working
    await terminals.release(id_)
    assert (await terminal.ended).signal in {"SIGTERM", "SIGKILL"}
    child = int(pids.read_text())
    async with asyncio.timeout(120):
        while is_running(child):
            await asyncio.sleep(0.01)
    with pytest.raises(NoTerminal):
        terminals.get(id_)


async def test_terminals_are_bounded_and_a_program_that_is_not_there_is_an_error(terminals):
    with pytest.raises(OSError, match="nowhere"):
        await run(terminals, "nowhere-to-be-found")
    for _ in range(MAX_TERMINALS):
        await run(terminals, "true")
    with pytest.raises(NoTerminal, match="release one"):
        await run(terminals, "true")


async def test_a_child_that_holds_the_output_open_does_not_keep_a_command_from_ending(terminals):
    terminal, _ = await run(terminals, "setsid sleep 60 & echo $!")
    async with asyncio.timeout(120):
        await terminal.ended
    os.kill(int(terminal.output), signal.SIGKILL)


def store(workspace, tmp_path):
    return Attachments(workspace, tmp_path / "data" / "attachments")


async def test_files_of_the_workspace_and_uploads(workspace, tmp_path):
    of = store(workspace, tmp_path)
    kept = await of.keep(
        "p1",
        [FromWorkspace("alias.py"), FromWorkspace("lib"), Upload("shot.png", PNG), Upload("x.txt", b"x")],
    )
    assert [(a.name, a.mime, a.path) for a in kept] == [
        ("a.py", "text/x-python", "lib/a.py"),
        ("lib", "inode/directory", "lib"),
        ("shot.png", "image/png", ""),
        ("x.txt", "text/plain", ""),
    ]
    files = [of.file("p1", attachment) for attachment in kept]
    assert files[2].path.read_bytes() == PNG
    assert [file.is_image for file in files] == [False, False, True, False]
    assert files[2].path.stat().st_mode & 0o777 == 0o600
    await of.forget("p1")
    assert not files[2].path.exists()
    assert (workspace / "lib" / "a.py").exists()


@pytest.mark.parametrize(
    ("given", "why", "field"),
    [
        ([FromWorkspace("out")], Why.INVALID, "attachments"),
        ([FromWorkspace("../secret")], Why.INVALID, "attachments"),
        ([FromWorkspace("nowhere")], Why.INVALID, "attachments"),
        ([FromWorkspace("a\0b")], Why.INVALID, "attachments"),
        ([FromWorkspace("pipe")], Why.INVALID, "attachments"),
        ([Upload("../x", b"x")], Why.INVALID, "attachments.name"),
        ([Upload("", b"x")], Why.INVALID, "attachments.name"),
        ([Upload("a\nb", b"x")], Why.INVALID, "attachments.name"),
        ([Upload("x" * 300, b"x")], Why.INVALID, "attachments.name"),
        ([Upload("x", b"1"), Upload("x", b"2")], Why.INVALID, "attachments"),
        ([Upload("x", b"x" * (module.MAX_BYTES + 1))], Why.TOO_LARGE, "attachments.data"),
        ([Upload(str(n), b"x") for n in range(11)], Why.TOO_LARGE, "attachments"),
    ],
)
async def test_what_cannot_be_attached_is_refused(workspace, tmp_path, given, why, field):
    with pytest.raises(Refusal) as refused:
        await store(workspace, tmp_path).keep("p1", given)
    assert (refused.value.why, refused.value.field) == (why, field)
    assert refused.value.message
    assert not (tmp_path / "data").exists() or not list((tmp_path / "data").rglob("*x*"))


async def test_an_image_is_what_its_content_says(workspace, tmp_path):
    kept = await store(workspace, tmp_path).keep(
        "p", [Upload("a.png", b"<html>"), Upload("b.txt", PNG), Upload("c.svg", b"<svg/>")]
    )
    assert [a.mime for a in kept] == ["application/octet-stream", "image/png", "image/svg+xml"]


async def test_the_uploads_of_the_oldest_prompts_make_room(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_KEPT", 250)
    of = store(workspace, tmp_path)
    for number in range(4):
        await of.keep(f"p{number}", [Upload("x", b"x" * 100)])
        os.utime(of._directory / f"p{number}", (number, number))
    assert sorted(path.name for path in of._directory.iterdir()) == ["p2", "p3"]


async def test_a_full_disk_is_said_and_leaves_nothing(workspace, tmp_path):
    of = store(workspace, tmp_path)
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(Refusal, match="cannot be kept"):
        await of.keep("p1", [Upload("x", b"x")])
