"""The first program of a container: reaps, passes signals on, ends as the app ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.container.conftest import ROOT, Container, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="PID 1 and orphans as on Linux")

_PROGRAM = """
import ctypes, os, signal, sys, time
sys.path.insert(0, {root!r})
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # as PID 1: orphans become ours
from container.first import divide
first = os.getpid()
divide(private=[])
{child}
"""
_ORPHAN = """
if os.fork() == 0:
    orphan = os.fork()
    if orphan == 0:
        os._exit(0)
    print(orphan, flush=True)
    os._exit(0)
os.wait()
def stat(p):
    try:
        with open(f"/proc/{p}/stat") as file:
            return file.read()
    except OSError:
        return ""  # it ended between the listing and this
orphans = ["?"]
while orphans:
    numbers = [p for p in os.listdir("/proc") if p.isdigit()]
    orphans = [p for p in numbers if f") Z {first} " in stat(p)]
print("reaped", flush=True)
"""


def _run(child: str) -> subprocess.Popen[str]:
    program = _PROGRAM.format(root=str(ROOT), child=child)
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)


def _ended(child: str) -> tuple[int, str]:
    with _run(child) as first:
        output, _ = first.communicate(timeout=60)
    return first.returncode, output


def test_orphans_are_reaped():
    code, output = _ended(_ORPHAN)
    assert code == 0
    assert output.split()[-1] == "reaped"


def test_it_ends_with_the_apps_exit_code():
    assert _ended("sys.exit(7)")[0] == 7


def test_an_app_that_was_killed_ends_it_with_128_and_the_signal():
    assert _ended("os.kill(os.getpid(), signal.SIGKILL)")[0] == 137


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_signals_are_passed_on(number):
    trap = f"signal.signal({int(number)}, lambda *_: sys.exit(3))"
    child = f"{trap}\nprint('up', flush=True)\nwhile True: signal.pause()"
    with _run(child) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "up\n"
        first.send_signal(number)
        assert first.wait(5) == 3


def _namespaces() -> bool:
    unshare = shutil.which("unshare")
    if unshare is None:
        return False
    words = [unshare, "--pid", "--fork", "--mount-proc", "true"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _namespaces(), reason="process namespaces need a privilege that is not here")
def test_as_the_real_first_program_it_holds_no_secret_and_stops_in_time(tmp_path, monkeypatch):
    real = subprocess.Popen

    def unshared(words, **options):
        return real(["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", *words], **options)

    monkeypatch.setattr(subprocess, "Popen", unshared)
    variables = {"CODEX_AUTH_FILE_1": "Y2FuYXJ5", "CODEX_AUTH_FILE_1_NAME": "auth.json"}
    container = Container(tmp_path, variables)
    monkeypatch.undo()
    try:
        container.serving()
        first = _children(container.program.pid)
        [app] = _children(first[0])
        for pid in (*first, app):
            assert b"Y2FuYXJ5" not in Path(f"/proc/{pid}/environ").read_bytes()
        assert container.health()["session"] == "s-1"
        os.kill(first[0], signal.SIGTERM)
        assert container.program.wait(5) == 0
        until(lambda: "container: stopped" in container.output, "the last line")
    finally:
        container.program.kill()
        container.program.wait()


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
