from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from container.auth import Placed, Placement
from container.environment import read_settings
from container.given import AuthFile, Secrets
from container.logins import logins
from container.session import open_session
from controller.report import noticed, reported
from crds.base import ConditionStatus
from crds.vocabulary import ConditionType

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _jwt(**claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.sig"


def _claude(**fields: object) -> dict:
    return {"claudeAiOauth": fields}


PAST, FUTURE = NOW.timestamp() - 3600, NOW.timestamp() + 3600


@pytest.mark.parametrize(
    ("provider", "content", "state"),
    [
        ("codex", {"tokens": {"access_token": _jwt(exp=PAST), "refresh_token": "r"}}, "LoggedIn"),
        ("codex", {"tokens": {"access_token": _jwt(exp=PAST)}}, "Expired"),
        ("codex", {"tokens": {"access_token": _jwt(exp=FUTURE)}}, "LoggedIn"),
        ("codex", {"tokens": {"access_token": "opaque"}}, "LoggedIn"),
        ("codex", {"tokens": {"access_token": _jwt(exp=1e300)}}, "LoggedIn"),
        ("codex", {"OPENAI_API_KEY": "k"}, "LoggedIn"),
        ("codex", {"OPENAI_API_KEY": None, "tokens": None}, "Invalid"),
        ("codex", [], "Invalid"),
        ("claude", _claude(accessToken="a", refreshToken="r", expiresAt=PAST * 1000), "LoggedIn"),
        ("claude", _claude(accessToken="a", expiresAt=PAST * 1000), "Expired"),
        ("claude", _claude(accessToken="a", expiresAt=FUTURE * 1000), "LoggedIn"),
        ("claude", _claude(accessToken="a", expiresAt="soon"), "LoggedIn"),
        ("claude", _claude(accessToken=7), "Invalid"),
        ("claude", {}, "Invalid"),
    ],
)
def test_what_a_login_file_tells(tmp_path, provider, content, state):
    name = {"codex": "auth.json", "claude": ".credentials.json"}[provider]
    (tmp_path / f".{provider}").mkdir()
    (tmp_path / f".{provider}" / name).write_text(json.dumps(content))
    [report] = logins([provider], [], home=tmp_path, environ={}, now=NOW)
    assert report["provider"] == provider
    assert report["state"] == state
    assert report["message"]


def test_garbage_is_invalid_and_not_repeated(tmp_path):
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "auth.json").write_bytes(b"\xff secret-garbage")
    [report] = logins(["codex"], [], home=tmp_path, environ={}, now=NOW)
    assert report["state"] == "Invalid"
    assert "secret-garbage" not in report["message"]


def test_the_agents_provider_is_reported_when_it_has_no_login(tmp_path):
    [report] = logins(["claude"], [], home=tmp_path, environ={}, now=NOW)
    assert report["state"] == "Absent"


def test_a_key_in_the_environment_stands_for_a_login(tmp_path):
    [report] = logins(["claude"], [], home=tmp_path, environ={"ANTHROPIC_API_KEY": "sk-1"}, now=NOW)
    assert report == {
        "provider": "claude",
        "state": "LoggedIn",
        "message": "by the variable ANTHROPIC_API_KEY",
    }


def test_an_unknown_provider_counts_as_logged_in_while_its_files_are_there(tmp_path):
    placed = [Placed("gemini", "oauth.json", Placement.WRITTEN)]
    assert logins([], placed, home=tmp_path, environ={}, now=NOW)[0]["state"] == "Absent"
    (tmp_path / ".gemini").mkdir()
    (tmp_path / ".gemini" / "oauth.json").write_text("{}")
    assert logins([], placed, home=tmp_path, environ={}, now=NOW)[0]["state"] == "LoggedIn"


def test_a_refused_file_makes_its_provider_invalid_and_a_kept_one_is_told(tmp_path):
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "auth.json").write_text('{"OPENAI_API_KEY": "k"}')
    placed = [
        Placed("codex", "auth.json", Placement.KEPT, "auth.json is kept"),
        Placed("claude", "", Placement.REFUSED, "file 1 has no name"),
    ]
    claude, codex = logins(["codex"], placed, home=tmp_path, environ={}, now=NOW)
    assert "note" not in codex
    assert (claude["state"], claude["message"]) == ("Invalid", "file 1 has no name")
    assert (codex["state"], codex["message"]) == ("LoggedIn", "by an API key; auth.json is kept")


def test_a_login_made_in_the_container_is_told_too(tmp_path):
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "auth.json").write_text('{"tokens": {"refresh_token": "r"}}')
    [report] = logins([], [], home=tmp_path, environ={}, now=NOW)
    assert (report["provider"], report["state"]) == ("codex", "LoggedIn")


def test_a_newer_login_that_is_not_used_is_a_note_of_one_that_serves(tmp_path):
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "auth.json").write_text('{"OPENAI_API_KEY": "k"}')
    placed = [Placed("codex", "auth.json", Placement.UNUSED, "a newer login was given and is not used")]
    [codex] = logins(["codex"], placed, home=tmp_path, environ={}, now=NOW)
    assert (codex["state"], codex["note"]) == ("LoggedIn", "a newer login was given and is not used")


def test_a_login_that_was_removed_is_no_login(tmp_path):
    placed = [
        Placed("codex", "auth.json", Placement.REMOVED, "auth.json is no longer given and was removed"),
        Placed("gemini", "oauth.json", Placement.REMOVED, "oauth.json is no longer given and was removed"),
    ]
    [codex] = logins(["codex"], placed, home=tmp_path, environ={}, now=NOW)
    assert codex["state"] == "Absent"


def test_a_key_that_no_request_can_carry_is_invalid_and_not_repeated(tmp_path):
    [report] = logins(["claude"], [], home=tmp_path, environ={"ANTHROPIC_API_KEY": "sk-1\nsk-2"}, now=NOW)
    assert report["state"] == "Invalid"
    assert "ANTHROPIC_API_KEY holds a line break" in report["message"]
    assert "sk-" not in report["message"]


async def test_a_newer_login_that_is_not_used_is_a_notice_of_the_container(tmp_path):
    variables = {"WORKSPACE_PATH": str(tmp_path / "w"), "DATABASE_PATH": str(tmp_path / "data" / "c.db")}
    settings = read_settings(variables, first=False)
    (settings.home / ".codex").mkdir(parents=True)
    (settings.home / ".codex" / "auth.json").write_text('{"OPENAI_API_KEY": "refreshed"}')
    given = AuthFile("codex", 1, "auth.json", base64.b64encode(b"{}").decode())
    session = open_session(settings, Secrets(auth_files=(given,)))
    try:
        told = {notice["source"]: notice["message"] for notice in session.health()["notices"]}
        assert told["login codex"].startswith("a newer login was given and is not used")
        assert noticed(session.health()) is not None
        auth = reported(session.health())[ConditionType.AUTH_READY]
        assert auth.status is ConditionStatus.TRUE
        assert auth.message.startswith("codex; codex: a newer login was given and is not used")
    finally:
        await session.aclose()
