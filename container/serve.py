"""Serves the app: the port first, then everything that may take its time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator

import uvicorn

from container.app import build_app
from container.environment import Settings
from container.given import Secrets
from container.log import LOG, begin
from container.session import Session, open_session
from container.ui.loading import Page

PORT_UNUSABLE = os.EX_UNAVAILABLE
"""The exit code when the port cannot be listened on."""
_GRACE = 2
"""Seconds that an answer under way gets at the end."""
_MAX_MESSAGE = 16 * 1024 * 1024
"""Bytes of one message on a WebSocket."""


class _Server(uvicorn.Server):
    """uvicorn, with signals left to us: it would end by raising the signal again."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(settings: Settings, given: Secrets) -> int:
    """Serve until told to end; return the exit code."""
    begin()
    try:
        listener = _listen(settings)
    except OSError as error:
        LOG.error(
            "container: %s port %d cannot be listened on: %s; set PORT to a free one",
            settings.bind,
            settings.port,
            os.strerror(error.errno) if error.errno else error,
        )
        return PORT_UNUSABLE
    with listener:
        asyncio.run(_serve(settings, given, listener))
    return 0


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
    listener = socket.create_server((settings.bind, settings.port), family=family, backlog=128)
    # Inherited by each connection: else the second piece of an answer waits for the first one's receipt.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def _serve(settings: Settings, given: Secrets, listener: socket.socket) -> None:
    session = open_session(settings, given)
    session.begin()
    page = Page(session)
    config = uvicorn.Config(
        build_app(session, page, entered=page.warm),
        http="h11",
        ws="websockets-sansio",
        ws_max_size=_MAX_MESSAGE,
        ws_per_message_deflate=False,  # a flood would cost more to shrink than to send
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, server, session, signal.Signals(number))
    LOG.info("serving on port %d", listener.getsockname()[1])
    preparing = loop.create_task(_prepare(session, given))
    try:
        await server.serve(sockets=[listener])
    finally:
        preparing.cancel()
        await asyncio.wait([preparing])
        await page.aclose()
        await session.aclose()
        sys.stdout.flush()


async def _prepare(session: Session, given: Secrets) -> None:
    try:
        await session.prepare(given)
    except Exception as error:  # noqa: BLE001 - the app must stay up, and say what happened
        session.workspace.give_up(type(error).__name__)


def _stop(server: _Server, session: Session, number: signal.Signals) -> None:
    LOG.info("container: %s, stopping", number.name)
    session.leave()
    server.should_exit = True
