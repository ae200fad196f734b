"""The client of Berth's HTTP interface: one method per call, records as plain dictionaries.

Every method raises :class:`cli.failures.Failure` and nothing else for what a server, or the lack of
one, can do. The token travels in a header alone; it is in no message and no ``repr``.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlsplit

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential_jitter,
)

from cli.connection import START, Connection, alive
from cli.failures import ExitCode, Failure, from_problem
from cli.kinds import EVENT, SESSION, Kind, Reference
from cli.record import Record
from container import outgoing
from dokploy.trust import trust

Verb = Literal["start", "stop", "restart"]
Use = Literal["enter", "tool"]
Result = Literal["created", "configured", "unchanged"]

_PATIENCE, _CONNECT = 30.0, 5.0
"""Seconds: for an answer, and for a connection."""
_TRIES = 9
"""So often a server that answers that it is busy is asked, over some 25 seconds."""
_IDEMPOTENT = frozenset({"GET", "PUT", "DELETE"})
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Query:
    """Which records are listed or watched; no namespace: those of all."""

    kind: Kind
    namespace: str | None = None
    selector: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Records as of one revision."""

    items: list[Record]
    revision: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What a declaration came to."""

    result: Result
    record: Record
    remark: str = ""
    """Which sessions it concerns, in words."""


def path_of(kind: Kind, namespace: str | None, name: str | None = None) -> str:
    """The path of a kind's list, or of one record of it."""
    place = f"/api/namespaces/{quote(namespace, safe='')}" if namespace and kind.namespaced else "/api"
    path = f"{place}/{kind.plural}"
    return f"{path}/{quote(name, safe='')}" if name else path


def _at(reference: Reference) -> str:
    return path_of(reference.kind, reference.namespace, reference.name)


def _remark(answer: httpx.Response) -> str:
    """What the server says beside the record, in its Warning header."""
    return str(answer.headers.get("Warning", "")).partition('"')[2].removesuffix('"')


