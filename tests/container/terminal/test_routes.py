from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from container.terminal.routes import routes
from tests.container.serving import serving
from tests.container.terminal.test_terminals import opened


@asynccontextmanager
async def served(root):
    async with opened(root) as world, serving(routes(world.terminals)) as at:
        yield world, at


async def read(socket, expected):
    """(Controls, output) up to the expected output."""
    controls, output = [], b""
    while expected not in output:
        message = await asyncio.wait_for(socket.recv(), 120)
        if isinstance(message, bytes):
            output += message
        else:
            controls.append(json.loads(message))
    return controls, output


async def drain(socket):
    while True:
        await socket.recv()


async def test_from_opening_to_closing(tmp_path):
    async with served(tmp_path) as (_, at):
        made = await at.http.post("/api/terminals", json={"name": "build", "rows": 30})
        assert made.status_code == 201
        assert (made.json()["name"], made.json()["rows"], made.json()["columns"]) == ("build", 30, 80)
        path = f"/api/terminals/{made.json()['id']}"
        changed = await at.http.patch(path, json={"columns": 100, "name": "logs"})
        assert (changed.json()["name"], changed.json()["rows"], changed.json()["columns"]) == (
            "logs",
            30,
            100,
        )
        listed = (await at.http.get("/api/terminals")).json()["terminals"]
        assert [terminal["id"] for terminal in listed] == [made.json()["id"]]
        assert (await at.http.delete(path)).status_code == 204
        assert (await at.http.get(path)).status_code == 404
        assert (await at.http.get("/api/terminals")).json() == {"terminals": []}


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"json": {"rows": 0}}, "rows"),
        ({"json": {"rows": "24"}}, "rows"),
        ({"json": {"shell": "/bin/sh"}}, "shell"),
        ({"json": {"name": "a\nb"}}, "name"),
        ({"content": b"{}", "headers": {"content-type": "text/plain"}}, "Content-Type"),
    ],
)
async def test_what_cannot_be_is_named(tmp_path, sent, field):
    async with served(tmp_path) as (world, at):
        answer = await at.http.post("/api/terminals", **sent)
        assert answer.status_code == 400
        assert answer.json()["error"]["field"] == field
        assert answer.json()["error"]["message"]
        assert world.terminals.all() == ()


async def test_a_socket_types_shows_resizes_and_tells_the_end(tmp_path):
    async with served(tmp_path) as (world, at):
        id_ = await world.open()
        async with connect(at.ws(f"/api/terminals/{id_}/socket")) as socket:
            await socket.send(json.dumps({"type": "resize", "rows": 33, "columns": 111}))
            await socket.send(b"stty size\n")
            controls, output = await read(socket, b"33 111")
            assert controls == [{"type": "position", "position": 0, "lost": 0}]
            assert b"ready" in output
            await socket.send(b"exit 7\n")
            told = [message async for message in socket]
            assert json.loads(told[-1]) == {"type": "exit", "code": 7, "signal": None}
            assert socket.close_code == 1000


async def test_a_socket_that_comes_back_goes_on_where_it_was(tmp_path):
    async with served(tmp_path) as (world, at):
        id_ = await world.open()
        async with connect(at.ws(f"/api/terminals/{id_}/socket")) as socket:
            _, output = await read(socket, b"ready\r\n")
        world.type(id_, "echo mis''sed\n")
        await world.printed(id_, b"missed")
        async with connect(at.ws(f"/api/terminals/{id_}/socket?after={len(output)}")) as socket:
            controls, output = await read(socket, b"missed")
        assert output == b"missed\r\n"
        assert controls[0]["lost"] == 0


@pytest.mark.parametrize(
    ("path", "field"),
    [("nowhere/socket", "id"), ("{id}/socket?after=999999999", "after"), ("{id}/socket?after=x", "after")],
)
async def test_a_socket_that_cannot_be_says_why(tmp_path, path, field):
    async with served(tmp_path) as (world, at):
        id_ = await world.open()
        async with connect(at.ws("/api/terminals/" + path.format(id=id_))) as socket:
            assert json.loads(await socket.recv())["error"]["field"] == field
            with pytest.raises(ConnectionClosed) as caught:
                await socket.recv()
            assert caught.value.rcvd.code == 4000


async def test_a_wrong_word_on_the_socket_is_named_and_ends_nothing(tmp_path):
    async with served(tmp_path) as (world, at):
        id_ = await world.open()
        async with connect(at.ws(f"/api/terminals/{id_}/socket")) as socket:
            for word, field in (
                ("hello", ""),
                ('{"type": "resize", "rows": 1}', "columns"),
                ('{"type": "reset", "rows": 1, "columns": 1}', "type"),
                ('{"type": "resize", "rows": 0, "columns": 1}', "rows"),
            ):
                await socket.send(word)
                message = b""
                while isinstance(message, bytes) or "error" not in message:
                    message = await socket.recv()
                assert json.loads(message)["error"]["field"] == field
            await socket.send(b"echo still the''re\n")
            await read(socket, b"still there")


async def test_a_terminal_that_is_closed_closes_its_sockets(tmp_path):
    async with served(tmp_path) as (world, at):
        id_ = await world.open()
        async with connect(at.ws(f"/api/terminals/{id_}/socket")) as socket:
            await read(socket, b"ready")
            await world.terminals.close(id_)
            async with asyncio.timeout(120):
                with pytest.raises(ConnectionClosed):
                    await drain(socket)


async def test_a_socket_that_goes_leaves_the_shell_and_no_watcher(tmp_path):
    async with served(tmp_path) as (world, at):
        id_ = await world.open()
        async with connect(at.ws(f"/api/terminals/{id_}/socket")) as socket:
            await read(socket, b"ready")
            world.type(id_, "yes\n")
            await read(socket, b"y\r\ny\r\n")
        terminal = world.terminals._terminals[id_]
        for _ in range(1000):
            if not terminal._readers:
                break
            await asyncio.sleep(0.005)
        assert not terminal._readers
        assert terminal.running
