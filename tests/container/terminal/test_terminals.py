"""Real shells on real pseudo-terminals."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from container.refusal import Refusal, Why
from container.terminal import ending
from container.terminal import terminals as module
from container.terminal.keyboard import MAX_WAITING
from container.terminal.scrollback import SCROLLBACK_BYTES
from container.terminal.terminals import MAX_TERMINALS, Terminals

PATIENCE = 120.0


class World:
    def __init__(self, root, **environ):
        self.workspace = root / "workspace"
        self.home = root / "home"
        self.workspace.mkdir(exist_ok=True)
        self.home.mkdir(exist_ok=True)
        (self.home / ".bash_profile").write_text("PS1= PS2=\nset +o emacs +o vi\n")
        self.typed = 0
        self.told = 0
        self.now = 0.0
        self.terminals = Terminals(
            workspace=self.workspace,
            home=self.home,
            environ={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "SHELL": "/bin/bash",
                "COLUMNS": "7",
                **environ,
            },
            typing=self._note,
            clock=lambda: self.now,
        )
        self.terminals.subscribe(self._tell)

    def _note(self):
        self.typed += 1

    def _tell(self):
        self.told += 1

    async def open(self, **size):
        """A shell that says nothing of itself, so that its output is what it was told to print."""
        view = await self.terminals.open(**size)
        self.type(view.id, "stty -echo; echo rea''dy\n")
        await self.printed(view.id, b"ready\r\n")
        return view.id

    def type(self, id_, text):
        self.terminals.write(id_, text.encode())

    def output(self, id_):
        view = self.terminals.view(id_)
        data, position = b"", view.start
        while position < view.end:
            piece = self.terminals.read(id_, position)
            data, position = data + piece.data, piece.end
        return data

    async def printed(self, id_, expected):
        await until(lambda: expected in self.output(id_), f"{expected!r} in {self.output(id_)[-300:]!r}")

    async def in_front(self, id_):
        """Something else than the shell reads what is typed."""
        terminal = self.terminals._terminals[id_]
        await until(lambda: terminal._in_front() != {terminal.session}, "a program in front")

    async def ended(self, id_):
        await until(lambda: not self.terminals.view(id_).running, "the end of the shell")
        return self.terminals.view(id_)


async def until(true, what, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, f"never: {what}"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def opened(root, **environ):
    world = World(root, **environ)
    try:
        yield world
    finally:
        await world.terminals.aclose()


def runs(program):
    try:
        return Path(f"/proc/{program}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def ignores_hangups(program):
    status = Path(f"/proc/{program}/status").read_text()
    return bool(int(status.split("SigIgn:")[1].split()[0], 16) & 1)


async def test_a_login_shell_of_its_own_session_in_the_workspace(tmp_path):
    async with opened(tmp_path) as world:
        id_ = await world.open(rows=30, columns=100)
        world.type(id_, "shopt -q login_shell && echo lo''gin; pwd; echo $TERM:$HOME; stty size; tty\n")
        world.type(id_, "set -o | grep monitor\n")
        await world.printed(id_, b"monitor")
        lines = world.output(id_).decode().split("\r\n")
        assert "login" in lines
        assert str(world.workspace) in lines
        assert f"xterm-256color:{world.home}" in lines
        assert "30 100" in lines
        assert any(line.startswith("/dev/pts/") for line in lines)
        assert any(line.split() == ["monitor", "on"] for line in lines), "it has job control"
        assert b"no job control" not in world.output(id_)


async def test_it_is_resized(tmp_path):
    async with opened(tmp_path) as world:
        id_ = await world.open()
        world.type(id_, "trap 'stty size; echo res''ized' WINCH; echo s''et\n")
        await world.printed(id_, b"set")
        assert world.terminals.resize(id_, 50, 132).columns == 132
        world.type(id_, "\n")
        await world.printed(id_, b"50 132\r\nresized")


@pytest.mark.parametrize(
    ("rows", "columns", "field"), [(0, 80, "rows"), (24, 1001, "columns"), (-1, 1, "rows")]
)
async def test_a_size_that_cannot_be_is_refused(tmp_path, rows, columns, field):
    async with opened(tmp_path) as world:
        id_ = (await world.terminals.open()).id
        for attempt in (
            lambda: world.terminals.resize(id_, rows, columns),
            lambda: world.terminals._start("x", module._size(rows, columns)),
        ):
            with pytest.raises(Refusal) as caught:
                attempt()
            assert caught.value.field == field


async def test_interrupt_reaches_what_is_in_front(tmp_path):
    async with opened(tmp_path) as world:
        id_ = await world.open()
        # A shell that has yet to become the program it starts may take the interrupt for its own.
        world.type(id_, "sh -c \"echo beg''un; exec sleep 1000\"; echo ended $?\n")
        await world.printed(id_, b"begun")
        world.type(id_, "\x03")
        world.type(id_, "echo af''ter\n")
        await world.printed(id_, b"after")


@pytest.mark.parametrize(
    ("command", "code", "name"), [("exit 3", 3, None), ("kill -KILL $$", None, "SIGKILL")]
)
async def test_its_end_is_told_and_its_last_words_kept(tmp_path, command, code, name):
    async with opened(tmp_path) as world:
        id_ = await world.open()
        told = world.told
        world.type(id_, f"echo last wo''rds; {command}\n")
        view = await world.ended(id_)
        assert (view.exit_code, view.signal) == (code, name)
        assert world.told > told
        assert b"last words" in world.output(id_)
        with pytest.raises(Refusal) as caught:
            world.type(id_, "x")
        assert caught.value.why is Why.CONFLICT
        await world.terminals.close(id_)
        assert world.terminals.all() == ()


async def test_who_comes_back_gets_what_it_missed(tmp_path):
    async with opened(tmp_path) as world:
        id_ = await world.open()
        watcher = world.terminals.watch(id_, 0)
        seen = b""
        async for piece in watcher:
            seen += piece.data
            position = piece.end
            if b"ready" in seen:
                break
        await watcher.aclose()
        world.type(id_, "echo mis''sed\n")
        await world.printed(id_, b"missed")
        piece = world.terminals.read(id_, position)
        assert (piece.lost, piece.data) == (0, b"missed\r\n")


async def test_who_comes_back_late_is_told_how_much_is_lost(tmp_path):
    async with opened(tmp_path) as world:
        id_ = await world.open()
        world.type(id_, f"head -c {2 * SCROLLBACK_BYTES} /dev/zero | tr '\\0' x; echo do''ne\n")
        await until(lambda: world.terminals.view(id_).start > 0, "something fell out")
        await world.printed(id_, b"done")
        piece = world.terminals.read(id_, 0)
        assert piece.lost == piece.position == world.terminals.view(id_).start
        assert len(piece.data) == 64 * 1024
        assert len(world.output(id_)) == SCROLLBACK_BYTES


async def test_a_position_that_was_never_reached_is_refused(tmp_path):
    async with opened(tmp_path) as world:
        id_ = await world.open()
        for ask in (world.terminals.read, world.terminals.watch):
            with pytest.raises(Refusal) as caught:
                ask(id_, 10**9)
            assert caught.value.field == "after"


async def test_one_who_looks_and_keeps_up_loses_nothing(tmp_path):
    wanted = 3 * SCROLLBACK_BYTES
    async with opened(tmp_path) as world:
        id_ = await world.open()
        world.type(id_, f"head -c {wanted} /dev/zero | tr '\\0' x; exit\n")
        lost = taken = 0
        async for piece in world.terminals.watch(id_, 0):
            lost += piece.lost
            taken += piece.data.count(b"x")
            await asyncio.sleep(0.002)
        assert lost == 0
        assert wanted <= taken <= wanted + 10


async def test_one_who_looks_and_takes_nothing_holds_it_up_for_a_while_only(tmp_path, monkeypatch):
    monkeypatch.setattr("container.terminal.terminal.PATIENCE", 0.3)
    async with opened(tmp_path) as world:
        id_ = await world.open()
        watcher = world.terminals.watch(id_, 0)
        await anext(watcher)
        world.type(id_, f"head -c {3 * SCROLLBACK_BYTES} /dev/zero | tr '\\0' x; exit\n")
        began = time.monotonic()
        await world.ended(id_)
        assert time.monotonic() - began >= 0.2
        piece = await anext(watcher)
        assert piece.lost > 0
        await watcher.aclose()


async def test_a_flood_neither_grows_nor_starves(tmp_path):
    async with opened(tmp_path) as world:
        id_ = await world.open()
        world.type(id_, "yes\n")
        await until(lambda: world.terminals.view(id_).start > 0, "a full scrollback")
        began, at = time.monotonic(), world.terminals.view(id_).end
        longest = 0.0
        while time.monotonic() - began < 1.0:
            turn = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - turn)
        rate = (world.terminals.view(id_).end - at) / (time.monotonic() - began)
        print(f"{rate / 1e6:.1f} MB/s, longest turn of the loop {longest * 1000:.1f} ms")
        assert world.terminals.view(id_).end - world.terminals.view(id_).start <= SCROLLBACK_BYTES
        world.type(id_, "\x03")
        world.type(id_, "echo af''ter\n")
        await world.printed(id_, b"after")


async def test_characters_that_are_cut_are_no_harm(tmp_path):
    async with opened(tmp_path) as world:
        id_ = await world.open()
        world.type(id_, "cat > got\n")
        for byte in "žluťoučký 漢字\n".encode():
            world.terminals.write(id_, bytes([byte]))
        world.terminals.write(id_, b"\x04")
        world.type(id_, "printf '\\377\\376\\n'; cat got\n")
        await world.printed(id_, "žluťoučký 漢字".encode())
        assert b"\xff\xfe" in world.output(id_)
        assert (world.workspace / "got").read_text() == "žluťoučký 漢字\n"


async def test_a_rub_out_takes_a_whole_character(tmp_path):
    async with opened(tmp_path) as world:
        id_ = await world.open()
        world.type(id_, "cat > got\n")
        await world.in_front(id_)
        world.type(id_, "漢\x7fa\n")
        world.type(id_, "\x04")
        world.type(id_, "echo do''ne\n")
        await world.printed(id_, b"done")
        assert (world.workspace / "got").read_text() == "a\n"


def write_much(world, id_):
    for _ in range(2 * MAX_WAITING // 10_000):
        world.type(id_, "z" * 10_000)


async def test_much_that_is_typed_arrives_and_too_much_is_refused(tmp_path):
    async with opened(tmp_path) as world:
        id_ = await world.open()
        world.type(id_, "stty raw; echo ra''w; head -c 200000 | wc -c; stty -raw; echo do''ne\n")
        await world.printed(id_, b"raw")
        world.type(id_, "y" * 200_000)
        await world.printed(id_, b"200000")
        await world.printed(id_, b"done")
        world.type(id_, "stty raw; echo de''af; sleep 1000\n")
        await world.printed(id_, b"deaf")
        with pytest.raises(Refusal) as caught:
            write_much(world, id_)
        assert caught.value.why is Why.TOO_LARGE


async def test_typing_counts_as_activity_and_printing_does_not(tmp_path):
    async with opened(tmp_path) as world:
        id_ = (await world.terminals.open()).id
        world.type(id_, "\x1b[1;1R\x1b[?1;2c\x1b[I")
        world.terminals.resize(id_, 10, 10)
        assert world.typed == 0
        world.type(id_, "echo a\n")
        world.type(id_, "echo b\n")
        assert world.typed == 1
        world.now = 6.0
        await world.printed(id_, b"b")
        assert world.typed == 1
        world.type(id_, "x")
        assert world.typed == 2


async def test_names(tmp_path):
    async with opened(tmp_path) as world:
        first = await world.terminals.open()
        second = await world.terminals.open("build")
        assert [view.name for view in world.terminals.all()] == ["Terminal 1", "build"]
        assert first.id != second.id
        told = world.told
        assert world.terminals.rename(first.id, "logs").name == "logs"
        assert world.told == told + 1
        for bad in ("", " ", "a\nb", "x" * 101):
            with pytest.raises(Refusal) as caught:
                world.terminals.rename(first.id, bad)
            assert caught.value.field == "name"


async def test_there_are_not_more_than_so_many(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_TERMINALS", 3)
    async with opened(tmp_path) as world:
        results = await asyncio.gather(*(world.terminals.open() for _ in range(5)), return_exceptions=True)
        refused = [result for result in results if isinstance(result, Refusal)]
        assert len(refused) == 2
        assert "close one" in refused[0].message
        await world.terminals.close(world.terminals.all()[0].id)
        await world.terminals.open()
    assert MAX_TERMINALS == 16


async def test_without_a_workspace_it_says_so(tmp_path):
    async with opened(tmp_path) as world:
        world.workspace.rmdir()
        with pytest.raises(Refusal) as caught:
            await world.terminals.open()
        assert "not there yet" in caught.value.message


async def test_nothing_of_it_is_inherited(tmp_path):
    async with opened(tmp_path) as world:
        await world.open()
        id_ = await world.open()
        world.type(id_, "ls -l /proc/self/fd | grep -c ptmx; echo do''ne\n")
        await world.printed(id_, b"done")
        assert b"0\r\ndone" in world.output(id_)


async def test_a_closed_terminal_ends_what_runs_in_it_and_spares_what_was_detached(tmp_path):
    async with opened(tmp_path) as world:
        id_ = await world.open()
        world.type(id_, "sleep 1001 & echo back:$!:; nohup sleep 1002 >/dev/null 2>&1 & echo kept:$!:\n")
        world.type(id_, "sh -c 'trap : HUP TERM; echo front:$$:; while :; do sleep 0.01; done'\n")
        await world.printed(id_, b"front:")
        text = world.output(id_).decode()
        back, kept, front = (
            int(text.split(f"{word}:")[1].split(":")[0]) for word in ("back", "kept", "front")
        )
        assert runs(back)
        assert runs(front)
        await until(lambda: ignores_hangups(kept), "nohup has done its work")
        began = time.monotonic()
        await world.terminals.close(id_)
        assert time.monotonic() - began < 60
        await until(lambda: not runs(back) and not runs(front), "the end of both")
        assert runs(kept)
        await world.terminals.aclose()
        await until(lambda: not runs(kept), "the end of what was detached")


async def test_all_are_ended_in_time_whatever_they_ignore(tmp_path):
    async with opened(tmp_path) as world:
        for _ in range(4):
            id_ = await world.open()
            world.type(id_, "trap '' HUP TERM INT; echo tra''pped; while :; do sleep 1000; done\n")
            await world.printed(id_, b"trapped")
        sessions = [terminal.session for terminal in world.terminals._terminals.values()]
        began = time.monotonic()
        await world.terminals.aclose()
        assert time.monotonic() - began < 60
        assert world.terminals.all() == ()
        for session in sessions:
            left = [program for program, _ in ending.members(session)]
            await until(lambda: not any(map(runs, left)), "the end of all")  # noqa: B023 - called at once
        with pytest.raises(Refusal):
            await world.terminals.open()


async def test_what_stays_behind_the_shell_does_not_keep_its_end(tmp_path):
    async with opened(tmp_path) as world:
        id_ = await world.open()
        world.type(id_, "trap '' HUP; (trap '' HUP; sleep 1000) & exit 0\n")
        view = await world.ended(id_)
        assert view.exit_code == 0
        for program, _ in ending.members(world.terminals._terminals[id_].session):
            with suppress(ProcessLookupError):
                os.kill(program, signal.SIGKILL)