class Client:
    """One server. Made by :func:`connect`."""

    def __init__(self, http: httpx.AsyncClient, locate: Callable[[], Connection]) -> None:
        self._http = http
        self._locate = locate
        self._connection = locate()
        self._turn_to(self._connection)

    @property
    def connection(self) -> Connection:
        """The server that is talked to."""
        return self._connection

    def relocate(self) -> None:
        """Look again where the server is: a restarted one may listen on another port.

        Raises:
            Failure: there is none now.
        """
        self._turn_to(self._locate())

    async def get(self, reference: Reference) -> Record:
        """One record."""
        return await self._json("GET", _at(reference))

    async def listing(self, query: Query) -> Listing:
        """All that fits, over as many pages as there are."""
        parameters: dict[str, str] = {"limit": str(_PAGE)}
        if query.selector:
            parameters["labelSelector"] = query.selector
        items: list[Record] = []
        while True:
            page = await self._json("GET", path_of(query.kind, query.namespace), params=parameters)
            items += page.get("items") or []
            metadata = page.get("metadata") or {}
            following = metadata.get("continue")
            if not following:
                return Listing(items, str(metadata.get("resourceVersion") or ""))
            parameters["continue"] = str(following)

    async def apply(
        self, reference: Reference, record: Record, *, dry_run: Literal["server", "none"]
    ) -> Applied:
        """Declare a record: create it, or replace labels, annotations and spec."""
        answer = await self._send(
            "PUT", _at(reference), json=record, params={"dryRun": "true"} if dry_run == "server" else None
        )
        said = answer.headers.get("Berth-Result", "")
        fallback: Result = "created" if answer.status_code == httpx.codes.CREATED else "configured"
        return Applied(_RESULTS.get(said, fallback), _decoded(answer), _remark(answer))

    async def create(self, reference: Reference, record: Record) -> Applied:
        """A new record; a conflict if there is one of that name."""
        path = path_of(reference.kind, reference.namespace)
        answer = await self._send("POST", path, json=record)
        return Applied("created", _decoded(answer), _remark(answer))

    async def delete(
        self, reference: Reference, *, unsaved: Literal["keep", "discard"] = "keep"
    ) -> tuple[Record, str]:
        """Ask for deletion; the record, and which sessions it concerns, in words.

        With ``keep``, a session that holds unsaved work is refused.
        """
        params = {"force": "true"} if unsaved == "discard" else None
        answer = await self._send("DELETE", _at(reference), params=params)
        return _decoded(answer), _remark(answer)

    async def give_up(self, reference: Reference) -> tuple[Record, str]:
        """Delete a session whose target cannot be reached; the record, and what is left there, in words."""
        answer = await self._send("DELETE", _at(reference), params={"orphan": "true"})
        return _decoded(answer), _remark(answer)

    async def undelete(self, reference: Reference) -> Record:
        """Take back a deletion of which no step was taken yet."""
        return await self._json("POST", f"{_at(reference)}/undelete")

    async def act(
        self, reference: Reference, verb: Verb, *, manner: Mapping[str, str] | None = None
    ) -> Record:
        """Declare a session running, stopped, or to be restarted; ``manner`` says how it is restarted."""
        return await self._json("POST", f"{_at(reference)}/{verb}", params=dict(manner) if manner else None)

    async def entry(self, reference: Reference, *, use: Use) -> Record:
        """A token that lets into a session: for a browser once, or for a tool."""
        return await self._json("POST", f"{_at(reference)}/entry", params={"use": use})

    async def sweep_preview(self, target: Reference) -> Record:
        """What a sweep of a target would find just now; changes nothing."""
        return await self._json("GET", f"{_at(target)}/sweep")

    async def ask_sweep(self, target: Reference) -> Record:
        """Ask for a sweep of a target; the report comes in its status."""
        return await self._json("POST", f"{_at(target)}/sweep")

    async def accept_absence(self, target: Reference, *, missing: int) -> Record:
        """Say that so many things that a target lacks are gone."""
        return await self._json("POST", f"{_at(target)}/accept-absence", params={"missing": str(missing)})

    async def why(self, reference: Reference) -> Record:
        """How a session stands, in words: summary, conditions, plan, events."""
        return await self._json("GET", f"{_at(reference)}/why")

    async def plan(self, record: Record) -> Record:
        """What declaring this session would change, and what the controller would do."""
        return await self._json("POST", "/api/plan", json=record)

    async def version(self) -> Record:
        """Version and identity of the server."""
        return await self._json("GET", "/api/version")

    async def events(self, *, namespace: str | None, about: Reference | None = None) -> list[Record]:
        """Events, the oldest first."""
        parameters = {"about": f"{about.kind.name}/{about.name}"} if about else None
        answer = await self._json("GET", path_of(EVENT, namespace), params=parameters)
        items: list[Record] = answer.get("items") or []
        return items

    async def logs(self, reference: Reference, parameters: Mapping[str, str]) -> AsyncGenerator[str]:
        """The lines of a session's log, as they come."""
        path = f"{path_of(SESSION, reference.namespace, reference.name)}/logs"
        silence = None if "follow" in parameters else _PATIENCE
        async with self.stream(path, dict(parameters), silence=silence) as answer:
            async for line in answer.aiter_lines():
                yield line

    @asynccontextmanager
    async def stream(
        self, path: str, parameters: dict[str, str], *, silence: float | None, accept: str = "text/plain"
    ) -> AsyncIterator[httpx.Response]:
        """An answer that is read as it comes; ``silence`` is how many seconds may pass without a word."""
        timeout = httpx.Timeout(_PATIENCE, connect=_CONNECT, read=silence)
        try:
            async with self._http.stream(
                "GET", path, params=parameters, timeout=timeout, headers={"Accept": accept}
            ) as answer:
                if not answer.is_success:
                    await answer.aread()
                    raise _failure(answer)
                yield answer
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    async def _json(
        self, method: str, path: str, *, params: dict[str, str] | None = None, json: Record | None = None
    ) -> Record:
        return _decoded(await self._send(method, path, params=params, json=json))

    async def _send(
        self, method: str, path: str, *, params: dict[str, str] | None = None, json: Record | None = None
    ) -> httpx.Response:
        """The answer; asked for again for a while where the server says that it is busy.

        Only what may be asked for twice (RFC 9110, 9.2.2): a create might have been done after all.
        """
        again = AsyncRetrying(
            retry=retry_if_exception(_is_busy),
            stop=stop_after_attempt(_TRIES if method in _IDEMPOTENT else 1),
            wait=wait_exponential_jitter(multiplier=0.5, max=4),
            before_sleep=_say_busy,
            reraise=True,
        )
        answer: httpx.Response = await again(self._once, method, path, params, json)
        return answer

    async def _once(
        self, method: str, path: str, params: dict[str, str] | None, json: Record | None
    ) -> httpx.Response:
        try:
            answer = await self._http.request(method, path, params=params, json=json)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if not answer.is_success:
            raise _failure(answer)
        return answer

    def _turn_to(self, connection: Connection) -> None:
        self._connection = connection
        self._http.base_url = httpx.URL(connection.url)
        self._http.headers["Authorization"] = f"Bearer {connection.token}"

    def _unreachable(self, error: httpx.HTTPError) -> Failure:
        where = self._connection
        if where.pid is not None and not alive(where.pid):
            return Failure(
                f"Berth is not running: the one that {where.found} names (pid {where.pid}) has ended",
                code=ExitCode.UNREACHABLE,
                remedy=START,
            )
        did = "does not answer in time" if isinstance(error, httpx.TimeoutException) else "cannot be reached"
        remedy = START if where.local else f"is {where.found} right? is the network up?{_of_proxies(where)}"
        return Failure(f"Berth {did} at {where.url}", code=ExitCode.UNREACHABLE, remedy=remedy)


