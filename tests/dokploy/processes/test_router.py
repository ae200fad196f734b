"""The front door: plain requests, WebSockets, streams, and what is not there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from dokploy.local.router import Router

from .conftest import until

Upstream = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Table:
    """Routes by hand."""

    def __init__(self) -> None:
        self.hosts: dict[str, tuple[str, int]] = {}
        self.addresses: dict[str, tuple[str, int]] = {}

    def routes(self) -> dict[str, tuple[str, int]]:
        return self.hosts

    def container_address(self, app_name: str) -> tuple[str, int] | None:
        return self.addresses.get(app_name)


class World:
    """A router and the servers behind it."""

    def __init__(self) -> None:
        self.table = Table()
        self.router = Router(self.table)
        self.port = 0
        self.servers: list[asyncio.Server] = []

    async def serve(self, host: str, upstream: Upstream) -> None:
        server = await asyncio.start_server(upstream, "127.0.0.1", 0)
        self.servers.append(server)
        self.table.hosts[host] = (f"app-{host}", 3000)
        self.table.addresses[f"app-{host}"] = server.sockets[0].getsockname()[:2]

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, request: bytes) -> bytes:
        reader, writer = await self.connect()
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), 120)
        writer.close()
        return answer


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    made.port = await made.router.start("127.0.0.1", 0)
    yield made
    await made.router.aclose()
    for server in made.servers:
        server.close()


async def head_of(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def answering(body: bytes) -> Upstream:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body + head) + body + head)
        await writer.drain()
        writer.close()

    return answer


def a_request(host: str, more: str = "") -> bytes:
    return f"GET /x?y=1 HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode()


async def test_the_host_decides_whatever_its_case_and_port(world: World) -> None:
    await world.serve("one.example.com", answering(b"one "))
    await world.serve("two.example.com", answering(b"two "))
    assert b"\r\n\r\none GET /x?y=1 HTTP/1.1" in await world.ask(a_request("ONE.example.com:8080"))
    assert b"\r\n\r\ntwo GET" in await world.ask(a_request("two.example.com"))


async def test_the_container_learns_who_asked_and_cannot_be_lied_to(world: World) -> None:
    await world.serve("one.example.com", answering(b""))
    said = await world.ask(a_request("one.example.com:80", "X-Forwarded-Host: evil\r\nCookie: a=b\r\n"))
    assert b"X-Forwarded-Host: one.example.com\r\n" in said
    assert b"X-Forwarded-For: 127.0.0.1\r\n" in said
    assert b"Host: one.example.com:80\r\n" in said
    assert b"Cookie: a=b\r\n" in said
    assert b"evil" not in said


async def test_a_connection_never_carries_a_request_to_another_host(world: World) -> None:
    await world.serve("one.example.com", answering(b"one "))
    await world.serve("two.example.com", answering(b"two "))
    both = a_request("one.example.com", "Connection: keep-alive\r\n") + a_request("two.example.com")
    answer = await world.ask(both)
    assert answer.count(b"HTTP/1.1 200") == 1
    assert b"Connection: close\r\n" in answer


async def test_an_unknown_host_is_404_and_a_missing_container_503_or_502(world: World) -> None:
    assert (await world.ask(a_request("nobody.example.com"))).startswith(b"HTTP/1.1 404 ")
    world.table.hosts["gone.example.com"] = ("gone", 3000)
    missing = await world.ask(a_request("gone.example.com"))
    assert missing.startswith(b"HTTP/1.1 503 ")
    assert b'http-equiv="refresh"' in missing
    world.table.addresses["gone"] = ("127.0.0.1", 1)
    assert (await world.ask(a_request("gone.example.com"))).startswith(b"HTTP/1.1 502 ")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\nHost: a\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"431"),
    ],
)
async def test_a_bad_head_is_refused(world: World, request_bytes: bytes, status: bytes) -> None:
    assert (await world.ask(request_bytes)).split(b" ")[1] == status


async def test_an_upgraded_connection_passes_both_ways(world: World) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await head_of(reader)
        assert b"Upgrade: websocket\r\n" in head
        assert b"Connection: Upgrade\r\n" in head
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    await world.serve("ws.example.com", echo)
    reader, writer = await world.connect()
    writer.write(a_request("ws.example.com", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"))
    assert b"101" in await head_of(reader)
    for frame in (b"\x81\x05hello", b"\x00\xff", b"more"):
        writer.write(frame)
        assert await asyncio.wait_for(reader.readexactly(len(frame)), 120) == frame
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 120) == b""
    writer.close()


async def test_events_arrive_one_by_one(world: World) -> None:
    proceed = asyncio.Event()

    async def events(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n")
        await writer.drain()
        await proceed.wait()
        writer.write(b"data: 2\n\n")
        writer.close()

    await world.serve("sse.example.com", events)
    reader, writer = await world.connect()
    writer.write(a_request("sse.example.com"))
    await head_of(reader)
    assert await asyncio.wait_for(reader.readuntil(b"\n\n"), 120) == b"data: 1\n\n"
    proceed.set()
    assert await asyncio.wait_for(reader.read(), 120) == b"data: 2\n\n"
    writer.close()


async def test_a_large_upload_goes_through(world: World) -> None:
    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        body = await reader.readexactly(3_000_000)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n%d" % len(body))
        writer.close()

    await world.serve("up.example.com", count)
    reader, writer = await world.connect()
    writer.write(b"POST / HTTP/1.1\r\nHost: up.example.com\r\nContent-Length: 3000000\r\n\r\n")
    writer.write(b"z" * 3_000_000)
    await writer.drain()
    assert (await asyncio.wait_for(reader.read(), 120)).endswith(b"3000000")
    writer.close()


async def test_a_client_that_breaks_off_leaves_nothing(world: World) -> None:
    ended = asyncio.Event()

    async def quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(OSError):
            await reader.read()
        ended.set()
        writer.close()

    await world.serve("quiet.example.com", quiet)
    reader, writer = await world.connect()
    writer.write(a_request("quiet.example.com"))
    await head_of(reader)
    writer.transport.abort()
    await asyncio.wait_for(ended.wait(), 120)
    await until(lambda: not world.router._connections)


async def test_closing_cuts_what_is_open(world: World) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await reader.read()
        writer.close()

    await world.serve("long.example.com", endless)
    reader, writer = await world.connect()
    writer.write(a_request("long.example.com"))
    await head_of(reader)
    await world.router.aclose()
    assert await asyncio.wait_for(reader.read(), 120) == b""
    writer.close()
