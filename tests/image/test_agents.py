"""The image with Node and the agents: a gigabyte to fetch and build, so a part of `make soak`."""

from __future__ import annotations

import pytest

from tests.image.running import Running, Volumes, until

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600), pytest.mark.xdist_group("image")]

MEGABYTE = 10**6


@pytest.fixture(scope="module")
def start(docker, whole_image):
    started = []

    def _start(provider: str) -> Running:
        variables = {"BERTH_AGENT_PROVIDER": provider, "BERTH_AGENT_COMMAND": ""}
        started.append(Running(docker, whole_image, Volumes(docker), variables, memory="2g"))
        return started[-1]

    yield _start
    for container in started:
        container.remove()
        container.volumes.remove()


def test_it_is_small_enough_to_be_pulled_once_for_every_machine(docker, whole_image):
    size = int(docker("image", "inspect", "--format", "{{.Size}}", whole_image)) / MEGABYTE
    print(f"with agents: {size:.0f} MB")
    assert size < 1200


@pytest.mark.parametrize("provider", ["codex", "claude"])
def test_an_agent_starts_or_asks_for_a_login(start, provider):
    container = start(provider)
    container.request("/api/agent/start", "POST")
    until(lambda: container.json("/api/agent")["state"] not in {"NotStarted", "Starting"}, "an agent", 120)
    agent = container.json("/api/agent")
    assert {each["name"]: each["missing"] for each in agent["providers"]} == {"codex": "", "claude": ""}
    assert agent["state"] == "Ready" or agent["login_needed"], agent["message"]


def test_what_a_person_installs_goes_to_their_home(start):
    container = start("codex")
    shown = container.typed("npm config get prefix; codex --version; claude --version; node --version")
    assert "/data/home/.local\r\n" in shown
    assert "codex-cli 0." in shown
    assert "(Claude Code)" in shown
    assert "v24." in shown
