"""What the API counts, for Prometheus. Routes go by their template: no name is ever a label."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_NOWHERE = "(none)"


class Metrics:
    """One API's counters, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "berth_api_requests", "Answers begun", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "berth_api_request_seconds",
            "Seconds until an answer began",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.watchers = Gauge("berth_api_watchers", "Streams being served", registry=self.registry)
        self.records = Gauge("berth_records", "Records by kind", ["kind"], registry=self.registry)


class Measured:
    """Counts and times every answer, up to its first byte: a stream may last for days."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", _NOWHERE)
                method = scope["method"] if route != _NOWHERE else _NOWHERE
                self._metrics.requests.labels(method, route, str(message["status"])).inc()
                self._metrics.seconds.labels(method, route).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, counted)
