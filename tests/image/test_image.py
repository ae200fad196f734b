"""The image, built for real and run as a session is: what it holds, what it guards, what outlives it.

Without a Docker daemon, or the rights to start one and make a base image, all of this is left out.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.container.conftest import TOKEN_KEY, GitServer, encoded
from tests.container.conftest import bare as bare  # noqa: PLC0414 - a fixture of this folder too
from tests.container.conftest import source as source  # noqa: PLC0414 - the same
from tests.image.engine import Docker, Failed
from tests.image.running import Running, until

# Building takes minutes, once. One worker does all of it: there is one image, and one daemon.
pytestmark = [pytest.mark.timeout(1200), pytest.mark.xdist_group("image")]

MEGABYTE = 10**6
CANARY = "canary-7c31-secret"
LOGIN = {"tokens": {"refresh_token": CANARY, "id_token": "a.b.c"}}
GIVEN = {"CODEX_AUTH_FILE_1": encoded(LOGIN), "CODEX_AUTH_FILE_1_NAME": "auth.json"}
TOOLS = (
    "bash curl git git-lfs jq less make nano nc patch ps python3 rg rsync ss ssh tmux tree unzip vi xz zip"
)
ORPHANS = "for n in 1 2 3; do setsid sh -c 'sleep 0.1 & sleep 0.1 &' & done; wait"


@pytest.fixture(scope="module")
def running(start: Callable[..., Running]) -> Running:
    """One that most tests look at; none of them changes what another sees."""
    return start(**GIVEN, BERTH_GIT_USERNAME="ann", BERTH_GIT_PASSWORD=CANARY)


@pytest.fixture
def git_over_http(docker: Docker, bare: Path) -> Iterator[str]:
    """The bare repository's address as a container sees it; it asks for a login."""
    subnet = docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}")
    here = str(next(ipaddress.ip_network(subnet).hosts()))
    with closing(GitServer(bare.parent, "ann", CANARY, host=here)) as server:
        yield f"http://{here}:{server.port}/app.git"


def test_it_is_small_enough_to_be_pulled_for_every_session(docker, image):
    size = int(docker("image", "inspect", "--format", "{{.Size}}", image)) / MEGABYTE
    print(f"without agents: {size:.0f} MB")
    assert size < 400


def test_what_it_was_built_from_is_told_by_nothing_in_it(docker, image):
    told = docker("image", "inspect", image) + docker(
        "history", "--no-trunc", "--format", "{{.CreatedBy}}", image
    )
    assert "127.0.0.1:2" not in told, "where the packages came from"
    assert "PIP_" not in told
    config = json.loads(docker("image", "inspect", "--format", "{{json .Config}}", image))
    assert config["User"] == "session"
    assert set(config["Volumes"]) == {"/workspace", "/data"}
    assert config["StopSignal"] == "SIGTERM"
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_the_tools_of_a_terminal_are_found_by_a_login_shell(running):
    shown = running.typed(
        f"for t in {TOOLS}; do command -v $t >/dev/null || echo lacking: $t; done; echo $PATH"
    )
    assert re.findall(r"lacking: (\w+)", shown) == []
    assert "/data/home/.local/bin:/usr" in shown
    # What is typed is shown, too: so what is looked for is not what is typed.
    assert "made: 42" in running.typed("python3 -m venv /tmp/v && echo made: $((40 + 2))")


def test_it_runs_without_rights_on_a_root_that_nobody_writes_to(running):
    assert running.run("id", "-u") == "10001"
    assert (
        running.run(
            "sh", "-c", "touch /workspace/.t /data/.t /tmp/.t && rm /workspace/.t /data/.t && echo ok"
        )
        == "ok"
    )
    for path in ("/opt/berth/x", "/usr/local/bin/x", "/x"):
        with pytest.raises(Failed):
            running.run("touch", path)
    assert running.run("sh", "-c", "grep CapEff /proc/1/status").split()[1].strip("0") == ""


