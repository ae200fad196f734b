"""The front door: stands for Traefik, and leads a request to the container its Host names.

One connection carries one request: ``Connection: close`` is written into its head. A client that
sends the next request for another host down the same connection could otherwise reach the container
of the one before. An upgraded connection (WebSocket) stays as long as both sides like. Bodies are
passed on as they come, so uploads and server-sent events work; paths and TLS are not looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

_MAX_HEAD = 64 * 1024
_HEAD_PATIENCE = 10.0
"""Seconds in which a head must have come."""
_CONNECT_PATIENCE = 5.0
_LINGER = 5.0
"""Seconds that one side may take to end after the other has; cutting it off at once would destroy
an answer that is still on its way."""
_CHUNK = 64 * 1024
_REWRITTEN = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
    }
)


class Routes(Protocol):
    """What the router asks of the local Dokploy."""

    def routes(self) -> Mapping[str, tuple[str, int]]:
        """Host, in small letters, to (appName, port)."""
        ...

    def container_address(self, app_name: str) -> tuple[str, int] | None:
        """Where the running container of an application listens."""
        ...


@dataclass(frozen=True, slots=True)
class _Head:
    """The head of a request."""

    host: str
    upgrade: bool
    lines: tuple[bytes, ...]

    def forwarded(self, client: str) -> bytes:
        """The head as the container gets it."""
        first, *fields = self.lines
        kept = [line for line in fields if _name(line) not in _REWRITTEN]
        added = [
            b"Connection: Upgrade" if self.upgrade else b"Connection: close",
            b"X-Forwarded-For: " + client.encode(),
            b"X-Forwarded-Host: " + self.host.encode(),
            b"X-Forwarded-Proto: http",
        ]
        return b"\r\n".join([first, *kept, *added, b"", b""])


class _Refused(Exception):
    """The request gets this answer from the router itself."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class Router:
    """Listens on one port for all routed hosts."""

    def __init__(self, dokploy: Routes) -> None:
        self._dokploy = dokploy
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen; 0 is any free port. Returns the port. Raises OSError where it is taken."""
        self._server = await asyncio.start_server(self._accept, host, port, limit=_MAX_HEAD)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def aclose(self) -> None:
        """Stop listening and cut every connection."""
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await _read_head(reader)
            if head is not None:
                await self._forward(head, reader, writer)
        except _Refused as refusal:
            await _answer(writer, refusal)
            await _linger(reader)
        except OSError:
            return  # one side is gone, and with it whoever could be told
        finally:
            writer.close()

    async def _forward(self, head: _Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place = self._dokploy.routes().get(head.host)
        if place is None:
            raise _Refused(HTTPStatus.NOT_FOUND, "No session has this address.")
        address = self._dokploy.container_address(place[0])
        if address is None:
            raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE, "The session does not run now, or is starting.")
        try:
            async with asyncio.timeout(_CONNECT_PATIENCE):
                upstream_reader, upstream_writer = await asyncio.open_connection(*address, limit=_CHUNK)
        except (OSError, TimeoutError):
            raise _Refused(HTTPStatus.BAD_GATEWAY, "The session is starting.") from None
        try:
            peer = writer.get_extra_info("peername")
            upstream_writer.write(head.forwarded(str(peer[0]) if peer else "unknown"))
            await _join(reader, writer, upstream_reader, upstream_writer)
        finally:
            upstream_writer.close()


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    upstream_reader: asyncio.StreamReader,
    upstream_writer: asyncio.StreamWriter,
) -> None:
    """Pass bytes both ways until both have ended, or one has and the other lingers."""
    async with asyncio.TaskGroup() as group:
        up = group.create_task(_pump(reader, upstream_writer))
        down = group.create_task(_pump(upstream_reader, writer))
        # A client that has sent all may wait for its answer as long as it likes; once the answer
        # has ended nothing more can come of the request.
        await asyncio.wait([down])
        await asyncio.wait([up], timeout=_LINGER)
        up.cancel()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on until the end, and pass on the end. A broken side ends it too."""
    try:
        while data := await _read(reader, writer):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        # Nobody takes what still comes: read it away, so that the other side is not stuck.
        await _linger(reader)


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The next bytes. One side that is cut off cuts off the other, which might wait for ever."""
    try:
        return await reader.read(_CHUNK)
    except OSError:
        writer.transport.abort()
        raise


async def _linger(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_LINGER):
            while await reader.read(_CHUNK):
                pass


async def _read_head(reader: asyncio.StreamReader) -> _Head | None:
    """Read up to the empty line; None when the client went away first."""
    try:
        async with asyncio.timeout(_HEAD_PATIENCE):
            raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except TimeoutError:
        raise _Refused(HTTPStatus.REQUEST_TIMEOUT, "The request did not come in time.") from None
    except asyncio.LimitOverrunError:
        raise _Refused(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's head is too large."
        ) from None
    return _parse(raw)


def _parse(raw: bytes) -> _Head:
    lines = tuple(raw[:-4].split(b"\r\n"))
    hosts = {_value(line) for line in lines[1:] if _name(line) == b"host"}
    if len(hosts) != 1 or b"\n" in raw.replace(b"\r\n", b""):
        raise _Refused(HTTPStatus.BAD_REQUEST, "A request names exactly one host.")
    try:
        host = hosts.pop().decode("ascii").lower()
    except UnicodeDecodeError:
        raise _Refused(HTTPStatus.BAD_REQUEST, "The host is no name.") from None
    upgrade = any(
        _name(line) == b"connection" and b"upgrade" in _value(line).lower() for line in lines[1:]
    ) and any(_name(line) == b"upgrade" for line in lines[1:])
    return _Head(_without_port(host), upgrade, lines)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].strip().lower()


def _value(line: bytes) -> bytes:
    return line.partition(b":")[2].strip()


async def _answer(writer: asyncio.StreamWriter, refusal: _Refused) -> None:
    waits = refusal.status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)
    refresh = '<meta http-equiv="refresh" content="2">' if waits else ""
    text = html.escape(refusal.text)
    page = f"<!doctype html><meta charset=utf-8>{refresh}<title>{text}</title><p>{text}</p>\n".encode()
    head = (
        f"HTTP/1.1 {refusal.status.value} {refusal.status.phrase}\r\n"
        "Content-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(page)}\r\n"
        "Cache-Control: no-store\r\n"
        "Connection: close\r\n\r\n"
    )
    with contextlib.suppress(OSError):
        writer.write(head.encode("ascii") + page)
        await writer.drain()
        writer.write_eof()
