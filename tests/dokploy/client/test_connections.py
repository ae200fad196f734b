"""Over real connections on the loopback: kept alive, cut, poisoned, refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from dokploy.client import HttpDokploy
from dokploy.errors import Ambiguous, Invalid, Unreachable
from dokploy.port import ApplicationRef
from tests.dokploy.client.recorded import KEY

_LISTING = b'[{"Name":"a","Replicas":"1/1","Image":"i"}]'
_REF = ApplicationRef("a", "app")


class Server:
    """Answers each request with the next of its replies; None cuts the connection."""

    def __init__(self, *replies: tuple[int, bytes] | None) -> None:
        self._replies = list(replies)
        self.connections = 0
        self.requests = 0
        self.url = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                await reader.readexactly(int(length[0].split(b":")[1]) if length else 0)
                self.requests += 1
                reply = self._replies.pop(0)
                if reply is None:
                    break
                status, content = reply
                writer.write(
                    b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%b" % (status, len(content), content)
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[HttpDokploy]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        client = HttpDokploy(self.url, SecretStr(KEY))
        try:
            yield client
        finally:
            await client.aclose()
            server.close()
            await server.wait_closed()
            await asyncio.sleep(0)


async def test_a_connection_is_kept():
    server = Server((200, _LISTING), (200, _LISTING))
    async with server.running() as client:
        await client.list_services()
        await client.list_services()
    assert (server.connections, server.requests) == (1, 2)


async def test_a_connection_that_answered_413_is_not_used_again(config):
    server = Server((413, b"Body exceeded 1mb limit"), (200, _LISTING))
    async with server.running() as client:
        with pytest.raises(Invalid, match="1 MB"):
            await client.update_application("a", config)
        await client.list_services()
    assert (server.connections, server.requests) == (2, 2)


async def test_a_change_cut_in_the_middle_is_ambiguous_and_sent_once():
    server = Server(None)
    async with server.running() as client:
        with pytest.raises(Ambiguous):
            await client.reload_application(_REF)
    assert server.requests == 1


async def test_nobody_there_is_unreachable():
    server = Server()
    async with server.running():
        url = server.url
    client = HttpDokploy(url, SecretStr(KEY))
    with pytest.raises(Unreachable, match="Dokploy is down"):
        await client.reload_application(_REF)
    await client.aclose()


async def test_the_http_library_tells_nothing_of_the_key(caplog):
    for name in ("httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, logger=name)
    server = Server((200, _LISTING))
    async with server.running() as client:
        await client.list_services()
    assert caplog.records
    assert KEY not in caplog.text
