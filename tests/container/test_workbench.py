"""Terminals, files, changes and previews in the app of one session, for whoever entered."""

from __future__ import annotations

import asyncio
import http.client
import json
import statistics
import threading
import time
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect as connect_here

from container.app import build_app
from container.environment import read_settings
from container.given import Secrets
from container.session import open_session
from tests.container.conftest import SESSION_ID, TOKEN_KEY, entered, git, until
from tests.container.serving import serving

PATHS = [
    "/api/terminals",
    "/api/terminals/x",
    "/api/tree",
    "/api/tree/file?path=a",
    "/api/tree/download",
    "/api/changes",
    "/api/changes/diff",
    "/api/previews",
    "/preview/3000/",
]


@asynccontextmanager
async def session_app(root, headers=None, **environ):
    variables = {
        "SESSION_ID": SESSION_ID,
        "WORKSPACE_PATH": str(root / "workspace"),
        "DATABASE_PATH": str(root / "data" / "c.db"),
        "BERTH_SESSION_NAMESPACE": "alice",
        **environ,
    }
    session = open_session(read_settings(variables, first=False), Secrets(token_key=TOKEN_KEY))
    try:
        async with serving(build_app(session)) as served:
            served.http.headers.update(entered() if headers is None else headers)
            yield session, served
    finally:
        await session.aclose()


@pytest.fixture
def workspace(tmp_path, bare):
    git("clone", "-q", f"file://{bare}", str(tmp_path / "workspace"))
    return tmp_path / "workspace"


async def test_whoever_has_not_entered_reaches_none_of_it(tmp_path, workspace):
    async with session_app(tmp_path, headers={}) as (session, served):
        for path in PATHS:
            assert (await served.http.get(path)).status_code == 401, path
        terminal = await session.terminals.open()
        with pytest.raises(InvalidStatus):
            await connect(served.ws(f"/api/terminals/{terminal.id}/socket"))
        assert (await served.http.get("/healthz")).status_code == 200
        address = session.previews.address(9999)
        assert (await served.http.get(address)).status_code == 502, "its key lets it in"


@pytest.mark.parametrize("origin", ["null", "https://evil.example.com", "http://127.0.0.1:1", ""])
async def test_a_page_of_another_origin_changes_nothing(tmp_path, workspace, origin):
    async with session_app(tmp_path) as (session, served):
        terminal = await session.terminals.open()
        headers = {"origin": origin}
        for method, path, sent in (
            ("POST", "/api/terminals", {"json": {}}),
            ("DELETE", f"/api/terminals/{terminal.id}", {}),
            ("PUT", "/api/tree/upload?path=x", {"content": b"x"}),
            ("DELETE", "/api/tree?path=README.md", {}),
            ("POST", "/api/changes/stage", {"json": {}}),
            ("OPTIONS", "/api/changes/stage", {}),
        ):
            answer = await served.http.request(method, path, headers=headers, **sent)
            assert answer.status_code == 403, path
        socket = served.ws(f"/api/terminals/{terminal.id}/socket")
        with pytest.raises(InvalidStatus):
            await connect(socket, origin=origin, additional_headers=entered())
        assert len(session.terminals.all()) == 1
        assert (workspace / "README.md").exists()
        assert not (workspace / "x").exists()


async def test_a_page_of_ours_may_and_what_is_no_page(tmp_path, workspace):
    async with session_app(tmp_path) as (_, served):
        for headers in ({}, {"origin": f"http://127.0.0.1:{served.port}"}):
            made = await served.http.post("/api/terminals", json={}, headers=headers)
            assert made.status_code == 201
            path = f"/api/terminals/{made.json()['id']}/socket"
            socket = served.ws(path)
            async with connect(socket, origin=headers.get("origin"), additional_headers=entered()):
                pass


async def test_answers_are_kept_from_other_pages(tmp_path, workspace):
    async with session_app(tmp_path) as (session, served):
        for path in PATHS:
            headers = (await served.http.get(path)).headers
            assert headers["cross-origin-resource-policy"] == "same-origin"
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"
            assert "access-control-allow-origin" not in headers
        preview = (await served.http.get(session.previews.address(9))).headers
        assert preview.get_list("content-security-policy")[0].startswith("sandbox ")
        assert len(preview.get_list("content-security-policy")) == 1


