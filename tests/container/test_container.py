"""``python -m container`` as a process: what its owner, its controller and its host see of it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from container.contract import HealthReport
from tests.container.conftest import ROOT, SESSION_ID, TOKEN_KEY, encoded, until

CANARY = "canary-7f3a-secret"
LOGIN = {"tokens": {"access_token": CANARY, "refresh_token": CANARY}}


def _login(content: object = LOGIN, name: str = "auth.json") -> dict[str, str]:
    return {"CODEX_AUTH_FILE_1": encoded(content), "CODEX_AUTH_FILE_1_NAME": name}


def test_a_session_from_start_to_end(start, bare):
    container = start(
        BERTH_REPOSITORY_URL=f"file://{bare}", BERTH_REPOSITORY_REF="main", **_login()
    ).serving()
    container.workspace_state("Ready")
    until(lambda: container.health()["work"]["state"] == "Clean", "the work was looked at")
    health = container.health()
    assert set(HealthReport.__annotations__) == set(health)
    assert health["session"] == "s-1"
    assert health["revision"] == "abc123"
    assert health["status"] == "ok"
    assert health["auth"] == [
        {"provider": "codex", "state": "LoggedIn", "message": "renews itself when it is used"}
    ]
    assert health["activity"]["source"] == "git"
    assert (container.workspace / "README.md").read_text() == "two\n"
    assert json.loads((container.data / "home" / ".codex" / "auth.json").read_text()) == LOGIN

    assert container.end() == 0
    assert "SIGTERM" in container.output
    assert f"workspace: cloning file://{bare} (ref main)" in container.output
    assert sorted(p.name for p in container.data.iterdir()) == [
        "auth-files.json", "container.db", "gitconfig", "home"
    ]  # fmt: skip


def test_no_secret_is_in_an_environment_a_log_an_answer_or_a_file_that_is_not_its_own(start, git_server):
    server = git_server("ann", CANARY)
    container = start(
        BERTH_REPOSITORY_URL=f"http://127.0.0.1:{server.port}/app.git",
        BERTH_GIT_USERNAME="ann",
        BERTH_GIT_PASSWORD=CANARY,
        **_login(),
    ).serving()
    container.workspace_state("Ready")
    pid = container.program.pid
    seen = [
        Path(f"/proc/{pid}/environ").read_bytes() if sys.platform == "linux" else b"",
        Path(f"/proc/{pid}/cmdline").read_bytes() if sys.platform == "linux" else b"",
        *(container.request(path)[2] for path in ("/", "/healthz", "/readyz", "/api/overview", "/nowhere")),
    ]
    container.end()
    seen.append(container.output.encode())
    own = container.data / "home" / ".codex" / "auth.json"
    files = (*container.data.rglob("*"), *container.workspace.rglob("*"))
    seen += [path.read_bytes() for path in files if path.is_file() and path != own]
    forms = [CANARY, encoded(CANARY).rstrip("="), encoded(LOGIN), encoded(f"ann:{CANARY}"), TOKEN_KEY]
    for form in forms:
        assert all(form.encode() not in content for content in seen), form
    assert CANARY in own.read_text()


def test_ready_is_answered_while_the_repository_does_not_answer(start):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/app.git"
        container = start(BERTH_REPOSITORY_URL=url).serving()
        assert container.request("/readyz")[0] == 200
        print(f"first /readyz after {time.monotonic() - began:.2f} s")
        assert container.health()["workspace"]["state"] == "Preparing"
        assert container.end() == 0
        assert time.monotonic() - began < 60


@pytest.mark.parametrize("kill", [signal.SIGTERM, signal.SIGKILL])
def test_a_clone_that_was_cut_off_is_done_again(start, bare, kill):
    # The first server never answers: the clone is under way for as long as we like.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        first = start(BERTH_REPOSITORY_URL=f"http://127.0.0.1:{silent.getsockname()[1]}/app.git").serving()
        until(lambda: first.workspace.exists() and any(first.workspace.iterdir()), "a staging directory")
        first.end(kill)
    left = [path.name for path in first.workspace.iterdir()]
    assert left == [] or kill == signal.SIGKILL
    second = start(BERTH_REPOSITORY_URL=f"file://{bare}").serving()
    assert second.workspace_state("Ready")["reason"] == "Cloned"
    assert sorted(p.name for p in second.workspace.iterdir()) == [".git", "README.md", "lib"]


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"BERTH_REPOSITORY_URL": "file:///nowhere/app.git"}, "RepositoryNotFound"),
        ({"BERTH_REPOSITORY_URL": "file://{bare}", "BERTH_REPOSITORY_REF": "nope"}, "RefNotFound"),
        ({"BERTH_REPOSITORY_URL": "http://127.0.0.1:1/app.git"}, "Unreachable"),
        ({"BERTH_REPOSITORY_URL": "https://ann:secret@example.com/app.git"}, "InvalidRepository"),
    ],
)
def test_a_bad_repository_is_a_state_and_the_app_serves(start, bare, variables, reason):
    container = start(**{name: value.format(bare=bare) for name, value in variables.items()}).serving()
    failed = container.workspace_state("Failed")
    assert failed["reason"] == reason
    assert failed["message"]
    assert container.health()["status"] == "degraded"
    answer = json.loads(container.request("/healthz?question=q")[2])
    assert answer["work"]["state"] == "Clean", "nothing is in it that could be lost"
    assert container.request("/readyz")[0] == 200
    assert container.program.poll() is None


def test_work_and_a_refreshed_login_survive_a_restart(start, bare):
    variables = {"BERTH_REPOSITORY_URL": f"file://{bare}", **_login()}
    first = start(**variables).serving()
    first.workspace_state("Ready")
    boot = first.health()["boot"]
    login = first.data / "home" / ".codex" / "auth.json"
    login.write_text('{"tokens": {"refresh_token": "refreshed"}}')
    (first.workspace / "mine.txt").write_text("mine")
    first.end()

    second = start(**variables).serving()
    assert second.workspace_state("Ready")["reason"] == "Found"
    until(lambda: second.health()["work"]["state"] == "Unsaved", "the work was looked at")
    assert second.health()["work"]["uncommitted"] == 1
    assert "refreshed" in login.read_text()
    assert second.health()["boot"] != boot
    assert second.health()["auth"][0]["state"] == "LoggedIn"


def test_a_corrupted_database_is_kept_aside_and_said(start):
    first = start().serving()
    first.end()
    (first.data / "container.db").write_bytes(b"garbage" * 1000)
    second = start().serving()
    health = second.health()
    assert health["status"] == "degraded"
    assert [notice["source"] for notice in health["notices"]] == ["database"]
    [aside] = second.data.glob("container.db.corrupt-*")
    assert aside.read_bytes() == b"garbage" * 1000
    assert second.end() == 0
    assert start().serving().health()["notices"] == []


def test_a_workspace_that_is_not_as_declared_is_a_notice(start, tmp_path, bare):
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "mine.txt").touch()
    container = start(BERTH_REPOSITORY_URL=f"file://{bare}").serving()
    assert container.workspace_state("Ready")["reason"] == "NotARepository"
    [notice] = container.health()["notices"]
    assert notice == {"source": "workspace", "message": container.health()["workspace"]["message"]}


def test_bad_values_are_notices_and_the_app_serves(start):
    container = start(
        BERTH_CONSOLE_ORIGIN="*", BERTH_AGENT_COMMAND="x", CODEX_AUTH_FILE_X="YQ==", CLAUDE_AUTH_FILE_1="%%%"
    ).serving()
    health = container.health()
    sources = {notice["source"] for notice in health["notices"]}
    assert sources == {"BERTH_CONSOLE_ORIGIN", "BERTH_AGENT_COMMAND", "CODEX_AUTH_FILE_X"}
    assert [(login["provider"], login["state"]) for login in health["auth"]] == [("claude", "Invalid")]
    headers = container.request("/")[1]
    assert "frame-ancestors 'self'" in headers["content-security-policy"]


def test_a_data_volume_that_cannot_be_used_is_said_and_the_app_serves(start, tmp_path):
    (tmp_path / "data").write_text("a file in the way")
    container = start(**_login()).serving()
    health = container.health()
    assert any("in memory only" in notice["message"] for notice in health["notices"])
    assert health["auth"][0]["state"] == "Invalid"
    assert container.end() == 0


def test_a_port_in_use_is_a_clear_error(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        container = start(PORT=str(port))
        assert container.program.wait(5) == os.EX_UNAVAILABLE
    assert container.output == (
        f"container: 127.0.0.1 port {port} cannot be listened on: Address already in use; "
        "set PORT to a free one\n"
    )


def test_the_page_and_its_headers(start):
    container = start(BERTH_CONSOLE_ORIGIN="https://berth.example.com").serving()
    status, headers, body = container.request("/")
    assert status == 200
    policy = headers["content-security-policy"]
    assert policy.endswith("frame-ancestors https://berth.example.com")
    assert policy.count("//") == 1, "the page loads nothing from elsewhere, and sends nothing there"
    assert headers["x-content-type-options"] == "nosniff"
    page = body.decode()
    assert "Fix the &lt;login&gt; bug" in page
    assert "<login>" not in page
    for name in ("workbench.css", "enter.js"):
        assert f"/static/{name}" in page
        assert container.request(f"/static/{name}")[0] == 200
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/enter.html", "/.git/config"):
        assert container.request(path)[0] == 404


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/api/overview"])
def test_only_reading_is_allowed(start, path):
    container = start().serving()
    assert container.request(path, "GET" if path == "/" else "HEAD")[0] == 200
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        assert container.request(path, method)[0] == 405


def test_a_question_is_answered_by_the_workspace_as_it_is_now(start):
    container = start().serving()
    until(lambda: container.health()["work"]["state"] == "Clean", "the work was looked at")
    (container.workspace / "fresh.txt").write_text("an hour's work")
    assert container.health()["work"]["state"] == "Clean", "from memory"
    answer = json.loads(container.request("/healthz?question=q-1", headers={})[2])
    assert (answer["work"]["question"], answer["work"]["uncommitted"]) == ("q-1", 1)
    assert answer["session"] == SESSION_ID
    assert answer["work"]["readAt"].endswith("Z")
    (container.workspace / "fresher.txt").write_text("and a minute's")
    answer = json.loads(container.request("/healthz?question=q-2", headers={})[2])
    assert (answer["work"]["question"], answer["work"]["uncommitted"]) == ("q-2", 2)
    assert "question" not in container.health()["work"], "nobody asks"
    for bad in ("", "a+b", "x" * 65, "%0a"):
        status, _, body = container.request(f"/healthz?question={bad}", headers={})
        assert (status, json.loads(body)["error"]["field"]) == (400, "question"), bad


def test_reading_counts_as_no_activity(start, bare):
    container = start(BERTH_REPOSITORY_URL=f"file://{bare}").serving()
    container.workspace_state("Ready")
    until(lambda: container.health()["work"]["state"] == "Clean", "the work was looked at")
    before = container.health()["activity"]
    for path in ("/", "/healthz", "/readyz", "/api/overview") * 5:
        container.request(path)
    assert container.health()["activity"] == before


def test_health_is_cheap_and_the_whole_is_small(start, bare):
    container = start(BERTH_REPOSITORY_URL=f"file://{bare}").serving()
    container.workspace_state("Ready")
    times = []
    for _ in range(100):
        began = time.perf_counter()
        container.health()
        times.append(time.perf_counter() - began)
    print(f"/healthz median {sorted(times)[50] * 1000:.1f} ms with a new connection each")
    if sys.platform == "linux":
        status = Path(f"/proc/{container.program.pid}/status").read_text()
        resident = int(status.split("VmRSS:")[1].split()[0]) / 1024
        print(f"resident {resident:.0f} MiB")
        assert resident < 60


def test_a_child_of_it_is_ended_with_it(start):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/app.git"
        container = start(BERTH_REPOSITORY_URL=url).serving()
        connection, _ = silent.accept()
        with connection:
            connection.settimeout(60)
            assert container.end() == 0
            while connection.recv(4096):
                pass  # the end of the connection is the end of the git that held it


def test_an_unknown_word_is_refused():
    done = subprocess.run(
        [sys.executable, "-m", "container", "--port", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == os.EX_USAGE
    assert done.stderr.startswith("usage:")
