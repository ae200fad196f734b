"""The files over HTTP.

A path is the query parameter ``path``: in the address itself, a browser would change it.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute

from container.answering import Body, body, content, route, word
from container.refusal import Refusal, Why
from container.tree.archive import Form
from container.tree.reading import MAX_TEXT
from container.tree.tree import Download, Tree
from container.tree.uploading import MAX_UPLOAD, Clash

PREFIX = "/api/tree"
_SHOWN_ALONE = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
"""For an image that is opened by itself: one in SVG is a document, and may hold a program."""


class PathBody(Body):
    """What is made."""

    path: str = Field(min_length=1)


class RenameBody(Body):
    """What is given another path."""

    path: str = Field(min_length=1)
    to: str = Field(min_length=1)


def routes(tree: Tree) -> list[BaseRoute]:
    """All of it."""
    return [*_reading(tree), *_writing(tree)]


def _reading(tree: Tree) -> list[BaseRoute]:
    async def index(request: Request) -> Response:
        return JSONResponse(asdict(await tree.list(_path(request))))

    async def read(request: Request) -> Response:
        found = await tree.read(_path(request))
        headers = {"ETag": f'"{found.version}"'} if found.version else {}
        return JSONResponse(asdict(found), headers=headers)

    async def image(request: Request) -> Response:
        headers = {"Content-Security-Policy": _SHOWN_ALONE}
        return _send(await tree.image(_path(request)), "inline", headers)

    async def download(request: Request) -> Response:
        form = word(request, "archive", "", *Form)
        path = _path(request)
        return _send(
            await (tree.archive(path, Form(form)) if form else tree.download(path)), "attachment", {}
        )

    return [
        route(PREFIX, index),
        route(PREFIX + "/file", read),
        route(PREFIX + "/image", image),
        route(PREFIX + "/download", download),
    ]


def _writing(tree: Tree) -> list[BaseRoute]:
    async def write(request: Request) -> Response:
        path = _path(request)
        version = _expected(request)
        text = await content(request, MAX_TEXT)
        if version is None:
            return _written(await tree.create(path, text), 201)
        return _written(await tree.write(path, text, version), 200)

    async def upload(request: Request) -> Response:
        clash = Clash(word(request, "clash", *Clash))
        _check_length(request)
        return JSONResponse({"bytes": await tree.upload(_path(request), request.stream(), clash)}, 201)

    async def make_directory(request: Request) -> Response:
        await tree.create_directory((await body(request, PathBody)).path)
        return Response(status_code=201)

    async def rename(request: Request) -> Response:
        asked = await body(request, RenameBody)
        await tree.rename(asked.path, asked.to)
        return Response(status_code=204)

    async def remove(request: Request) -> Response:
        whole = word(request, "content", "keep", "remove") == "remove"
        await (tree.remove_all if whole else tree.remove)(_path(request))
        return Response(status_code=204)

    return [
        route(PREFIX + "/file", write, "PUT"),
        route(PREFIX + "/upload", upload, "PUT"),
        route(PREFIX + "/directories", make_directory, "POST"),
        route(PREFIX + "/renames", rename, "POST"),
        route(PREFIX, remove, "DELETE"),
    ]


def _path(request: Request) -> str:
    return request.query_params.get("path", "")


def _expected(request: Request) -> str | None:
    """The version that must be there, None for nothing; raises Refusal where it is not said."""
    if request.headers.get("if-none-match", "").strip() == "*":
        return None
    given = request.headers.get("if-match", "").strip()
    version = given.removeprefix("W/").removeprefix('"').removesuffix('"')
    if not version:
        message = (
            'name the version that was read, as in If-Match: "…", or say If-None-Match: * for a new file'
        )
        raise Refusal(Why.UNTOLD, "If-Match", message)
    return version


def _check_length(request: Request) -> None:
    """What is too long is refused before it is sent."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > MAX_UPLOAD:
        raise Refusal(Why.TOO_LARGE, "content", f"is larger than {MAX_UPLOAD // 1024 // 1024} MiB")


def _written(version: str, status: int) -> Response:
    return JSONResponse({"version": version}, status, headers={"ETag": f'"{version}"'})


def _send(download: Download, disposition: str, headers: dict[str, Any]) -> Response:
    name = quote(download.name, safe="")
    headers = {**headers, "Content-Disposition": f"{disposition}; filename*=UTF-8''{name}"}
    if download.size is not None:
        headers["Content-Length"] = str(download.size)
    return StreamingResponse(download.chunks, media_type=download.media_type, headers=headers)
