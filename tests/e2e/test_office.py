"""Started where the environment is full of what is meant for other programs."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import psutil
import pytest

from tests.e2e.berth import Berth

NOWHERE = "http://127.0.0.1:9"
PROXIES = dict.fromkeys(
    ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"), NOWHERE
)
"""As on a machine in an office, with no exception for what is on this machine."""


def test_proxies_and_variables_of_a_persons_programs_keep_no_session_from_ready(home: Path, tmp_path: Path):
    with Berth(home, settings={**PROXIES, "NO_PROXY": "", "no_proxy": ""}) as one:
        assert one.condition("Ready")["status"] == "True"
        _variables_are_for_programs(one, tmp_path)


def _variables_are_for_programs(one: Berth, nowhere: Path) -> None:
    declared = {
        **PROXIES,
        "PYTHONHOME": "/usr",
        "PYTHONPATH": str(nowhere),
        "PYTHONSTARTUP": str(nowhere / "none"),
        "PATH": str(nowhere),
    }
    repository = one.home / "examples" / "hello.git"
    spec = {
        "source": {"url": f"file://{repository}"},
        "env": [{"name": name, "value": value} for name, value in declared.items()],
    }
    one.run(
        "apply", "-f", "-", given=json.dumps({"kind": "Session", "metadata": {"name": "v"}, "spec": spec})
    )
    one.run("wait", "session/v", "--for=condition=Ready", "--timeout=300s")
    assert one.condition("WorkspaceReady", "v")["status"] == "True", one.condition("WorkspaceReady", "v")
    assert any(declared.items() <= program.environ().items() for program in one.containers()), (
        "they are there for what the person starts"
    )


_CARELESS = """
import os, signal, sys
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1))
os.execv(sys.argv[1], [sys.argv[1], '-P', *sys.argv[2:]])
"""
"""As nohup and a background job start a program, and a supervisor that forgot its mask."""


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_however_it_was_started_its_programs_begin_with_defaults(home: Path, tmp_path: Path):
    for package in ("api", "controller", "dokploy", "container"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise SystemExit('not yours')")
    with Berth(home, starter=(sys.executable, "-c", _CARELESS), directory=tmp_path) as one:
        assert one.process is not None
        programs = psutil.Process(one.process.pid).children(recursive=True)
        assert len(one.containers()) == 1
        for program in programs:
            status = Path(f"/proc/{program.pid}/status").read_text()
            ignored, blocked = (
                int(status.split(f"{field}:")[1].split()[0], 16) for field in ("SigIgn", "SigBlk")
            )
            hang_up_and_interrupt = 1 << signal.SIGHUP - 1 | 1 << signal.SIGINT - 1
            assert blocked == 0, program
            if not any("process_shim" in word for word in program.cmdline()):
                assert ignored & hang_up_and_interrupt == 0, program
        one.process.send_signal(signal.SIGHUP)
        one.process.send_signal(signal.SIGINT)
        one.run("get", "sessions")
        assert one.process.poll() is None, "what was to be ignored ended it"
        assert one.down(signal.SIGTERM) == 0