def test_no_secret_is_in_the_environment_of_any_program(running):
    own = json.loads(running.run("cat", "/data/home/.codex/auth.json"))
    assert own == LOGIN, "it was given, and is where the agent looks"
    # As the session's own user, who may look at each of its programs, the first one among them.
    seen = running.typed("cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>&1 | tr '\\0' '\\n'; env")
    assert "SESSION_ID=" in seen
    assert "/proc/1/environ: Permission" not in seen
    for secret in (CANARY, TOKEN_KEY, GIVEN["CODEX_AUTH_FILE_1"][:40]):
        assert secret not in seen
        assert secret not in running.log


def test_what_docker_gives_the_health_check_cannot_be_read(running):
    words = ["--detach", running.id, "/opt/berth-probe/bash", "-c", "sleep 30; :"]
    running.docker("exec", *words)
    seen = running.typed("for p in $(pgrep -f berth-probe); do cat /proc/$p/environ; done")
    assert "Permission denied" in seen
    assert TOKEN_KEY not in seen


def test_health_turns_healthy(running):
    until(
        lambda: running.told("{{.State.Health.Status}}") == "healthy",
        lambda: running.told("{{json .State.Health}}"),
    )


def test_the_page_and_its_files_are_there(running):
    """What the page does not show is left out of the image; of its own it must lack nothing."""
    status, page = running.request("/")
    assert status == 200
    named = re.findall(r'(?:src|href)="(/[^"]+)"', page.decode())
    editor_and_terminal = re.findall(r'"nicegui-(?:codemirror|xterm)":"(/[^"]+)"', page.decode())
    assert len(editor_and_terminal) == 2
    for path in (*named, *editor_and_terminal):
        assert running.request(path)[0] == 200, path


def test_an_agent_answers_in_the_workspace(running):
    said = running.ask("say hello\nrun pwd; id -un; echo $HOME\nenvironment BERTH_TOKEN_KEY")
    assert "hello" in said
    assert "/workspace\nsession\n/data/home\n" in said
    assert "BERTH_TOKEN_KEY=None" in said


def test_orphans_are_reaped(running):
    running.typed(ORPHANS)

    def dead() -> list[str]:
        return [line for line in running.run("ps", "-eo", "stat=,ppid=,args=").splitlines() if line[0] == "Z"]

    until(lambda: not dead(), lambda: f"reaped: {dead()}")


def test_an_agent_that_is_not_in_the_image_is_said_to_be_missing(start):
    container = start(BERTH_AGENT_PROVIDER="codex", BERTH_AGENT_COMMAND="")
    container.request("/api/agent/start", "POST")
    until(lambda: container.json("/api/agent")["state"] == "NotInstalled", "NotInstalled")
    assert "codex-acp" in container.json("/api/agent")["message"]


def test_work_transcript_and_a_refreshed_login_outlive_the_container(docker, start, git_over_http):
    given = {
        **GIVEN,
        "BERTH_REPOSITORY_URL": git_over_http,
        "BERTH_REPOSITORY_REF": "main",
        "BERTH_GIT_USERNAME": "ann",
        "BERTH_GIT_PASSWORD": CANARY,
    }
    first = start(**given)
    assert first.prepared()["reason"] == "Cloned", first.log
    assert first.run("cat", "/workspace/README.md") == "two"
    assert first.ask("say before the end\nwrite /workspace/mine.txt mine") == "before the end"
    refreshed = json.dumps({"tokens": {"refresh_token": "refreshed", "id_token": "a.b.c"}})
    first.run("sh", "-c", f"echo '{refreshed}' > /data/home/.codex/auth.json")
    code, seconds = first.stop()
    assert code == 0, first.log
    assert seconds < 8, "well within what Docker gives"
    assert "SIGTERM" in first.log

    second = start(first.volumes, **given)
    assert second.prepared()["reason"] == "Found"
    assert second.run("cat", "/workspace/mine.txt") == "mine"
    assert "before the end" in json.dumps(second.transcript)
    assert "refreshed" in second.run("cat", "/data/home/.codex/auth.json")
    assert second.ask("say after it") == "after it"
