"""Who may ask: nobody without the token, on any route (laws S3, S10)."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.token import TokenError, read_or_make_token

OPEN = {"/livez", "/readyz"}
EXPECTED = {
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/api/version"),
    ("GET", "/api/watch"),
    ("POST", "/api/plan"),
    ("GET", "/api/events"),
    ("GET", "/api/namespaces/{namespace}/events"),
    ("GET", "/api/namespaces/{namespace}/sessions/{name}/why"),
    ("GET", "/api/namespaces/{namespace}/sessions/{name}/logs"),
    ("POST", "/api/namespaces/{namespace}/sessions/{name}/entry"),
    ("POST", "/api/namespaces/{namespace}/sessions/{name}/{verb}"),
    ("GET", "/api/targets/{name}/sweep"),
    ("POST", "/api/targets/{name}/sweep"),
    ("POST", "/api/targets/{name}/accept-absence"),
    ("GET", "/api/{plural}"),
    ("POST", "/api/{plural}"),
    ("GET", "/api/{plural}/{name}"),
    ("PUT", "/api/{plural}/{name}"),
    ("DELETE", "/api/{plural}/{name}"),
    ("GET", "/api/namespaces/{namespace}/{plural}"),
    ("POST", "/api/namespaces/{namespace}/{plural}"),
    ("GET", "/api/namespaces/{namespace}/{plural}/{name}"),
    ("PUT", "/api/namespaces/{namespace}/{plural}/{name}"),
    ("DELETE", "/api/namespaces/{namespace}/{plural}/{name}"),
    ("POST", "/api/{plural}/{name}/undelete"),
    ("POST", "/api/namespaces/{namespace}/{plural}/{name}/undelete"),
}


def routes_of(app: FastAPI) -> set[tuple[str, str]]:
    """Every route that the application answers, however its routers are nested."""
    found: set[tuple[str, str]] = set()

    def walk(routes: object, depth: int = 0) -> None:
        for route in routes:
            if isinstance(route, APIRoute):
                found.update((method, route.path) for method in route.methods)
                continue
            inner = getattr(route, "routes", None) or getattr(
                getattr(route, "original_router", None), "routes", None
            )
            assert inner is not None, f"a route of an unknown kind: {route!r}"
            walk(inner, depth + 1)

    walk(app.routes)
    return found


def filled(path: str) -> str:
    values = {"namespace": "alice", "plural": "sessions", "name": "hello", "verb": "stop"}
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], path)


def test_the_routes_are_the_ones_the_contract_names(app: FastAPI) -> None:
    assert routes_of(app) == EXPECTED


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic dXNlcjpwYXNz", "bearer\twrong", "Bearer \xe9"],
)
async def test_no_route_answers_without_the_token(app: FastAPI, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://berth") as stranger:
        for method, path in sorted(routes_of(app)):
            answer = await stranger.request(method, filled(path), headers=headers)
            if path in OPEN:
                assert answer.status_code == 200, path
                continue
            assert answer.status_code == 401, (method, path)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["reason"] == "Unauthorized"


async def test_the_token_is_the_admin(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.get("/api/version")
    body = answer.json()
    assert body["identity"] == {"name": "admin", "role": "admin"}
    assert body["records"] == "sqlite"
    assert body["version"]
    assert len(body["instance"]) == 8
    assert token not in answer.text


def test_the_token_is_made_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "token"
    token = read_or_make_token(path)
    assert len(token) >= 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_or_make_token(path) == token
    assert [entry.name for entry in path.parent.iterdir()] == ["token"]


def test_a_token_file_without_a_token_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("short\n")
    with pytest.raises(TokenError, match="delete the file"):
        read_or_make_token(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(TokenError, match="cannot be read"):
        read_or_make_token(path)
