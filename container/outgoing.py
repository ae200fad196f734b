"""The one place that makes HTTP clients: what Berth asks by itself takes nothing from the environment.

``HTTP_PROXY`` and its like, ``.netrc`` and variables that name certificates are meant for the programs
of a person. A client that obeyed them would send a request for this machine to an office's proxy, and a
key to whoever that is. A proxy is used where a setting of ours names one, and never for an address of
this machine. ``tests/test_outgoing.py`` keeps every other module from making a client.
"""

from __future__ import annotations

import contextlib
import ipaddress
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

UNLIMITED = httpx.Limits(max_connections=None, max_keepalive_connections=None)


def client(
    *,
    timeout: httpx.Timeout,
    verify: ssl.SSLContext | bool = True,
    limits: httpx.Limits = UNLIMITED,
    proxy: str | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    base_url: httpx.URL | str = "",
    auth: httpx.Auth | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.AsyncClient:
    """A client that follows no redirect and reads no variable.

    ``proxy`` is the URL of one for all but addresses of this machine; ``transport`` takes the place of
    the network in tests. Raises ValueError for a proxy that cannot be one.
    """
    way = transport or _way(verify=verify, limits=limits, proxy=proxy)
    return httpx.AsyncClient(
        base_url=base_url,
        auth=auth,
        headers=headers,
        timeout=timeout,
        transport=way,
        trust_env=False,
        follow_redirects=False,
    )


def is_here(host: str) -> bool:
    """Whether a host is this machine, by its name or address."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _way(
    *, verify: ssl.SSLContext | bool, limits: httpx.Limits, proxy: str | None
) -> httpx.AsyncBaseTransport:
    direct = httpx.AsyncHTTPTransport(verify=verify, limits=limits, trust_env=False)
    if proxy is None:
        return direct
    through = httpx.AsyncHTTPTransport(verify=verify, limits=limits, trust_env=False, proxy=_checked(proxy))
    return _Ways(direct, through)


def _checked(proxy: str) -> str:
    """The URL of a proxy; an error does not repeat it, since it may hold a password."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(proxy)
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return proxy
    raise ValueError("proxy: give http:// or https:// and a host, such as http://proxy.example.com:3128")


class _Ways(httpx.AsyncBaseTransport):
    """Directly to this machine, through a proxy to all others."""

    def __init__(self, direct: httpx.AsyncBaseTransport, through: httpx.AsyncBaseTransport) -> None:
        self._direct, self._through = direct, through

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it the one way or the other."""
        way = self._direct if is_here(request.url.host) else self._through
        return await way.handle_async_request(request)

    async def aclose(self) -> None:
        """Close both."""
        await self._direct.aclose()
        await self._through.aclose()
