"""What browsers are told of each part of the app: what its pages may load, and who may frame them. Pure.

A part that says nothing of its own gets its policy here. One that does keeps it, and is told besides
who may frame it: of two policies a browser obeys both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders

SMALL_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
"""The page of those who are not let in: its own files, and nothing inline."""

WORKBENCH = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; frame-src 'self'; "
    "worker-src 'self' blob:; base-uri 'none'; form-action 'none'"
)
"""The session's page. NiceGUI writes its page as an inline script, and Vue compiles its templates in the
browser; nothing comes from elsewhere and nothing goes there, pictures and forms neither."""

DATA = "default-src 'none'; sandbox"
"""Whatever a file of the workspace holds, it does nothing when it is opened by its address."""


@dataclass(frozen=True, slots=True)
class Part:
    """All paths that begin with ``prefix``, and their policy without ``frame-ancestors``."""

    prefix: str
    policy: str


PARTS = (Part("/", WORKBENCH), Part("/api/", DATA))


class Policies:
    """The headers of every answer, by path: the longest prefix counts."""

    def __init__(self, parts: Sequence[Part], *, console_origin: str | None) -> None:
        self._parts = sorted(parts, key=lambda part: len(part.prefix), reverse=True)
        self._framed_by = "frame-ancestors " + (console_origin or "'self'")

    def apply(self, headers: MutableHeaders, path: str) -> None:
        """Add what an answer lacks."""
        name = "content-security-policy"
        if name in headers:
            headers.append(name, self._framed_by)
        else:
            headers[name] = f"{self._policy(path)}; {self._framed_by}"
        headers["x-content-type-options"] = "nosniff"
        headers.setdefault("referrer-policy", "no-referrer")
        headers.setdefault("cross-origin-resource-policy", "same-origin")
        headers.setdefault("cache-control", "no-store")

    def _policy(self, path: str) -> str:
        return next((part.policy for part in self._parts if path.startswith(part.prefix)), DATA)
