"""What of a request reaches a previewed program, and what of its answer a browser. Pure.

The program is not the app, though its pages come from the app's address. So no cookie of the app
reaches it and none of its own comes back; and a browser runs its pages in a sandbox, as of an
origin of their own that nobody shares. To a page of such an origin even its own server is another
one, so the answers allow it to read them; who else would read them has to know their address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

Headers = list[tuple[str, str]]

SANDBOX = "sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads"
"""Without ``allow-same-origin``: that word would give the pages the app's cookie."""

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_NOT_PASSED_ON = re.compile(
    # The app's own, the address with its key, and what would tell a development server that it is
    # asked from another site, which it is not.
    r"cookie2?|host|origin|referer|forwarded|x-forwarded-.*|x-real-ip|sec-fetch-.*|sec-websocket-.*|expect"
)
_NOT_PASSED_BACK = re.compile(
    # What a browser would take for the app's word on its own origin, and what the policy sets.
    r"set-cookie2?|clear-site-data|service-worker-allowed|strict-transport-security|public-key-pins.*"
    r"|alt-svc|nel|report-to|reporting-endpoints|origin-agent-cluster|x-frame-options|referrer-policy"
    r"|cross-origin-.*|access-control-.*|server|date"
)
_LOCAL = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0):(?P<port>\d+)(?P<path>/.*)?$")


def to_program(given: Iterable[tuple[str, str]], port: int, prefix: str) -> Headers:
    """The headers of a request, as the program gets them: as from a browser on this machine."""
    given = list(given)
    dropped = _HOP_BY_HOP | _named_by_connection(given)
    here = f"localhost:{port}"
    kept = [(name, value) for name, value in given if name not in dropped and not _is(name, _NOT_PASSED_ON)]
    asked_from = [("origin", f"http://{here}")] if any(name == "origin" for name, _ in given) else []
    return [("host", here), *asked_from, *kept, ("x-forwarded-prefix", prefix.rstrip("/"))]


def to_browser(given: Iterable[tuple[str, str]], port: int, prefix: str, *, whole: bool) -> Headers:
    """The headers of an answer, as the browser gets them, without :func:`policy`.

    ``whole`` tells that the program knows the prefix and puts it in front of its addresses itself.
    """
    given = [(name.lower(), value) for name, value in given]
    dropped = _HOP_BY_HOP | _named_by_connection(given)
    return [
        (name, relocated(value, port, prefix, whole=whole) if name == "location" else value)
        for name, value in given
        if name not in dropped and not _is(name, _NOT_PASSED_BACK)
    ]


def relocated(location: str, port: int, prefix: str, *, whole: bool) -> str:
    """Where a redirection leads, seen from the browser."""
    match = _LOCAL.match(location)
    if match and int(match["port"]) == port:
        location = match["path"] or "/"
    if whole or not location.startswith("/") or location.startswith("//"):
        return location
    return prefix.rstrip("/") + location


def policy(console_origin: str | None) -> Headers:
    """What every answer under a preview's address says."""
    framed_by = f"'self' {console_origin}" if console_origin else "'self'"
    return [
        ("content-security-policy", f"{SANDBOX}; frame-ancestors {framed_by}"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "cross-origin"),
    ]


def shared(origin: str | None, names: Iterable[str]) -> Headers:
    """Lets the page that asks read the answer, and these headers of it: a page in the sandbox is ``null``."""
    if origin != "null":
        return []
    return [
        ("access-control-allow-origin", "null"),
        ("access-control-allow-credentials", "true"),
        ("access-control-expose-headers", ", ".join(dict.fromkeys(names))),
        ("vary", "Origin"),
    ]


def preflight(method: str, asked: str) -> Headers:
    """Lets a page in the sandbox ask its own server as freely as it would without one."""
    return [
        ("access-control-allow-methods", method),
        ("access-control-allow-headers", asked),
        ("access-control-max-age", "600"),
    ]


def _named_by_connection(given: Iterable[tuple[str, str]]) -> frozenset[str]:
    words = (value for name, value in given if name == "connection")
    return frozenset(word.strip().lower() for value in words for word in value.split(","))


def _is(name: str, pattern: re.Pattern[str]) -> bool:
    return pattern.fullmatch(name) is not None
