"""The eight defects of the project that Berth's seed was written from, each as what Berth does instead."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from pathlib import Path

import pytest

from container.contract import ENTRY_SECONDS, EntryUse, auth_file_name_variable, auth_file_variable
from controller.secrets import AUTH_FILE_TYPE, PROVIDER_LABEL
from crds.base import ObjectMeta
from crds.secret import Secret
from crds.session import Session
from dokploy import procedures
from dokploy.procedures import Procedure
from records.port import Key
from tests.container.conftest import bare as bare  # noqa: PLC0414 - fixtures of this module too
from tests.container.conftest import git_server as git_server  # noqa: PLC0414
from tests.container.conftest import source as source  # noqa: PLC0414
from tests.container.conftest import start as start  # noqa: PLC0414
from tests.controller.world import NAMESPACE, world

ROOT = Path(__file__).parents[1]
RECORDINGS = (ROOT / "tests/dokploy/recordings", ROOT / "tests/dokploy/client/recordings")
LOGIN = json.dumps({"tokens": {"access_token": "a", "refresh_token": "b"}})


@pytest.mark.looptime
async def test_1_running_is_what_the_container_says_and_not_what_was_asked_for():
    """It wrote ``running`` before it deployed, and never asked Dokploy again."""
    async with world() as of:
        of.run_controller()
        await of.declare(image="sim/slow-start:3")
        async with asyncio.timeout(60):
            while not of.simulation.containers:
                await asyncio.sleep(0.1)
        assert of.calls()["application.reload"] == 1
        assert (await of.ready())[0] != "True", "Dokploy has been told; the container does not serve yet"
        await of.until_ready()
        await of.change(image="sim/crash:1")
        await of.until("Error")
        assert (await of.ready())[0] == "False"


@pytest.mark.looptime
async def test_2_what_was_created_is_found_again_and_deleted_whatever_failed_meanwhile():
    """It forgot the application when a later call failed, and deleted nothing that it had forgotten."""
    async with world() as of:
        of.run_controller()
        await of.declare()
        async with asyncio.timeout(60):
            while not of.calls()["application.create"]:
                await asyncio.sleep(0.001)
        await of.kill_controller()
        of.run_controller("two")
        await of.until_ready()
        assert len(of.applications()) == 1
        await of.declare("broken", image="sim/missing")
        await of.until("Error", "broken")
        for name in ("broken", "fix-login"):
            await of.records.delete(Session, Key(NAMESPACE, name))
            await of.until_gone(name)
        assert of.applications() == []
        assert of.simulation.volumes() == ()


def recorded_calls() -> set[tuple[str, str]]:
    """Method and procedure of every call that a real Dokploy answered with 200."""
    found = set()
    for path in (path for directory in RECORDINGS for path in directory.glob("*.json")):
        call = json.loads(path.read_text())
        if call["response"]["status"] == 200:
            request = call["request"]
            found.add((request["method"], request["path"].removeprefix("/api/").partition("?")[0]))
    return found


def test_3_every_call_is_one_that_dokploy_has():
    """It called procedures that Dokploy does not have, and changed things by DELETE."""
    called = [each for each in vars(procedures).values() if isinstance(each, Procedure)]
    answered = recorded_calls()
    unknown = {
        each.name for each in called if ("GET" if each.is_reading else "POST", each.name) not in answered
    }
    assert unknown == set()
    assert len(called) > 20


@pytest.mark.looptime
async def test_4a_a_login_is_handed_over_under_the_names_that_the_container_reads():
    """Its backend wrote other variables than its image read …"""
    async with world() as of:
        of.run_controller()
        await of.records.create(
            Secret(
                metadata=ObjectMeta(name="login", namespace=NAMESPACE, labels={PROVIDER_LABEL: "codex"}),
                type=AUTH_FILE_TYPE,
                string_data={"auth.json": LOGIN},
            )
        )
        await of.declare()
        await of.until_ready()
        env = of.simulation.containers[0].spec.env
        assert base64.b64decode(env[auth_file_variable("codex", 1)]).decode() == LOGIN
        assert env[auth_file_name_variable("codex", 1)] == "auth.json"


def test_4b_a_login_is_where_the_agent_looks_for_it(start):
    """… and its image wrote it to a file that no agent looks for."""
    container = start(
        CODEX_AUTH_FILE_1=base64.b64encode(LOGIN.encode()).decode(), CODEX_AUTH_FILE_1_NAME="auth.json"
    ).serving()
    file = container.data / "home" / ".codex" / "auth.json"
    assert file.read_text() == LOGIN
    assert file.stat().st_mode & 0o777 == 0o600


def test_5_a_repository_that_cannot_be_cloned_is_a_state_and_no_crash_loop(start):
    """``set -e`` and ``git clone``: a wrong address restarted its container for ever."""
    container = start(BERTH_REPOSITORY_URL="file:///nowhere/app.git").serving()
    assert container.workspace_state("Failed")["reason"] == "RepositoryNotFound"
    assert container.request("/readyz")[0] == 200
    assert container.end() == 0


def test_6_a_repository_that_asks_for_a_login_gets_it(start, git_server):
    """It had no git credentials."""
    server = git_server("ann", "secret")
    container = start(
        BERTH_REPOSITORY_URL=f"http://127.0.0.1:{server.port}/app.git",
        BERTH_GIT_USERNAME="ann",
        BERTH_GIT_PASSWORD="secret",
    ).serving()
    assert container.workspace_state("Ready")["reason"] == "Cloned"
    assert "secret" not in (container.workspace / ".git" / "config").read_text()


def test_7_no_message_goes_to_whoever_listens_and_none_is_taken_from_whoever_speaks():
    """It posted to ``*``, with the check of the origin commented out.

    What browsers do of it is in tests/container/entry/test_browser.py.
    """
    for path in (ROOT / "container").rglob("*.js"):
        script = path.read_text()
        assert not re.search(r"""postMessage\([^)]*["']\*["']""", script), path
        if 'addEventListener("message"' in script:
            assert "event.origin !== this.#origin" in script, path


def test_8_who_is_at_work_stays_in_and_a_token_lasts_a_minute(start):
    """Its token was good for seven days, whoever had it, and then for nothing: there was no renewal.

    That a cookie is renewed is in tests/container/entry/test_gate.py.
    """
    assert ENTRY_SECONDS[EntryUse.ENTER] <= 60
    assert ENTRY_SECONDS[EntryUse.COOKIE] <= 24 * 3600
    page = start().serving().request("/static/enter.js")[2].decode()
    assert "setInterval(renew" in page
