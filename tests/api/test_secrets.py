"""Secrets go in and never come out: not in an answer, not in a log, not in an event (law S3)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import logging
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import httpx
import pytest
import structlog
from fastapi import FastAPI

from api.render import digest_of, show_with
from api.watch import Watch, Watcher
from crds.kinds import KINDS
from crds.logs import configure_logging
from crds.session import Session
from dokploy.errors import Failed
from records.port import EVERYTHING
from records.sql import SqlRecords
from tests.api.conftest import HELLO, Client, Connections, declare_target, running, session_body
from tests.api.test_access import OPEN, filled, routes_of

CANARY = 'canary/é"7f3a\\ 9c+21'
SECRET = "/api/namespaces/alice/secrets/mine"


def forms(value: str) -> set[str]:
    raw = value.encode()
    encoded = base64.b64encode(raw).decode()
    return {
        value,
        encoded,
        encoded.rstrip("="),
        base64.urlsafe_b64encode(raw).decode(),
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
    }


def assert_no_secret(text: str, *values: str) -> None:
    for value in values:
        for form in forms(value):
            assert form not in text, form


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that is logged, in full, as the API's program would write it."""
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    configure_logging("api", level="DEBUG", stream=stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


def secret_body(**more: object) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "mine", "namespace": "alice"},
        "stringData": {"token": CANARY},
        **more,
    }


def test_a_digest_is_of_no_help_in_guessing_a_secret_and_outlasts_a_restart() -> None:
    show_with(b"k" * 32)
    shown = digest_of(b"hunter2")
    assert shown == digest_of(b"hunter2") != digest_of(b"hunter3")
    plain = hashlib.sha256(b"hunter2").hexdigest()
    assert plain[:8] not in shown
    show_with(b"o" * 32)
    assert digest_of(b"hunter2") != shown
    show_with(b"k" * 32)
    assert digest_of(b"hunter2") == shown


async def test_an_answer_says_whom_a_change_concerns(client: Client) -> None:
    concerned = '299 berth "it concerns alice/mine"'
    assert (await client.put(f"{SECRET}?dryRun=true", json=secret_body())).headers["warning"] == concerned
    assert (await client.put(SECRET, json=secret_body())).headers["warning"] == concerned
    assert "warning" not in (await client.put(SECRET, json=secret_body())).headers
    assert (await client.delete(SECRET)).headers["warning"] == concerned
    listed = "/api/namespaces/alice/secrets"
    assert (await client.post(listed, json=secret_body())).headers["warning"] == concerned
    assert "warning" not in (await client.put(HELLO, json=session_body())).headers


async def test_shows_digests_in_place_of_values(client: Client) -> None:
    data = {"file": base64.b64encode(b"\xff\x00").decode()}
    answer = await client.put(SECRET, json=secret_body(data=data, type="berth.dev/api-key"))
    assert answer.status_code == 201
    for body in (answer.json(), (await client.get(SECRET)).json()):
        assert body["type"] == "berth.dev/api-key"
        assert body["digests"] == {
            "file": digest_of(bytes([255, 0])),
            "token": digest_of(CANARY.encode()),
        }
        assert "data" not in body
        assert "stringData" not in body


async def test_a_shown_secret_cannot_be_written_back_empty(client: Client) -> None:
    await client.put(SECRET, json=secret_body())
    shown = (await client.get(SECRET)).json()
    answer = await client.put(SECRET, json=shown)
    assert answer.status_code == 422
    assert [cause["field"] for cause in answer.json()["causes"]] == ["digests"]


async def test_the_same_secret_again_changes_nothing(client: Client) -> None:
    await client.put(SECRET, json=secret_body())
    plain = {"token": base64.b64encode(CANARY.encode()).decode()}
    body = {key: value for key, value in secret_body(data=plain).items() if key != "stringData"}
    assert (await client.put(SECRET, json=body)).headers["berth-result"] == "unchanged"
    dry = {"dryRun": "true"}
    assert (await client.put(SECRET, json=body, params=dry)).headers["berth-result"] == "unchanged"
    other = secret_body(stringData={"token": "another-value"})
    assert (await client.put(SECRET, json=other, params=dry)).headers["berth-result"] == "configured"
    assert (await client.put(SECRET, json=other)).headers["berth-result"] == "configured"


async def test_an_immutable_secret_says_so(client: Client) -> None:
    await client.put(SECRET, json=secret_body(immutable=True))
    answer = await client.put(SECRET, json=secret_body(immutable=True, stringData={"token": "other"}))
    assert answer.status_code == 422
    assert [cause["field"] for cause in answer.json()["causes"]] == ["immutable"]


