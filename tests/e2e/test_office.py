"""Started where the environment is full of what is meant for other programs."""

from __future__ import annotations

import json
from pathlib import Path

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
    one.run("wait", "session/v", "--for=condition=Ready", "--timeout=60s")
    assert one.condition("WorkspaceReady", "v")["status"] == "True", one.condition("WorkspaceReady", "v")
    assert any(declared.items() <= program.environ().items() for program in one.containers()), (
        "they are there for what the person starts"
    )
