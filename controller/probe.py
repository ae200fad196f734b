"""Asks a session's container what it runs, through its route, as its owner would reach it."""

from __future__ import annotations

from typing import Protocol, cast

import httpx

from container import outgoing
from container.contract import HEALTH_PATH, QUESTION, QUESTION_SECONDS, HealthReport
from controller.observed import Silence
from dokploy.port import Domain
from dokploy.trust import trust

_TIMEOUT = 3.0
_PATIENCE = QUESTION_SECONDS + 2.0
"""Seconds for the answer to a question, for which the container reads its workspace."""
_MAX_BYTES = 64 * 1024

_SHAPE: dict[str, type] = {
    "session": str,
    "revision": str,
    "boot": str,
    "workspace": dict,
    "agent": dict,
    "auth": list,
    "attention": str,
    "work": dict,
}


class Probe(Protocol):
    """Reads a container's own report."""

    async def echo(
        self, domain: Domain, address: str | None, *, question: str | None = None
    ) -> HealthReport | Silence:
        """The report behind a route; never raises.

        With a question the container reads its work anew, waits for that, and repeats the question
        in the report's ``work``. Whose container it is, the report says and nobody has compared.
        """
        ...


class HttpProbe:
    """Reads it over HTTP. ``address`` (host:port) is connected to in place of the route's host."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def echo(
        self, domain: Domain, address: str | None, *, question: str | None = None
    ) -> HealthReport | Silence:
        """The report behind a route; never raises."""
        scheme = "https" if domain.https else "http"
        try:
            answer = await self._client(scheme).get(
                f"{scheme}://{address or domain.host}{HEALTH_PATH}",
                headers={"Host": domain.host},
                params={QUESTION: question} if question else None,
                extensions={"sni_hostname": domain.host},
                timeout=_PATIENCE if question else _TIMEOUT,
            )
            if answer.status_code != httpx.codes.OK or len(answer.content) > _MAX_BYTES:
                return Silence.NO_ANSWER
            return _checked(answer.json())
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            return Silence.NO_ANSWER

    async def aclose(self) -> None:
        """Close connections."""
        for client in self._clients.values():
            await client.aclose()

    def _client(self, scheme: str) -> httpx.AsyncClient:
        """The client for a scheme, made when the first route of it is asked."""
        if scheme not in self._clients:
            self._clients[scheme] = outgoing.client(
                timeout=httpx.Timeout(_TIMEOUT),
                transport=self._transport,
                verify=trust(scheme),
                limits=httpx.Limits(max_connections=32, max_keepalive_connections=0),
            )
        return self._clients[scheme]


def _checked(body: object) -> HealthReport | Silence:
    """The body if it has the report's shape: what answers may be anything."""
    if not isinstance(body, dict):
        return Silence.NOT_OURS
    for name, kind in _SHAPE.items():
        if not isinstance(body.get(name), kind):
            return Silence.NOT_OURS
    nested = {"workspace": ("state", "reason", "message"), "agent": ("state", "message"), "work": ("state",)}
    for name, fields in nested.items():
        if not all(isinstance(body[name].get(field), str) for field in fields):
            return Silence.NOT_OURS
    counts = body["work"].get("uncommitted"), body["work"].get("unpushed")
    if not all(isinstance(count, int) for count in counts):
        return Silence.NOT_OURS
    if not all(isinstance(body["work"].get(field, ""), str) for field in ("question", "readAt")):
        return Silence.NOT_OURS
    logins = all(
        isinstance(login, dict)
        and all(isinstance(login.get(f), str) for f in ("provider", "state", "message"))
        for login in body["auth"]
    )
    return cast("HealthReport", body) if logins else Silence.NOT_OURS
