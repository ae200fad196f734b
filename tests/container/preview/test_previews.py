"""A program of the workspace behind the app: real servers, real sockets."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from container.preview import proxy, tunnel
from container.preview.addresses import Passing
from container.preview.previews import Previews
from container.preview.routes import keyed_routes, routes
from tests.container.serving import serving

METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS"]


async def echo(request: Request) -> Response:
    body = await request.body()
    told = {
        "method": request.method,
        "path": request.scope["raw_path"].decode(),
        "query": request.scope["query_string"].decode(),
        "headers": dict(request.headers),
        "body": len(body),
    }
    answer = JSONResponse(told, headers={"x-program": "yes", "etag": '"1"'})
    answer.set_cookie("berth", "stolen")
    answer.set_cookie("second", "x")
    return answer


async def unchanged(_: Request) -> Response:
    return Response(status_code=304, headers={"etag": '"1"', "x-name": "\xc5\xbe"})


async def stream(_: Request) -> Response:
    async def chunks():
        yield b"one"
        await asyncio.sleep(30)

    return StreamingResponse(chunks())


async def talk(websocket):
    await websocket.accept(websocket.scope["subprotocols"][0] if websocket.scope["subprotocols"] else None)
    await websocket.send_json(
        dict(websocket.headers) | {"path": websocket.url.path, "q": websocket.url.query}
    )
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("text") == "close":
            await websocket.close(4321, "as asked")
            return
        await websocket.send({**message, "type": "websocket.send"})


async def refuse(websocket):
    await websocket.close()


PROGRAM = Starlette(
    routes=[
        Route("/moved", lambda _: RedirectResponse("/there")),
        Route("/plain", lambda _: PlainTextResponse("x" * 1000)),
        Route("/stream", stream),
        Route("/unchanged", unchanged),
        WebSocketRoute("/ws", talk),
        WebSocketRoute("/no", refuse),
        Route("/{path:path}", echo, methods=METHODS),
    ]
)


class World:
    def __init__(self, app, program, previews):
        self.http = app.http
        self.app = app
        self.port = program.port
        self.previews = previews

    def at(self, path="", passing=Passing.SHORT, port=None):
        return self.previews.address(port or self.port, passing) + path


@asynccontextmanager
async def world(**options):
    previews = Previews({}, console_origin="https://berth.example.com")
    app = Starlette(routes=[*keyed_routes(previews), *routes(previews)])
    async with serving(PROGRAM) as program, serving(app) as served:
        try:
            yield World(served, program, previews)
        finally:
            await previews.aclose()


async def test_a_request_goes_through_as_it_is():
    async with world() as of:
        answer = await of.http.put(
            of.at("a%2Fb/c%20d;x?q=1&q=%E2%82%AC"), content=b"z" * 300_000, headers={"cookie": "berth=1"}
        )
        told = answer.json()
        assert (told["method"], told["path"], told["query"]) == ("PUT", "/a%2Fb/c%20d;x", "q=1&q=%E2%82%AC")
        assert told["body"] == 300_000
        assert told["headers"]["host"] == f"localhost:{of.port}"
        assert told["headers"]["x-forwarded-prefix"] == of.at().rstrip("/")
        assert "cookie" not in told["headers"]
        assert answer.headers["x-program"] == "yes"
        assert "set-cookie" not in answer.headers
        assert (await of.http.get(of.at())).json()["path"] == "/"


async def test_answers_without_a_body_and_headers_of_any_bytes():
    async with world() as of:
        head = await of.http.head(of.at("plain"))
        assert (head.status_code, head.headers["content-length"], head.content) == (200, "1000", b"")
        unchanged_ = await of.http.get(of.at("unchanged"), headers=[(b"x-a", b"\xc5\xbe")])
        assert (unchanged_.status_code, unchanged_.headers["etag"]) == (304, '"1"')
        assert dict(unchanged_.headers.raw)[b"x-name"] == b"\xc5\xbe"
        told = await of.http.get(of.at("x"), headers=[(b"x-a", b"\xc5\xbe")])
        assert told.json()["headers"]["x-a"] == "\xc5\xbe"


async def test_a_program_that_knows_its_prefix_gets_the_whole_address():
    async with world() as of:
        address = of.at("a", Passing.WHOLE)
        assert (await of.http.get(address)).json()["path"] == address
        assert (await of.http.get(of.at("moved"))).headers["location"] == of.at("there")


async def test_every_answer_is_in_the_sandbox():
    async with world() as of:
        for path in ("plain", "moved", "nowhere", "stream"):
            async with of.http.stream("GET", of.at(path)) as answer:
                policies = answer.headers.get_list("content-security-policy")
                assert any(policy.startswith("sandbox ") for policy in policies), path
                assert "allow-same-origin" not in " ".join(policies)
                assert answer.headers["referrer-policy"] == "no-referrer"
        for answer in (
            await of.http.get(of.at(port=9)),
            await of.http.options(
                of.at(), headers={"origin": "null", "access-control-request-method": "PUT"}
            ),
        ):
            assert answer.headers["content-security-policy"].startswith("sandbox ")


async def test_a_page_in_the_sandbox_reads_its_own_server_and_no_other_page_does():
    async with world() as of:
        answer = await of.http.get(of.at("x"), headers={"origin": "null"})
        assert answer.headers["access-control-allow-origin"] == "null"
        assert "x-program" in answer.headers["access-control-expose-headers"]
        assert answer.json()["headers"]["origin"] == f"http://localhost:{of.port}"
        asked = {
            "origin": "null",
            "access-control-request-method": "PUT",
            "access-control-request-headers": "x-a",
        }
        allowed = await of.http.options(of.at("x"), headers=asked)
        assert allowed.status_code == 204
        assert allowed.headers["access-control-allow-origin"] == "null"
        assert allowed.headers["access-control-allow-methods"] == "PUT"
        assert allowed.headers["access-control-allow-headers"] == "x-a"
        strange = await of.http.get(of.at("x"), headers={"origin": "https://evil.example.com"})
        assert "access-control-allow-origin" not in strange.headers
        own = await of.http.options(of.at("x"))
        assert own.json()["method"] == "OPTIONS"


async def test_an_address_without_its_key_leads_nowhere_but_to_the_guarded_one():
    async with world() as of:
        led = await of.http.get(f"/preview/{of.port}/a%2Fb?c=d")
        assert led.status_code == 307
        assert led.headers["location"] == of.at("a%2Fb?c=d")
        assert (await of.http.get(f"/preview/{of.port}")).headers["location"] == of.at()
        for port in ("0", "65536", "x", "99999999999"):
            assert (await of.http.get(f"/preview/{port}/")).json()["error"]["field"] == "port"
        assert (await of.http.post(f"/preview/{of.port}/a")).status_code == 405
        wrong = of.at().replace(of.at().split("/")[3], "0" * 32)
        assert (await of.http.get(wrong + "a")).status_code == 307


async def test_the_app_is_no_preview_of_itself():
    async with world() as of:
        answer = await of.http.get(of.at(port=of.app.port))
        assert answer.status_code == 403
        assert "the app's own" in answer.text


async def test_a_low_port_is_shown_only_if_it_is_ours(monkeypatch):
    async with world() as of:
        answer = await of.http.get(of.at(port=22))
        assert answer.status_code == 403
        assert "below 1024" in answer.text
        monkeypatch.setattr("container.preview.previews._FIRST_FREE", of.port + 1)
        assert (await of.http.get(of.at())).status_code == 403, "it is listened on by the app's own program"


async def test_nothing_listens_there():
    async with world() as of:
        answer = await of.http.get(of.at(port=9999))
        assert answer.status_code == 502
        assert answer.text == "Port 9999 is not listened on; start the program first.\n"


async def test_a_program_on_ipv6_alone_is_reached():
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nv6")
        await writer.drain()
        writer.close()

    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        server = await asyncio.start_server(answer, "::1", 0)
    except OSError:
        pytest.skip("no IPv6 here")
    async with world() as of:
        assert (await of.http.get(of.at(port=server.sockets[0].getsockname()[1]))).text == "v6"
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n"])
async def test_a_program_that_speaks_no_http(said):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with world() as of:
        told = await of.http.get(of.at(port=server.sockets[0].getsockname()[1]))
        assert told.status_code == 502
        assert "does not answer as it should" in told.text
    server.close()
    await server.wait_closed()


async def test_a_program_that_says_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(proxy, "FIRST_WORD", 0.2)

    async def silent(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with world() as of:
        assert (await of.http.get(of.at(port=server.sockets[0].getsockname()[1]))).status_code == 502
    server.close()
    await server.wait_closed()


async def test_an_answer_comes_as_it_is_made_and_ends_with_its_reader():
    async with world() as of:
        async with asyncio.timeout(120), of.http.stream("GET", of.at("stream")) as answer:
            chunks = answer.aiter_raw()
            assert await anext(chunks) == b"one"
        pool = of.previews._proxy._client._transport._pool
        for _ in range(500):
            if not [c for c in pool.connections if not c.is_idle()]:
                break
            await asyncio.sleep(0.01)
        assert not [c for c in pool.connections if not c.is_idle()]


async def test_a_socket_goes_through_both_ways():
    async with world() as of:
        async with connect(
            of.app.ws(of.at("ws?a=%20b")),
            subprotocols=["vite-hmr"],
            origin="null",
            additional_headers={"cookie": "berth=1"},
        ) as socket_:
            assert socket_.subprotocol == "vite-hmr"
            told = json.loads(await socket_.recv())
            assert (told["path"], told["q"]) == ("/ws", "a=%20b")
            assert told["host"] == f"localhost:{of.port}"
            assert told["origin"] == f"http://localhost:{of.port}"
            assert "cookie" not in told
            for message in ("text ž", b"\x00\xff", "", "x" * 500_000):
                await socket_.send(message)
                assert await socket_.recv() == message
            await socket_.send("close")
            with pytest.raises(ConnectionClosed) as caught:
                await socket_.recv()
            assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (4321, "as asked")
        assert of.previews._tunnels._open == 0


async def test_a_socket_that_the_program_refuses_or_nobody_takes(monkeypatch):
    async with world() as of:
        for path in (of.at("no"), of.at(port=9999), of.at(port=of.app.port)):
            with pytest.raises(InvalidStatus) as caught:
                await connect(of.app.ws(path))
            assert caught.value.response.status_code == 403
        monkeypatch.setattr(tunnel, "MAX_TUNNELS", 0)
        with pytest.raises(InvalidStatus):
            await connect(of.app.ws(of.at("ws")))
        with pytest.raises(InvalidStatus):
            await connect(of.app.ws(f"/preview/{of.port}/ws"))


LISTENS = """
import socket, time
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    time.sleep(100)
"""


@pytest.fixture
def listen():
    """Starts programs that listen; gives their ports."""
    started = []

    def start(environ):
        words = [sys.executable, "-c", LISTENS]
        started.append(subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, text=True))
        return int(started[-1].stdout.readline())

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


async def test_ports_that_the_sessions_programs_listen_on(tmp_path, listen):
    environ = {"PATH": os.environ["PATH"], "SESSION_ID": "s-1", "DATABASE_PATH": str(tmp_path / "c.db")}
    own = listen(environ)
    listen({**environ, "SESSION_ID": "s-2"})
    listen({"PATH": environ["PATH"]})
    previews = Previews(environ, console_origin=None)
    async with serving(routes(previews)) as served:
        began = time.perf_counter()
        [told] = (await served.http.get("/api/previews")).json()["previews"]
        print(f"{(time.perf_counter() - began) * 1000:.0f} ms")
    assert told == {
        "port": own,
        "program": told["program"],
        "short": previews.address(own),
        "whole": previews.address(own, Passing.WHOLE),
    }
    assert told["program"].startswith("python")


async def test_many_at_once_and_no_more(monkeypatch):
    monkeypatch.setattr(proxy, "MAX_CONNECTIONS", 2)
    monkeypatch.setattr(proxy, "_POOL", 0.2)
    async with world() as of:
        async with of.http.stream("GET", of.at("stream")), of.http.stream("GET", of.at("stream")):
            answer = await of.http.get(of.at("plain"))
        assert answer.status_code == 502
        assert "too many requests" in answer.text
        results = await asyncio.gather(*(of.http.get(of.at("plain")) for _ in range(10)))
        assert {result.status_code for result in results} == {200}


def test_it_is_not_loaded_before_it_is_used():
    code = (
        "import sys, container.preview.routes; "
        "print(any(name.split('.')[0] in {'httpx', 'websockets'} for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert httpx
