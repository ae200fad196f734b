"""Records as they are declared and reported, for tests to put together."""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]
BORN = "2026-11-23T12:00:00Z"


def session(name: str, *, spec: Record | None = None, **metadata: Any) -> Record:
    """A session as declared."""
    return {
        "apiVersion": "berth.dev/v1alpha1",
        "kind": "Session",
        "metadata": {"name": name, **metadata},
        "spec": spec or {"source": {"url": "https://github.com/acme/app.git"}},
    }


def event(name: str, about: str, message: str, *, at: str, count: int = 1, kind: str = "Normal") -> Record:
    """An event about a session of the default namespace."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name},
        "involvedObject": {"kind": "Session", "name": about, "namespace": "default"},
        "type": kind,
        "reason": "Applied",
        "message": message,
        "count": count,
        "firstTimestamp": BORN,
        "lastTimestamp": at,
    }


def condition(
    kind: str, status: str, *, generation: int = 1, reason: str = "Because", message: str = ""
) -> Record:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": generation,
        "lastTransitionTime": BORN,
    }


def running(generation: int = 1) -> Record:
    """The status of a session that is Ready."""
    return {
        "phase": "Running",
        "url": "http://hello.default.localhost:7432",
        "attention": "Idle",
        "observedGeneration": generation,
        "conditions": [condition("Ready", "True", generation=generation, reason="Healthy")],
    }
