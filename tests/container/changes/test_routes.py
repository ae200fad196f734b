from __future__ import annotations

import pytest

from container.changes.routes import routes
from tests.container.serving import serving


@pytest.fixture
async def at(world):
    async with serving(routes(world.changes)) as served:
        yield served.http


async def test_a_change_from_writing_to_pushing(world, at):
    world.write("README.md", "mine\n")
    status = (await at.get("/api/changes")).json()
    assert status["branch"] == "main"
    assert status["changes"] == [
        {"path": "README.md", "staged": None, "unstaged": "modified", "original": None}
    ]
    diff = (await at.get("/api/changes/diff", params={"path": "README.md", "side": "unstaged"})).json()
    assert diff["files"] == [{"path": "README.md", "original": None, "added": 1, "deleted": 1}]
    assert "+mine" in diff["text"]
    assert diff["whole"] is True
    staged = await at.post("/api/changes/stage", json={"paths": ["README.md"]})
    assert staged.json()["changes"][0]["staged"] == "modified"
    await at.post("/api/changes/unstage", json={})
    await at.post("/api/changes/stage", json={})
    made = await at.post("/api/changes/commits", json={"message": "Mine"})
    assert made.status_code == 201
    pushed = await at.post("/api/changes/push", json={})
    assert pushed.json()["ahead"] == 0
    log = (await at.get("/api/changes/log", params={"count": 1})).json()["commits"]
    assert [(commit["subject"], commit["pushed"]) for commit in log] == [("Mine", True)]


async def test_branches(world, at):
    made = await at.post("/api/changes/branches", json={"branch": "mine"})
    assert (made.status_code, made.json()["branch"]) == (201, "mine")
    assert (await at.post("/api/changes/switch", json={"branch": "main"})).json()["branch"] == "main"
    names = {branch["name"] for branch in (await at.get("/api/changes/branches")).json()["branches"]}
    assert {"main", "mine", "origin/main"} <= names
    assert (await at.get("/api/changes/repositories")).json() == {"repositories": [""]}


async def test_a_failure_has_its_reason(world, at):
    world.git("remote", "set-url", "origin", "http://127.0.0.1:1/app.git")
    answer = await at.post("/api/changes/fetch", json={})
    assert answer.status_code == 502
    assert answer.json()["error"]["reason"] == "Unreachable"
    world.write(".git/index.lock", "")
    answer = await at.post("/api/changes/stage", json={})
    assert answer.status_code == 409
    assert answer.json()["error"]["reason"] == "Busy"
    assert "index.lock" in answer.json()["error"]["said"]


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "field"),
    [
        ("GET", "?repository=nowhere", None, 404, "repository"),
        ("GET", "/diff?side=left", None, 400, "side"),
        ("GET", "/diff?path=../x", None, 400, "path"),
        ("GET", "/log?count=-1", None, 400, "count"),
        ("POST", "/stage", {"paths": []}, 400, "paths"),
        ("POST", "/stage", {"paths": "README.md"}, 400, "paths"),
        ("POST", "/discard", {}, 400, "path"),
        ("POST", "/discard", {"path": "README.md"}, 409, "path"),
        ("POST", "/commits", {"message": "x", "amend": True}, 400, "amend"),
        ("POST", "/commits", {"message": " "}, 400, "message"),
        ("POST", "/push", {"force": True}, 400, "force"),
        ("POST", "/switch", {"branch": "-f"}, 400, "branch"),
    ],
)
async def test_what_cannot_be_is_named(world, at, method, path, sent, status, field):
    answer = await at.request(method, f"/api/changes{path}", json=sent)
    assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)


async def test_reading_changes_nothing(world, at):
    world.write("README.md", "mine\n")
    before = {path: path.stat().st_mtime_ns for path in world.workspace.rglob("*")}
    for path in ("", "/repositories", "/diff", "/diff?path=README.md", "/log", "/branches"):
        assert (await at.get(f"/api/changes{path}")).status_code == 200
    assert {path: path.stat().st_mtime_ns for path in world.workspace.rglob("*")} == before
    assert world.changed == 0
