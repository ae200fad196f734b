"""``/livez``, ``/readyz`` and ``/metrics`` of the controller."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from controller.loop import Controller
from controller.metrics import Metrics
from controller.settings import ControllerSettings


def create_app(metrics: Metrics, controller: Controller) -> Starlette:
    """The controller's own small face; it tells nothing of any session."""

    async def live(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def ready(_: Request) -> Response:
        if controller.leadership.leading.is_set():
            return PlainTextResponse("leading")
        return PlainTextResponse("standing by")

    async def exposition(_: Request) -> Response:
        metrics.sessions.set(len(controller.views))
        controller.fleet.measure()
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/livez", live), Route("/readyz", ready), Route("/metrics", exposition)])


@contextlib.asynccontextmanager
async def serve_probes(
    settings: ControllerSettings, metrics: Metrics, controller: Controller
) -> AsyncIterator[None]:
    """Serve while the controller works, if a port is set."""
    if settings.metrics_port is None:
        yield
        return
    listener = socket.create_server((settings.metrics_host, settings.metrics_port))
    config = uvicorn.Config(
        create_app(metrics, controller), log_config=None, access_log=False, lifespan="off"
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    if settings.metrics_endpoint_file is not None:
        url = f"http://{settings.metrics_host}:{listener.getsockname()[1]}"
        part = settings.metrics_endpoint_file.with_suffix(".part")
        part.write_text(json.dumps({"url": url, "pid": os.getpid()}))
        part.replace(settings.metrics_endpoint_file)
    try:
        yield
    finally:
        server.should_exit = True
        await task


class _Server(uvicorn.Server):
    """Leaves signals to the process that it is a part of."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield
