"""The way from a controller to a simulated Dokploy, and what may befall a call on it.

The injector of the searches makes one chosen call go wrong and stops its controller there; this one
asks a fate at every call and lets all go on. It is also quick: there is no HTTP between.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import httpx
from pydantic import SecretStr

from crds.target import Target
from dokploy.client import CallLimits, HttpDokploy
from dokploy.local.answers import Answer, refused, refused_text
from dokploy.local.dokploy import LocalDokploy
from dokploy.port import Dokploy
from tests.reliability.faults import Fault

LATENCY = 0.02
"""Seconds from a request to its arrival: what lets calls of several sessions overlap."""
SILENCE = 45.0
"""Seconds; longer than any call may take."""

_UNDONE: dict[Fault | None, Answer] = {
    Fault.REFUSED: refused(500, {"message": "Internal server error", "code": "INTERNAL_SERVER_ERROR"}),
    Fault.THROTTLED: refused(401, {"message": "Unauthorized"}),
    Fault.PROXY_404: refused_text(404, "404 page not found"),
    Fault.CONFLICT: refused(409, {"message": "Conflict", "code": "CONFLICT"}),
}
_DONE: dict[Fault | None, Answer] = {
    Fault.GARBLED: Answer(200, b"<html>an error page</html>", "text/html"),
    Fault.EMPTY: Answer(200, b"", ""),
}
FAULTS = (Fault.UNREACHABLE, Fault.LOST, Fault.SLOW, *(fault for fault in (*_UNDONE, *_DONE) if fault))
"""What may befall a call here."""

Fate = Callable[[], Fault | None]
"""What befalls the next call; asked once per call."""


class Network(httpx.AsyncBaseTransport):
    """Straight into the model; what was sent is done, whoever hangs up."""

    def __init__(self, dokploy: LocalDokploy, fate: Fate) -> None:
        self._dokploy = dokploy
        self._fate = fate
        self._under_way: set[asyncio.Task[Answer]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        fault = self._fate()
        if fault is Fault.UNREACHABLE or not self._dokploy.up:
            raise httpx.ConnectError("refused")
        await asyncio.sleep(LATENCY)
        if fault in _UNDONE:
            return _response(_UNDONE[fault])
        answer = await self._ask(request)
        if fault is Fault.SLOW:
            await asyncio.sleep(SILENCE)
        if fault is Fault.LOST or not self._dokploy.up:
            raise httpx.ReadError("cut")
        return _response(_DONE.get(fault, answer))

    async def _ask(self, request: httpx.Request) -> Answer:
        """Ask in a task of its own: Dokploy does not notice that its client died."""
        name = request.url.path.rsplit("/", 1)[-1]
        given = json.loads(request.content or b"{}") if request.method == "POST" else dict(request.url.params)
        key = request.headers.get("x-api-key")
        task = asyncio.create_task(self._dokploy.call(name, request.method, given, key))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)


def _response(answer: Answer) -> httpx.Response:
    headers = {"content-type": answer.media} if answer.media else None
    return httpx.Response(answer.status, content=answer.body, headers=headers)


def connect_through(dokploy: LocalDokploy, fate: Fate) -> Callable[[Target, SecretStr], Dokploy]:
    """What a controller connects with when its calls meet these fates."""

    def connect(of: Target, key: SecretStr) -> Dokploy:
        limits = of.spec.limits
        return HttpDokploy(
            of.spec.url,
            key,
            transport=Network(dokploy, fate),
            limits=CallLimits(limits.calls_in_flight, limits.calls_per_second),
            jitter=lambda: 0.5,  # the same fates make the same calls
        )

    return connect
