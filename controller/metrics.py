"""What the controller counts, for Prometheus. Labels are few and bounded: no session is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """The controller's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.passes = Histogram(
            "berth_pass_seconds", "Seconds of one pass over a session", registry=self.registry
        )
        self.ticks = Histogram(
            "berth_tick_seconds", "Seconds of one listing of a target", ["target"], registry=self.registry
        )
        self.bugs = Counter(
            "berth_pass_bugs", "Passes that ended in an unforeseen error", registry=self.registry
        )
        self.sessions = Gauge("berth_sessions", "Declared sessions", registry=self.registry)
        self.frozen = Gauge(
            "berth_target_frozen",
            "1 while nothing is done on a target because what it shows cannot be believed",
            ["target"],
            registry=self.registry,
        )

    @contextmanager
    def pass_over(self) -> Iterator[None]:
        """Measure a pass."""
        with self.passes.time():
            yield

    @contextmanager
    def tick(self, target: str) -> Iterator[None]:
        """Measure a tick."""
        with self.ticks.labels(target).time():
            yield
