"""What the controller counts, for Prometheus. Labels are few and bounded: no session is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from controller.observe import Missing
from crds.vocabulary import Finding, Reason


class Metrics:
    """The controller's metrics, in a registry of their own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.passes = Histogram("berth_pass_seconds", "Seconds of one pass over a session", registry=registry)
        self.ticks = Histogram(
            "berth_tick_seconds", "Seconds of one listing of a target", ["target"], registry=registry
        )
        self.bugs = Counter("berth_pass_bugs", "Passes that ended in an unforeseen error", registry=registry)
        self.task_restarts = Counter(
            "berth_task_restarts",
            "Tasks of the controller that ended and were started again",
            ["task"],
            registry=registry,
        )
        self.sessions = Gauge("berth_sessions", "Declared sessions", registry=registry)
        self.snapshot_age = Gauge(
            "berth_snapshot_age_seconds",
            "Seconds since the newest listing began",
            ["target"],
            registry=registry,
        )
        self.deletions = Counter(
            "berth_sweep_deletions", "Applications deleted by sweeps", ["target"], registry=registry
        )
        self.swept = Gauge(
            "berth_sweep_timestamp_seconds", "When the last sweep ended", ["target"], registry=registry
        )
        self._frozen = Gauge(
            "berth_target_frozen",
            "1 while nothing is done on a target, by the reason",
            ["target", "reason"],
            registry=registry,
        )
        self._missing = Gauge(
            "berth_target_missing",
            "Things of ours that the newest listing lacks",
            ["target", "kind"],
            registry=registry,
        )
        self._expected = Gauge(
            "berth_target_expected",
            "Things of ours that a listing should show",
            ["target", "kind"],
            registry=registry,
        )
        self._findings = Gauge(
            "berth_sweep_findings",
            "What the last sweep found without a record",
            ["target", "finding"],
            registry=registry,
        )
        self._reasons: dict[str, Reason] = {}
        self._absences: dict[str, Missing] = {}

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

    def freeze(self, target: str, reason: Reason | None) -> None:
        """Say for which one reason a target is frozen, or that it is not."""
        before = self._reasons.pop(target, None)
        if before is not None and before is not reason:
            self._frozen.remove(target, before.value)
        if reason is not None:
            self._frozen.labels(target, reason.value).set(1)
            self._reasons[target] = reason

    def absence(self, target: str, missing: Missing) -> None:
        """Say how much of what we own the newest listing lacks, where it is not what was said last."""
        if self._absences.get(target) == missing:
            return
        self._absences[target] = missing
        self._missing.labels(target, "applications").set(missing.applications)
        self._missing.labels(target, "services").set(missing.services)
        self._expected.labels(target, "applications").set(missing.applications_expected)
        self._expected.labels(target, "services").set(missing.services_expected)

    def findings(self, target: str, counts: Mapping[str, int]) -> None:
        """Say what a sweep found; what it did not find is 0, not absent."""
        for finding in Finding:
            self._findings.labels(target, finding.value).set(counts.get(finding.value, 0))

    def forget(self, target: str) -> None:
        """The target is gone: a last value that stays would be taken for news."""
        self.freeze(target, None)
        self._absences.pop(target, None)
        series: list[tuple[Gauge, tuple[str, ...]]] = [(self.snapshot_age, ()), (self.swept, ())]
        series += [(gauge, (kind,)) for gauge in (self._missing, self._expected) for kind in _KINDS]
        series += [(self._findings, (finding.value,)) for finding in Finding]
        for gauge, labels in series:
            with suppress(KeyError):
                gauge.remove(target, *labels)


_KINDS = ("applications", "services")
