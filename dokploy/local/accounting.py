"""What was asked of a local Dokploy and how it answered: for tests, without secrets."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

KEPT: Final = 20_000
"""Calls that are remembered one by one; the counters know of all."""

_TOLD: Final = (
    "applicationId", "appName", "name", "replicas", "dockerImage", "sourceType", "serviceId", "volumeName",
    "mountPath", "host", "domainId", "environmentId", "projectId", "deploymentId", "title",
    "applicationStatus",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call.

    ``told`` holds the fields of its input that are never secret; ``status`` is None when the caller
    went away before the answer.
    """

    procedure: str
    told: Mapping[str, Any]
    at: float
    status: int | None


@dataclass(slots=True)
class Accounts:
    """All calls of one instance."""

    calls: deque[CallRecord] = field(default_factory=lambda: deque(maxlen=KEPT))
    counts: Counter[str] = field(default_factory=Counter)
    """By procedure."""

    def note(self, procedure: str, given: Mapping[str, Any], at: float, status: int | None) -> None:
        """Remember one call."""
        told = {name: given[name] for name in _TOLD if name in given}
        self.calls.append(CallRecord(procedure, told, at, status))
        self.counts[procedure] += 1
