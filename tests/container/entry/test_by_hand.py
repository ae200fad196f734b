"""A container that was started by hand can be entered by whoever gave it its key."""

from __future__ import annotations

import json
import os

import pytest

from container.contract import EntryUse
from container.entry.__main__ import main
from tests.container.conftest import TOKEN_KEY

GIVEN = {"BERTH_TOKEN_KEY": TOKEN_KEY, "SESSION_ID": "s-1"}
JSON = {"Content-Type": "application/json"}


def test_a_token_made_by_hand_lets_in(start, capsys):
    container = start().serving()
    assert main((), GIVEN) == 0
    body = json.dumps({"token": capsys.readouterr().out.strip()}).encode()
    assert container.request("/enter", "POST", JSON, body)[0] == 204
    assert main(("tool",), GIVEN) == 0
    bearer = {"Authorization": f"Bearer {capsys.readouterr().out.strip()}"}
    assert container.request("/api/overview", headers=bearer)[0] == 200
    assert container.request("/api/overview", headers={})[0] == 401


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (("cookie",), GIVEN),
        ((EntryUse.TOOL.value, "x"), GIVEN),
        ((), {"SESSION_ID": "s-1"}),
        ((), {**GIVEN, "BERTH_TOKEN_KEY": "short"}),
        ((), {**GIVEN, "SESSION_ID": ""}),
    ],
)
def test_what_is_missing_is_said_without_the_key(words, given, capsys):
    assert main(words, given) == os.EX_USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert TOKEN_KEY not in said.err


def test_a_container_without_a_key_serves_and_says_that_nobody_enters(start):
    container = start(BERTH_TOKEN_KEY="").serving()
    health = container.health()
    assert health["status"] == "degraded"
    [notice] = health["notices"]
    assert notice["source"] == "BERTH_TOKEN_KEY"
    assert "nobody can enter" in notice["message"]
    status, headers, body = container.request("/", headers={"Accept": "text/html"})
    assert (status, headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert b"BERTH_TOKEN_KEY is not set" in body
    assert container.request("/readyz")[0] == 200
