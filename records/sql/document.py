"""A record between its type and its row: pure values in the wire form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from crds.base import Key


@dataclass(frozen=True, slots=True)
class Document:
    """One record of any kind, in parts.

    ``body`` holds only what was declared, not the defaults: which fields a session leaves open
    decides what it takes from its template.
    """

    kind: str
    key: Key
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    finalizers: tuple[str, ...]
    body: Mapping[str, Any]
    status: Mapping[str, Any] | None = None
    uid: str = ""
    generation: int = 0
    revision: int = 0
    created_at: datetime | None = None
    deleted_at: datetime | None = None
    values: Mapping[str, str] | None = field(default=None, repr=False)
    """A Secret's data, base64; never part of a snapshot. None: not read, or not readable."""

    def snapshot(self) -> dict[str, Any]:
        """The wire form without a Secret's values: what the feed keeps."""
        wire = {"metadata": self._metadata(), **self.body}
        if self.status is not None:
            wire["status"] = self.status
        return wire

    def with_values(self, values: Mapping[str, str] | None) -> Document:
        """The same with a Secret's values."""
        return replace(self, values=values)

    def _metadata(self) -> dict[str, Any]:
        return {
            "name": self.key.name,
            "namespace": self.key.namespace,
            "labels": self.labels,
            "annotations": self.annotations,
            "uid": self.uid,
            "generation": self.generation,
            "resourceVersion": str(self.revision),
            "finalizers": self.finalizers,
            "creationTimestamp": self.created_at and self.created_at.isoformat(),
            "deletionTimestamp": self.deleted_at and self.deleted_at.isoformat(),
        }
