"""Whoever started Berth, and whatever works in a container: children begin as they should."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from container import priority, signals
from container.agent.child import Child
from container.git import Git
from container.terminal import shell
from dokploy.local.process_launch import launch
from tests.container.conftest import entered, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")

IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGTTOU)
BLOCKED = (signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR2)


@contextlib.contextmanager
def careless() -> Iterator[None]:
    """Ignore and block signals, as nohup and a background job do, and worse."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in IGNORED}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, handler)


def ignored(status: str) -> set[int]:
    """The signals of ours that a program ignores, by its /proc/PID/status."""
    return {number for number in IGNORED if _bits(status, "SigIgn") >> (number - 1) & 1}


def blocked(status: str) -> int:
    return _bits(status, "SigBlk")


def _bits(status: str, field: str) -> int:
    return int(status.split(f"{field}:")[1].split(maxsplit=1)[0], 16)


def status_of(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()


_PARENT = """
import json, subprocess
from container import signals
told = sorted(signals.begin())
child = subprocess.run(["/bin/cat", "/proc/self/status"], capture_output=True, text=True).stdout
print(json.dumps([told, child, open("/proc/self/status").read()]))
"""


def test_a_program_that_begins_passes_nothing_on():
    with careless():
        said = subprocess.run([sys.executable, "-c", _PARENT], capture_output=True, text=True, check=True)
    told, child, parent = json.loads(said.stdout)
    assert told == sorted(IGNORED)
    assert (ignored(child), blocked(child)) == (set(), 0)
    assert blocked(parent) == 0


def test_what_was_ignored_does_not_end_it():
    program = (
        "from container import signals; import os, signal; signals.begin(); "
        "os.kill(0, signal.SIGHUP); print('on')"
    )
    with careless():
        said = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )
    assert (said.returncode, said.stdout) == (0, "on\n")


def test_what_a_container_starts_begins_with_defaults(start):
    with careless():
        container = start()
    container.serving()
    body = json.dumps({"name": "a"}).encode()
    given = {**entered(), "Content-Type": "application/json"}
    assert container.request("/api/terminals", "POST", given, body)[0] == 201
    until(lambda: bool(psutil.Process(container.program.pid).children()), "a shell")
    (child,) = psutil.Process(container.program.pid).children()
    # A shell that is asked for commands ignores some by itself; what a person types begins like this one.
    assert ignored(status_of(child.pid)) <= {signal.SIGQUIT, signal.SIGTERM, signal.SIGTTOU}
    assert not blocked(status_of(child.pid)) >> (signal.SIGUSR2 - 1) & 1, "others it blocks by itself"
    assert container.end() == 0


async def test_a_container_of_the_local_dokploy_begins_with_defaults(tmp_path):
    said: list[bytes] = []
    with careless():
        program = await launch(["/bin/cat", "/proc/self/status"], env={}, cwd=tmp_path, output=said.append)
        assert await program.wait() == 0
    status = b"".join(said).decode()
    assert (ignored(status), blocked(status)) == (set(), 0)


def nice_of(pid: int) -> int:
    return os.getpriority(os.PRIO_PROCESS, pid)


def oom_score_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


async def test_what_works_gives_way_to_what_answers(tmp_path):
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    child = await Child.start(["sleep", "60"], cwd=tmp_path, environ=environ)
    opened = await shell.start("/bin/sh", shell.Size(24, 80), directory=tmp_path, environ=environ)
    try:
        for pid in (child.pid, opened.process.pid):
            assert nice_of(pid) == min(19, os.nice(0) + priority.NICE)
            assert oom_score_of(pid) >= 300
    finally:
        await child.end(5)
        child.close()
        os.close(opened.near)
        os.close(opened.far)
        opened.process.kill()
        await opened.process.wait()


async def test_git_gives_way_too(tmp_path):
    pid_file = tmp_path / "pid"
    git = Git({"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    alias = f"alias.linger=!echo $$ > {pid_file}.new; mv {pid_file}.new {pid_file}; sleep 60"
    running = asyncio.create_task(git.run("linger", config=(alias,)))
    try:
        while not pid_file.exists():
            await asyncio.sleep(0.02)
        assert nice_of(int(pid_file.read_text())) == min(19, os.nice(0) + priority.NICE)
    finally:
        running.cancel()
        await asyncio.wait([running])


def test_what_is_gone_or_not_ours_changes_nothing():
    done = subprocess.Popen(["/bin/true"])
    done.wait()
    priority.lower(done.pid)


def test_begin_returns_nothing_where_nothing_was_ignored():
    assert signals.begin() == frozenset()
