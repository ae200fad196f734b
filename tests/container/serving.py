"""Routes served for real, by the server that the container uses, in the loop of the test."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

WEBSOCKETS = "websockets-sansio"


class Served:
    """Where they are served, and a client of them."""

    def __init__(self, port: int, http: httpx.AsyncClient) -> None:
        self.port = port
        self.http = http

    def ws(self, path: str) -> str:
        return f"ws://127.0.0.1:{self.port}{path}"


@contextlib.asynccontextmanager
async def serving(app: ASGIApp | list) -> AsyncIterator[Served]:
    """Serve an app, or a list of routes."""
    served = Starlette(routes=app) if isinstance(app, list) else app
    config = uvicorn.Config(
        served, http="h11", ws=WEBSOCKETS, lifespan="off", log_config=None, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server.serve(sockets=[listener]))
        port = listener.getsockname()[1]
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120) as http:
                yield Served(port, http)
        finally:
            server.should_exit = True
            await running
