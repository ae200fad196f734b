"""What the head of a request tells of who asks, and from where. Pure.

Browsers alone send ``Sec-Fetch-*`` and ``Origin``, and no page can make them up; a program may leave
them out, but has no cookie that a browser would send for it against its owner's will.
"""

from __future__ import annotations

import ipaddress

from starlette.datastructures import Headers
from starlette.types import Scope

_SAFE = frozenset({"GET", "HEAD"})
_SHOWN = frozenset({"document", "iframe", "frame"})
_MOST_COOKIES = 8


class Head:
    """A request's head, or that of a WebSocket's opening."""

    def __init__(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        self.headers = headers
        self.method: str = "" if scope["type"] == "websocket" else scope["method"]
        """Empty for a WebSocket, which is no safe method: it can do anything."""
        self.host = headers.get("host", "").lower()
        forwarded = headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
        # Traefik says wss of a WebSocket. Whoever lies here spoils the attributes of their own cookie.
        self.is_https = (forwarded or str(scope.get("scheme", ""))) in {"https", "wss"}

    @property
    def is_trustworthy(self) -> bool:
        """Whether a browser keeps a ``Secure`` cookie for it: https, or this very machine."""
        return self.is_https or _is_loopback(self.host)

    @property
    def bearer(self) -> str | None:
        """The token of ``Authorization: Bearer``, None without such a header."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    def cookies(self, name: str) -> list[str]:
        """The values of a cookie: several where a browser keeps one of a frame and one of a tab."""
        pairs = (pair.partition("=") for line in self.headers.getlist("cookie") for pair in line.split(";"))
        return [value.strip() for key, _, value in pairs if key.strip() == name][:_MOST_COOKIES]

    @property
    def wants_page(self) -> bool:
        """Whether a person looks at the answer."""
        return self.method in _SAFE and "text/html" in self.headers.get("accept", "")

    @property
    def is_navigation(self) -> bool:
        """Whether the answer takes the place of a page, in a tab or in a frame."""
        return self.headers.get("sec-fetch-mode") == "navigate"

    def is_of_own_page(self) -> bool:
        """Whether our own page asks, or a person who opens it: what a cookie may be used for.

        A sandboxed page, such as a preview's, has the origin ``null`` and the site ``cross-site``.
        """
        origin, site = self.headers.get("origin"), self.headers.get("sec-fetch-site")
        if origin is not None and not self.is_own(origin):
            return False
        if site in {"same-origin", None}:
            # An old browser says nothing of the site, but names the origin where it matters.
            return site is not None or origin is not None or self.method in _SAFE
        if site == "none":  # typed in, or a bookmark
            return self.method in _SAFE
        shown = self.is_navigation and self.headers.get("sec-fetch-dest") in _SHOWN
        return self.method in _SAFE and shown

    def is_own(self, origin: str) -> bool:
        """Whether an origin is ours.

        One by https always is, since a proxy may end TLS and not say so; one by http is not where
        we are reached by https: anybody on the way could have made that page.
        """
        return origin == f"https://{self.host}" or (not self.is_https and origin == f"http://{self.host}")


def _is_loopback(host: str) -> bool:
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
