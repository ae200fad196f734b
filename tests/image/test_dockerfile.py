"""A session's image can be made of what is there, and by rule. No container engine is needed for that."""

from __future__ import annotations

import functools
import http.server
import json
import re
import subprocess
import sys
import threading
from fnmatch import fnmatch

import pytest

from container import contract
from tests.image.building import ROOT, copied, instructions

AGENTS = ROOT / "deploy" / "agents"
PACKAGES = json.loads((AGENTS / "package.json").read_text("utf-8"))["dependencies"]
LOCKED = json.loads((AGENTS / "package-lock.json").read_text("utf-8"))["packages"]


def of(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def last_stage() -> list[tuple[str, str]]:
    told = instructions()
    start = max(n for n, (name, _) in enumerate(told) if name == "FROM")
    return told[start:]


def test_every_path_that_is_copied_exists_and_is_let_in_and_nothing_else_is():
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_in = [line[1:] for line in ignored if line.startswith("!")]
    for source in copied():
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source, pattern) for pattern in let_in), source
    assert ignored[1] == "*"
    files = {path.name for path in AGENTS.iterdir()}
    assert files == {"install.sh", "node.in", "node.lock", "package.json", "package-lock.json"}


def test_the_base_is_one_argument_and_every_stage_stands_on_it():
    assert of("ARG")[0] == "BASE=python:3.13-slim"
    assert of("FROM") == [
        "${BASE} AS base",
        "base AS workshop",
        "workshop AS build",
        "workshop AS agents",
        "base",
    ]


def test_python_packages_are_installed_by_hash_and_the_code_without_any():
    installs = re.findall(r"pip install ([^&]+)", " && ".join(of("RUN")))
    assert [words.strip() for words in installs] == [
        "--require-hashes -r deploy/locks/container.lock",
        "--require-hashes -r build.lock",
        "--no-build-isolation --no-deps .",
    ]


def test_what_builds_the_package_is_one_locked_requirement():
    [rule] = re.findall(r"awk '([^']+)' deploy/locks/server.lock > build.lock", " ".join(of("RUN")))
    words = ["awk", rule, ROOT / "deploy/locks/server.lock"]
    found = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^(\S+)==", found, re.MULTILINE) == ["setuptools"]
    assert "--hash=sha256:" in found


def test_node_and_the_agents_are_pinned_by_hash_and_name_no_registry():
    assert set(PACKAGES) == {
        "@agentclientprotocol/claude-agent-acp",
        "@agentclientprotocol/codex-acp",
        "@anthropic-ai/claude-code",
        "@openai/codex",
    }
    assert LOCKED[""]["dependencies"] == PACKAGES
    for path, package in LOCKED.items():
        assert not path or package["integrity"].startswith("sha512-"), path
        assert "resolved" not in package, path
    script = (AGENTS / "install.sh").read_text("utf-8")
    assert '--require-hashes -r "$here/node.lock"' in script
    assert re.findall(r"npm (ci|install)\b", script) == ["ci"]
    assert "--ignore-scripts" in script


def test_no_agent_is_in_there_twice():
    """Each weighs a third of a gigabyte; that of an adapter is the one that a person runs, too."""
    assert [path for path in LOCKED if path.endswith("@openai/codex")] == ["node_modules/@openai/codex"]
    code = LOCKED["node_modules/@anthropic-ai/claude-code"]["version"]
    sdk = LOCKED["node_modules/@anthropic-ai/claude-agent-sdk"]["version"]
    assert code.rpartition(".")[2] == sdk.rpartition(".")[2], "they are released together"


def test_no_host_of_packages_is_named_anywhere():
    files = [ROOT / "Dockerfile.container", *AGENTS.iterdir()]
    for path in files:
        text = path.read_text("utf-8")
        hosts = re.findall(r"https?://([\w.-]+)", text) if path.name != "package-lock.json" else []
        assert hosts == [], path
        assert "--index-url" not in text, path


def test_arguments_that_may_hold_a_password_are_of_no_stage_that_is_kept():
    assert [name for name, _ in last_stage() if name == "ARG"] == []
    names = {rest.partition("=")[0] for rest in of("ARG")}
    assert names >= {"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "NPM_CONFIG_REGISTRY"}
    given = [rest for rest in of("ARG") if "=" in rest]
    assert given == ["BASE=python:3.13-slim", "AGENTS=1"]
    environment = " ".join(of("ENV"))
    assert not re.search(r"TOKEN|PASSWORD|SECRET|KEY", environment)


def test_it_runs_as_a_user_without_rights_who_owns_both_volumes():
    assert of("USER") == ["session"]
    assert json.loads(of("VOLUME")[0]) == [contract.DEFAULT_WORKSPACE, contract.DEFAULT_DATA]
    made = " ".join(rest for name, rest in last_stage() if name == "RUN")
    assert "install -d -o session -g session /workspace /data" in made
    # What a derived image runs as root must come before; nothing here comes after.
    names = [name for name, _ in last_stage()]
    assert "RUN" not in names[names.index("USER") :]


def test_the_environment_is_the_contracts_defaults():
    environment = dict(
        re.findall(r"(\w+)=(\S+)", " ".join(rest for name, rest in last_stage() if name == "ENV"))
    )
    assert environment[contract.WORKSPACE_PATH] == contract.DEFAULT_WORKSPACE
    assert environment[contract.DATABASE_PATH] == contract.DEFAULT_DATABASE
    assert environment[contract.PORT] == of("EXPOSE")[0] == str(contract.DEFAULT_PORT)


def test_it_ends_by_the_signal_that_the_program_waits_for():
    assert of("STOPSIGNAL") == ["SIGTERM"]
    assert json.loads(of("ENTRYPOINT")[0]) == ["/opt/berth/bin/python", "-I", "-m", "container"]


def test_isolated_it_starts_from_a_workspace_that_holds_a_package_of_the_same_name(tmp_path):
    (tmp_path / "container").mkdir()
    (tmp_path / "container" / "__main__.py").write_text("print('not ours')")
    words = [sys.executable, *json.loads(of("ENTRYPOINT")[0])[1:], "--help"]
    said = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert "not ours" not in said.stdout
    assert "usage: python -m container" in said.stderr


class Probe(http.server.BaseHTTPRequestHandler):
    def __init__(self, *arguments, status: int) -> None:
        self.status = status
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == contract.READY_PATH else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    "address", [{}, {"BERTH_BIND_ADDRESS": "127.0.0.1"}, {"BERTH_BIND_ADDRESS": "0.0.0.0"}]
)
@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_asks_the_program_where_it_listens(address, status, healthy):
    program, *words = json.loads(of("HEALTHCHECK")[0].partition(" CMD ")[2])
    assert program == "/opt/berth-probe/bash"
    with http.server.HTTPServer(("127.0.0.1", 0), functools.partial(Probe, status=status)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environ = {"PATH": "/usr/bin:/bin", "PORT": str(server.server_port), **address}
        done = subprocess.run(["bash", *words], env=environ, capture_output=True, timeout=30)
        server.shutdown()
    assert (done.returncode == 0) is healthy


def test_the_health_check_fails_where_nothing_listens():
    words = json.loads(of("HEALTHCHECK")[0].partition(" CMD ")[2])[1:]
    done = subprocess.run(["bash", *words], env={"PATH": "/usr/bin:/bin", "PORT": "1"}, capture_output=True)
    assert done.returncode != 0