async def test_what_counts_as_activity(tmp_path, workspace):
    async with session_app(tmp_path) as (session, served):
        for path in PATHS:
            await served.http.get(path)
        terminal = await session.terminals.open()
        assert session.journal.activity is None
        await served.http.put("/api/tree/file?path=new", content="x", headers={"if-none-match": "*"})
        assert session.journal.activity["source"] == "person"
        session.terminals.write(terminal.id, b"true\n")
        assert session.journal.activity["source"] == "terminal"


async def test_a_change_is_seen_in_the_work_at_once(tmp_path, workspace):
    async with session_app(tmp_path) as (session, served):
        await session.prepare(Secrets())

        async def work(state):
            async with asyncio.timeout(120):
                while session.work.saved.value != state:
                    await asyncio.sleep(0.01)

        await work("Clean")
        await served.http.put("/api/tree/file?path=new", content="x", headers={"if-none-match": "*"})
        await work("Unsaved")
        await served.http.post("/api/changes/stage", json={})
        await served.http.post("/api/changes/commits", json={"message": "new"})
        await served.http.post("/api/changes/push", json={})
        await work("Clean")
        assert git("log", "-1", "--format=%an <%ae>", cwd=workspace) == "A <a@example.com>"


def resident(program):
    return int(Path(f"/proc/{program}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


def test_a_flood_in_a_terminal_leaves_the_app_quick_and_small(start, workspace):
    container = start().serving()
    with closing(http.client.HTTPConnection("127.0.0.1", container.port, timeout=60)) as connection:
        flood(container, connection)
    began = time.monotonic()
    assert container.end() == 0
    assert time.monotonic() - began < 60


def flood(container, connection):
    """100 MB of output, read by a page as it comes."""

    def ask(method, path, body=None):
        headers = {**entered(), **({"content-type": "application/json"} if body else {})}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return json.loads(answer.read())

    def milliseconds():
        asked = time.perf_counter()
        ask("GET", "/healthz")
        return (time.perf_counter() - asked) * 1000

    id_ = ask("POST", "/api/terminals", "{}")["id"]
    socket = f"ws://127.0.0.1:{container.port}/api/terminals/{id_}/socket"
    with connect_here(socket, additional_headers=entered()) as page, read_by(page) as position:
        page.send(b"head -c 5000000 /dev/zero\n")
        until(lambda: ask("GET", f"/api/terminals/{id_}")["start"] > 0, "a full scrollback")
        before, began = resident(container.program.pid), time.monotonic()
        page.send(b"head -c 100000000 /dev/zero\n")
        times = []
        while position() < 105_000_000:
            times.append(milliseconds())
            time.sleep(0.005)
        rate = 100 / (time.monotonic() - began)
        after = resident(container.program.pid)
        page.send(b"yes\n")  # it goes on, to the end of the container
    median = min(statistics.median(times[at : at + 100]) for at in range(0, len(times), 100))
    print(f"{rate:.1f} MB/s; /healthz {median:.1f} ms; resident {before:.0f} to {after:.0f} MiB")
    assert median < 5
    assert after - before < 10


@contextmanager
def read_by(page):
    """Read what comes, in the background; how much it was."""
    read = 0

    def run():
        nonlocal read
        with suppress(ConnectionClosed):
            for message in page:
                read += len(message) if isinstance(message, bytes) else 0

    reading = threading.Thread(target=run)
    reading.start()
    yield lambda: read
    page.close()
    reading.join()


def test_a_whole_container_serves_it(start, bare):
    container = start(BERTH_REPOSITORY_URL=f"file://{bare}").serving()
    container.workspace_state("Ready")
    assert json.loads(container.request("/api/changes")[2])["branch"] == "main"
    names = {entry["name"] for entry in json.loads(container.request("/api/tree")[2])["entries"]}
    assert {"README.md", "lib"} <= names
    print(f"resident {resident(container.program.pid):.0f} MiB")
