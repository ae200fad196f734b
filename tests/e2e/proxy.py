"""A real HTTP proxy before a Dokploy, which can be told to be ill, and tells what passes it."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

_HTML = b"<!DOCTYPE html><html><body><h1>Bad gateway</h1></body></html>"


class Illness(Enum):
    """What the way to Dokploy can suffer from."""

    SLOW = "slow"
    """Every answer takes a second and a half more."""
    CUT = "cut"
    """The connection ends in the middle of the answer."""
    LOST = "lost"
    """The call takes effect, and the connection ends without an answer."""
    GARBLED = "garbled"
    """200, with half of the JSON."""
    EMPTY = "empty"
    """200, with nothing."""
    WEB_PAGE = "web page"
    """200, with a page: a captive portal, a login wall."""
    BAD_GATEWAY = "bad gateway"
    """502, with a page."""
    REFUSED_KEY = "refused key"
    """401, as for a wrong key or too many calls."""
    DOWN = "down"
    """Nobody answers: the connection is closed as soon as it is made."""


Moment = Literal["before", "after"]


@dataclass
class Proxy:
    """Passes calls on to ``upstream``, the URL of a Dokploy."""

    upstream: str
    illness: Illness | None = None
    at: Callable[[str, Moment], None] = lambda _name, _moment: None
    """Told each procedure before it is passed on, and after it took effect but before its answer."""
    calls: list[str] = field(default_factory=list)
    """Every procedure that was passed on."""
    url: str = ""

    @contextmanager
    def serving(self) -> Iterator[Proxy]:
        """Listen while the test lasts."""
        server = _Server(self)
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def pass_on(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
        """One call to the Dokploy behind; its status, media type and body."""
        procedure = urlsplit(path).path.removeprefix("/api/")
        self.at(procedure, "before")
        where = urlsplit(self.upstream)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            self.calls.append(procedure)
            self.at(procedure, "after")
            return answer.status, answer.headers.get("content-type") or "", content
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.proxy = proxy


class _Door(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        illness = self.server.proxy.illness
        sick = {
            Illness.EMPTY: (200, "application/json", b""),
            Illness.WEB_PAGE: (200, "text/html", _HTML),
            Illness.BAD_GATEWAY: (502, "text/html", _HTML),
            Illness.REFUSED_KEY: (401, "application/json", b'{"message":"Unauthorized"}'),
        }
        if illness is Illness.DOWN:
            self._hang_up()
        elif illness in sick:
            self._answer(*sick[illness])
        else:
            self._pass(body, illness)

    def _pass(self, body: bytes, illness: Illness | None) -> None:
        if illness is Illness.SLOW:
            time.sleep(1.5)
        kept = {n: v for n, v in self.headers.items() if n.lower() in ("x-api-key", "content-type")}
        try:
            status, media, content = self.server.proxy.pass_on(self.command, self.path, body, kept)
        except (OSError, http.client.HTTPException):
            self._hang_up()
            return
        if illness is Illness.LOST:
            self._hang_up()
        elif illness is Illness.CUT:
            self._answer(status, media, content, announced=len(content) + 100)
            self._hang_up()
        elif illness is Illness.GARBLED:
            self._answer(200, "application/json", content[: len(content) // 2] or b"{")
        else:
            self._answer(status, media, content)

    def _answer(self, status: int, media: str, content: bytes, *, announced: int | None = None) -> None:
        try:
            self.send_response(status)
            if media:
                self.send_header("content-type", media)
            self.send_header("content-length", str(len(content) if announced is None else announced))
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            self.close_connection = True  # who asked has gone away

    def _hang_up(self) -> None:
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # who asked did so first