def _of_proxies(where: Connection) -> str:
    if where.unused_proxy is None:
        return ""
    return f" {where.unused_proxy} is not used; if the way leads through a proxy, name it in BERTH_PROXY"


_RESULTS: Mapping[str, Result] = {"created": "created", "configured": "configured", "unchanged": "unchanged"}


@asynccontextmanager
async def connect(
    locate: Callable[[], Connection], *, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[Client]:
    """A client for the length of one command.

    Raises:
        Failure: there is no server to talk to.
    """
    connection = locate()
    try:
        http = outgoing.client(
            timeout=httpx.Timeout(_PATIENCE, connect=_CONNECT),
            verify=trust(urlsplit(connection.url).scheme),
            proxy=connection.proxy,
            transport=transport,
        )
    except ValueError:
        raise Failure(
            "BERTH_PROXY is not the URL of a proxy",
            code=ExitCode.USAGE,
            remedy="http://proxy.example.com:3128; or leave it out",
        ) from None
    async with http:
        yield Client(http, locate)


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, Failure) and error.reason == "Unavailable"


def _say_busy(state: RetryCallState) -> None:
    """Said once: the command takes longer than it should, and why."""
    if state.attempt_number == 1 and state.outcome is not None:
        sys.stderr.write(f"{state.outcome.exception()}: asking again for half a minute\n")
        sys.stderr.flush()


def _decoded(answer: httpx.Response) -> Record:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Failure(
            f"the server answered {answer.status_code} with something that is not a record",
            code=ExitCode.SERVER_FAILED,
            remedy="check with `berth config` that this is a Berth",
        )
    return body


def _failure(answer: httpx.Response) -> Failure:
    if not answer.headers.get("Content-Type", "").startswith("application/problem+json"):
        return from_problem(answer.status_code, None)
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    return from_problem(answer.status_code, problem if isinstance(problem, dict) else None)
