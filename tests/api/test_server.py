"""The API as a program: where it listens, how it streams, how it ends."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import structlog
from fastapi import FastAPI
from httpx_sse import aconnect_sse

from api.app import create_app
from api.program import main
from api.server import ApiServer, listen, remove_endpoint, url_of, write_endpoint
from api.settings import ApiSettings
from controller.identity import session_id
from records.sql import SqlRecords
from tests.api.conftest import (
    HELLO,
    Clock,
    Connections,
    Work,
    affects,
    declare_target,
    explain,
    preview,
    running,
    session_body,
)


@pytest.fixture
async def server(
    settings: ApiSettings, records: SqlRecords, connections: Connections, clock: Clock, tmp_path: Path
) -> AsyncIterator[ApiServer]:
    """A real server on a free port."""
    told = settings.model_copy(
        update={"api_endpoint_file": tmp_path / "run" / "api.json", "api_request_timeout_seconds": 0.3}
    )
    made = ApiServer(
        create_app(
            told, records, explain, preview, connections, session_id, Work(), affects=affects, now=clock
        )
    )
    task = asyncio.create_task(made.serve([listen(told)]))
    async with asyncio.timeout(120):
        while not made.url:
            await asyncio.sleep(0.01)
    yield made
    made.should_exit = True
    await task


@pytest.fixture
async def web(server: ApiServer, settings: ApiSettings) -> AsyncIterator[httpx.AsyncClient]:
    token = settings.token_file.read_text().strip()
    async with httpx.AsyncClient(
        base_url=server.url, headers={"Authorization": f"Bearer {token}"}, trust_env=False
    ) as made:
        yield made


async def test_says_where_it_listens(server: ApiServer, tmp_path: Path) -> None:
    endpoint = json.loads((tmp_path / "run" / "api.json").read_text())
    assert endpoint == {"url": server.url, "pid": os.getpid()}
    assert [entry.name for entry in (tmp_path / "run").iterdir()] == ["api.json"]


async def test_streams_changes_until_it_ends(
    server: ApiServer, web: httpx.AsyncClient, tmp_path: Path
) -> None:
    await web.put(HELLO, json=session_body())
    found = []
    parameters = {"kinds": "sessions,events", "namespace": "alice"}
    async with asyncio.timeout(120), aconnect_sse(web, "GET", "/api/watch", params=parameters) as source:
        assert source.response.headers["content-type"].startswith("text/event-stream")
        async for sent in source.aiter_sse():
            found.append((sent.event, sent.id))
            if sent.event == "BOOKMARK":
                await web.put(HELLO, json=session_body(title="Changed"))
            if len(found) == 5:
                metrics = (await web.get("/metrics")).text
                assert "berth_api_watchers 1.0" in metrics
                server.should_exit = True
    # The stream came to its end by itself, in good order: nothing was cut off.
    assert [event for event, _ in found] == ["ADDED", "ADDED", "BOOKMARK", "MODIFIED", "ADDED"]
    assert [int(number) for _, number in found] == [1, 2, 2, 3, 4]


async def test_a_watch_is_taken_up_where_it_was_left(web: httpx.AsyncClient) -> None:
    await web.put(HELLO, json=session_body())
    await web.put(HELLO, json=session_body(title="Changed"))
    headers = {"Last-Event-ID": "1"}
    async with asyncio.timeout(120), aconnect_sse(web, "GET", "/api/watch", headers=headers) as source:
        async for sent in source.aiter_sse():
            assert sent.event == "MODIFIED"
            assert json.loads(sent.data)["object"]["spec"]["title"] == "Changed"
            break


async def no_streams(web: httpx.AsyncClient) -> None:
    async with asyncio.timeout(120):
        while "berth_api_watchers 0.0" not in (await web.get("/metrics")).text:
            await asyncio.sleep(0.02)


async def test_a_client_that_leaves_a_watch_frees_its_place(web: httpx.AsyncClient) -> None:
    async with aconnect_sse(web, "GET", "/api/watch") as source:
        async for _ in source.aiter_sse():
            break
    await no_streams(web)


async def test_a_client_that_leaves_a_silent_log_frees_its_place(
    web: httpx.AsyncClient, records: SqlRecords, stand
) -> None:
    await declare_target(records)
    await web.put(HELLO, json=session_body())
    await stand(**running())
    async with web.stream("GET", HELLO + "/logs", params={"follow": "true"}) as answer:
        assert answer.status_code == 200
        async with asyncio.timeout(120):
            while "berth_api_watchers 1.0" not in (await web.get("/metrics")).text:
                await asyncio.sleep(0.02)
    await no_streams(web)


async def test_a_header_that_does_not_arrive_is_not_waited_for(server: ApiServer) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    whole = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"

    async def send(*parts: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(host, int(port))
        answers = b""
        for part in parts:
            writer.write(part)
            if part.endswith(b"\r\n\r\n"):
                answers += await reader.readuntil(b"ok")
        answers += await reader.read()
        writer.close()
        await writer.wait_closed()
        return answers

    async with asyncio.timeout(120):
        found = await asyncio.gather(send(b""), send(whole[:9]), send(whole, b"GET /l"))
    assert [answer.count(b" 200 ") for answer in found] == [0, 0, 1]


async def test_a_body_that_does_not_arrive_is_not_waited_for(
    server: ApiServer, settings: ApiSettings
) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    token = settings.token_file.read_text().strip()
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (
        f"PUT {HELLO} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 100\r\n\r\n{{"
    )
    writer.write(head.encode())
    async with asyncio.timeout(120):
        answer = await reader.readuntil(b"\r\n")
    assert b" 408 " in answer
    writer.close()
    await writer.wait_closed()


async def test_is_not_ready_without_its_records(app: FastAPI, client, records: SqlRecords) -> None:
    assert (await client.get("/readyz")).status_code == 200
    await records.aclose()
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "Unavailable")
    assert (await client.get("/livez")).status_code == 200
    answer = await client.get("/api/sessions")
    assert (answer.status_code, answer.json()["reason"]) == (503, "Unavailable")
    assert answer.headers["retry-after"]


async def test_counts_by_route_and_never_by_name(client) -> None:
    await client.put(HELLO, json=session_body())
    await client.get(HELLO)
    await client.get("/nowhere/with/a/name")
    text = (await client.get("/metrics")).text
    route = "/api/namespaces/{namespace}/{plural}/{name}"
    assert f'berth_api_requests_total{{method="GET",route="{route}",status="200"}} 1.0' in text
    assert 'berth_api_requests_total{method="(none)",route="(none)",status="404"} 1.0' in text
    assert 'berth_records{kind="Session"} 1.0' in text
    assert "hello" not in text
    assert "nowhere" not in text


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("::1", "http://[::1]:80"),
    ],
)
def test_the_url_is_one_that_can_be_asked(host: str, url: str) -> None:
    assert url_of(host, 80) == url


def test_an_endpoint_of_another_api_stays(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    write_endpoint(path, "http://127.0.0.1:1")
    path.write_text(json.dumps({"url": "http://127.0.0.1:2", "pid": 1}))
    remove_endpoint(path)
    assert path.exists()
    remove_endpoint(tmp_path / "none.json")


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "BERTH_DATABASE_URL": f"sqlite:///{tmp_path}/berth.db",
        "BERTH_KEY_FILE": str(tmp_path / "keys"),
        "BERTH_TOKEN_FILE": str(tmp_path / "token"),
        "BERTH_API_ENDPOINT_FILE": str(tmp_path / "api.json"),
        **more,
    }


@pytest.mark.e2e
async def test_the_program_starts_answers_and_ends(tmp_path: Path) -> None:
    tokens = set()
    for number in (signal.SIGTERM, signal.SIGINT):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "api"),
            env=environment(tmp_path),
            cwd=Path(__file__).parents[2],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        endpoint = tmp_path / "api.json"
        async with asyncio.timeout(120):
            while not endpoint.exists():
                assert process.returncode is None, (await process.stdout.read()).decode()
                await asyncio.sleep(0.02)
        told = json.loads(endpoint.read_text())
        assert told["pid"] == process.pid
        token = (tmp_path / "token").read_text().strip()
        tokens.add(token)
        async with httpx.AsyncClient(
            base_url=told["url"], headers={"Authorization": f"Bearer {token}"}, trust_env=False
        ) as web:
            assert (await web.get("/api/version")).json()["identity"]["name"] == "admin"
            answer = await web.post("/api/plan", json=session_body())
            assert answer.json()["plan"]["why"]
            async with web.stream("GET", "/api/watch") as stream:
                assert stream.status_code == 200
                process.send_signal(number)
                await stream.aread()
        async with asyncio.timeout(120):
            output = (await process.stdout.read()).decode()
            assert await process.wait() == 0
        assert not endpoint.exists()
        assert token not in output
        assert "Traceback" not in output
    assert len(tokens) == 1


@pytest.fixture
def plain_logging() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


@pytest.mark.usefixtures("plain_logging")
@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ({"BERTH_API_PORT": "70000"}, 2, "BERTH_API_PORT"),
        ({"BERTH_LOG_LEVEL": "loud"}, 2, "BERTH_LOG_LEVEL"),
        ({"BERTH_DATABASE_URL": "mysql://x"}, 2, "cannot start"),
        ({"BERTH_TOKEN_FILE": "/dev/null/token"}, 2, "/dev/null/token"),
        ({"BERTH_API_HOST": "192.0.2.1"}, 1, "set BERTH_API_HOST"),
        ({"BERTH_API_PORT": "taken"}, 1, "already in use"),
    ],
)
def test_the_program_says_what_is_wrong(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: dict[str, str],
    code: int,
    words: str,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for name, value in environment(tmp_path, **more).items():
            monkeypatch.setenv(name, port if value == "taken" else value)
        assert main() == code
    output = capsys.readouterr().err
    assert words in output
    assert "Traceback" not in output