@pytest.mark.parametrize(
    "body",
    [
        secret_body(data={"token": CANARY}),
        secret_body(data={"token": [CANARY]}),
        secret_body(stringData={"token": {"value": CANARY}}),
        secret_body(data=CANARY),
        secret_body(tokn=CANARY),
        {"kind": "Secret", "metadata": {"name": "mine"}, "data": {"a b": CANARY}},
    ],
)
async def test_a_refusal_does_not_repeat_a_value(
    client: Client, logged: io.StringIO, body: dict[str, object]
) -> None:
    answer = await client.put(SECRET, json=body)
    assert answer.status_code == 422
    assert_no_secret(answer.text + logged.getvalue(), CANARY)
    text = json.dumps(body)
    answer = await client.put(SECRET, content=text, headers={"Content-Type": "application/yaml"})
    assert answer.status_code == 422
    assert_no_secret(answer.text + logged.getvalue(), CANARY)


async def test_no_route_shows_a_secret_and_no_get_changes_anything(
    app: FastAPI,
    client: Client,
    records: SqlRecords,
    connections: Connections,
    stand,
    token: str,
    logged: io.StringIO,
) -> None:
    key = "dokploy-key-0815/4711"
    await declare_target(records, key=key)
    told = (await client.put(SECRET, json=secret_body())).text
    env = [{"name": "API_TOKEN", "secretRef": {"name": "mine", "key": "token"}}]
    told += (await client.put(HELLO, json=session_body(env=env))).text
    await stand(**running())
    connections.dokploy.output = "2026-11-24T12:00:00.000000001Z started\n"
    revision = (await records.list(Session)).revision
    visited = 0
    for method, template in sorted(routes_of(app)):
        if method != "GET" or template == "/api/watch":
            continue
        for plural, name in [*((kind.PLURAL, "hello") for kind in KINDS), ("secrets", "mine")]:
            path = filled(template.replace("{plural}", plural).replace("{name}", name))
            answer = await client.get(path)
            told += answer.text + str(answer.headers)
            visited += 1
            assert answer.status_code in {200, 404}, path
    assert visited > len(OPEN)
    watch = Watch(tuple(KINDS), None, EVERYTHING, None, 15)
    closing = asyncio.Event()
    closing.set()
    told += "".join([str(frame.data) async for frame in Watcher(records, watch, closing, "/").frames()])
    assert '"digests"' in told
    assert_no_secret(told + logged.getvalue(), CANARY, key, token)
    assert (await records.list(Session)).revision == revision


async def test_a_plan_shows_no_secret(client: Client) -> None:
    env = [{"name": "LOG", "value": "debug"}, {"name": "GITHUB_TOKEN", "value": CANARY}]
    answer = await client.post("/api/plan", json=session_body(env=env, image="example/session:2"))
    changes = {change["field"]: (change["before"], change["after"]) for change in answer.json()["changes"]}
    assert changes["spec.env[LOG].value"] == (None, "debug")
    assert changes["spec.env[GITHUB_TOKEN].value"][1].startswith("hmac:")
    assert_no_secret(answer.text, CANARY)


async def test_an_unexpected_error_tells_nothing(
    app: FastAPI, client: Client, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> object:
        raise ValueError(f"SELECT * FROM secret WHERE value = {CANARY!r}, {CANARY}")

    monkeypatch.setattr(app.state.face.operations, "read", broken)
    answer = await client.get(HELLO)
    assert (answer.status_code, answer.json()["reason"]) == (500, "Internal")
    assert_no_secret(answer.text + logged.getvalue(), CANARY)
    (line,) = [json.loads(line) for line in logged.getvalue().splitlines() if "unexpected" in line]
    assert line["error"] == "ValueError"
    assert "test_secrets.py" in "".join(line["trace"])


async def test_a_foreign_answer_is_not_repeated(
    client: Client, records: SqlRecords, connections: Connections, stand
) -> None:
    await declare_target(records)
    await client.put(HELLO, json=session_body())
    await stand(**running())
    connections.dokploy.failure = Failed("application.readLogs", "answered with status 500", status=500)
    answer = await client.get(HELLO + "/logs")
    assert (answer.status_code, answer.json()["reason"]) == (503, "Unavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_the_log_of_a_request_holds_no_token(
    app: FastAPI, client: Client, token: str, logged: io.StringIO
) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://berth") as stranger:
        await stranger.get(f"/api/sessions?token={token}", headers={"Authorization": f"Basic {token}"})
    await client.put(HELLO, json=session_body())
    assert "Declared" in logged.getvalue()
    assert_no_secret(logged.getvalue(), token)
