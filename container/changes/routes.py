"""The changes over HTTP. Where git fails, ``error`` has its ``reason`` and what it ``said``, too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from container.answering import Body, body, number, route, word
from container.changes.changes import Changes
from container.changes.difference import Side
from container.changes.status import Status
from container.git_failures import GitFailure
from container.refusal import Why

PREFIX = "/api/changes"
_ELSEWHERE = frozenset({"Unreachable", "AuthenticationFailed", "RepositoryNotFound"})
"""Reasons that lie with the server."""


class RepositoryBody(Body):
    """The repository, where there are several."""

    repository: str | None = None


class PathsBody(RepositoryBody):
    """Files; none given for all."""

    paths: list[str] | None = Field(default=None, max_length=10_000)


class PathBody(RepositoryBody):
    """A file."""

    path: str = Field(min_length=1)


class CommitBody(RepositoryBody):
    """A message."""

    message: str


class BranchBody(RepositoryBody):
    """A branch."""

    branch: str = Field(min_length=1, max_length=1000)


def routes(changes: Changes) -> list[BaseRoute]:
    """All of it."""
    return [*_telling(changes), *_making(changes), *_going(changes)]


def _telling(changes: Changes) -> list[BaseRoute]:
    async def repositories(_: Request) -> Response:
        return JSONResponse({"repositories": list(await changes.repositories())})

    async def status(request: Request) -> Response:
        return JSONResponse(asdict(await changes.status(repository=_repository(request))))

    async def diff(request: Request) -> Response:
        side = Side(word(request, "side", Side.ALL, *Side))
        path = request.query_params.get("path")
        return JSONResponse(asdict(await changes.diff(path, side, repository=_repository(request))))

    async def log(request: Request) -> Response:
        found = await changes.log(number(request, "count", 50), repository=_repository(request))
        return JSONResponse({"commits": [asdict(commit) for commit in found]})

    async def branches(request: Request) -> Response:
        found = await changes.branches(repository=_repository(request))
        return JSONResponse({"branches": [asdict(branch) for branch in found]})

    return [
        _route("", status),
        _route("/repositories", repositories),
        _route("/diff", diff),
        _route("/log", log),
        _route("/branches", branches),
    ]


def _making(changes: Changes) -> list[BaseRoute]:
    async def stage(request: Request) -> Response:
        asked = await body(request, PathsBody)
        return _told(await changes.stage(asked.paths, repository=asked.repository))

    async def unstage(request: Request) -> Response:
        asked = await body(request, PathsBody)
        return _told(await changes.unstage(asked.paths, repository=asked.repository))

    async def discard(request: Request) -> Response:
        asked = await body(request, PathBody)
        return _told(await changes.discard(asked.path, repository=asked.repository))

    async def commit(request: Request) -> Response:
        asked = await body(request, CommitBody)
        made = await changes.commit(asked.message, repository=asked.repository)
        return JSONResponse(asdict(made), 201)

    return [
        _route("/stage", stage, "POST"),
        _route("/unstage", unstage, "POST"),
        _route("/discard", discard, "POST"),
        _route("/commits", commit, "POST"),
    ]


def _going(changes: Changes) -> list[BaseRoute]:
    def order(given: Callable[..., Awaitable[Status]]) -> Callable[[Request], Awaitable[Response]]:
        async def obey(request: Request) -> Response:
            return _told(await given(repository=(await body(request, RepositoryBody)).repository))

        return obey

    async def create(request: Request) -> Response:
        asked = await body(request, BranchBody)
        return _told(await changes.create_branch(asked.branch, repository=asked.repository), 201)

    async def switch(request: Request) -> Response:
        asked = await body(request, BranchBody)
        return _told(await changes.switch(asked.branch, repository=asked.repository))

    return [
        _route("/fetch", order(changes.fetch), "POST"),
        _route("/pull", order(changes.pull), "POST"),
        _route("/push", order(changes.push), "POST"),
        _route("/branches", create, "POST"),
        _route("/switch", switch, "POST"),
    ]


def _route(path: str, endpoint: Callable[[Request], Awaitable[Response]], method: str = "GET") -> BaseRoute:
    async def failing(request: Request) -> Response:
        try:
            return await endpoint(request)
        except GitFailure as failure:
            error: dict[str, Any] = {"field": "", "message": failure.message}
            error |= {"reason": failure.reason, "said": failure.said}
            why = Why.UNREACHABLE if failure.reason in _ELSEWHERE else Why.CONFLICT
            return JSONResponse({"error": error}, why.value)

    return route(PREFIX + path, failing, method)


def _repository(request: Request) -> str | None:
    return request.query_params.get("repository")


def _told(status: Status, code: int = 200) -> Response:
    return JSONResponse(asdict(status), code)
