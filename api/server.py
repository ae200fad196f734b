"""The API as a server: where it listens, how long it waits, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from api.context import Face
from api.settings import ApiSettings

log = structlog.get_logger(__name__)

_GRACE_SECONDS = 10
"""Seconds that requests in flight have to finish when the server ends."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_BACKLOG = 512

_IDLE_SECONDS = 75
"""Seconds for which an idle connection is kept; above what common proxies use."""


class CannotListen(Exception):
    """The address or port cannot be had; the message says what to do."""


def listen(settings: ApiSettings) -> socket.socket:
    """Take the address and port of the API; raises CannotListen."""
    host, port = settings.api_host, settings.api_port
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        remedy = "set BERTH_API_HOST or BERTH_API_PORT (0: a free one)"
        raise CannotListen(f"cannot listen on {host} port {port}: {why}; {remedy}") from None


class ApiServer(uvicorn.Server):
    """Says where it listens once it does, and ends its streams before it waits for them."""

    def __init__(self, app: FastAPI) -> None:
        self._face = cast("Face", app.state.face)
        settings = self._face.settings
        super().__init__(
            uvicorn.Config(
                app,
                http=patient(settings.api_request_timeout_seconds),
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_IDLE_SECONDS,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self.url = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then write the endpoint file: whoever reads it can connect."""
        await super().startup(sockets)
        if self.should_exit or not self.servers:
            return
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        self.url = url_of(host, port)
        log.info("listening", url=self.url)
        endpoint = self._face.settings.api_endpoint_file
        if endpoint is not None:
            write_endpoint(endpoint, self.url)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on a signal, in good order: uvicorn would raise it again and die of it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End streams, finish requests, stop."""
        self._face.closing.set()
        endpoint = self._face.settings.api_endpoint_file
        if endpoint is not None:
            remove_endpoint(endpoint)
        await super().shutdown(sockets)


def patient(seconds: float) -> type[H11Protocol]:
    """An HTTP protocol that closes a connection on which a request's header does not arrive in time.

    uvicorn bounds the time between two requests alone, so that a client which sends its header one
    byte at a time would hold a connection for ever.
    """

    class Patient(H11Protocol):
        deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._expect_header()

        def data_received(self, data: bytes) -> None:
            waiting = self._is_waiting()
            super().data_received(data)
            if self._is_waiting():
                if not waiting or self.deadline is None:
                    self._expect_header()
            elif self.deadline is not None:
                self.deadline.cancel()
                self.deadline = None

        def connection_lost(self, exc: Exception | None) -> None:
            if self.deadline is not None:
                self.deadline.cancel()
            super().connection_lost(exc)

        def _is_waiting(self) -> bool:
            cycle: RequestResponseCycle | None = self.cycle  # None before the first request
            return cycle is None or cycle.response_complete

        def _expect_header(self) -> None:
            self.deadline = self.loop.call_later(seconds, self._give_up)

        def _give_up(self) -> None:
            self.deadline = None
            if self._is_waiting() and not self.transport.is_closing():
                self.transport.close()

    return Patient


def url_of(host: str, port: int) -> str:
    """The URL under which a listener is reached from this machine."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - a name, not a bind
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


def write_endpoint(path: Path, url: str) -> None:
    """Write where the API listens; a reader sees the whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps({"url": url, "pid": os.getpid()}), encoding="utf-8")
    part.replace(path)


def remove_endpoint(path: Path) -> None:
    """Remove the file, unless another API has written it by now."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        if json.loads(path.read_text(encoding="utf-8"))["pid"] == os.getpid():
            path.unlink()
