"""The agent's HTTP routes, JSON in and out. GET changes nothing and counts as no activity."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from container.agent.agent import Agent
from container.agent.bodies import (
    AnswerBody,
    Body,
    EditBody,
    ModeBody,
    OptionBody,
    PromptBody,
    ProviderBody,
    SeenBody,
)
from container.agent.codec import encode, encode_all
from container.agent.refusal import Refusal, Why
from container.agent.stream import stream

B = TypeVar("B", bound=Body)

PREFIX = "/api/agent"
_MAX_BODY = 45 * 1024 * 1024
"""Bytes: the attachments of one prompt, in base64, are at most some 30 MiB together."""
_MAX_LIMIT = 2000
_INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp")

Endpoint = Callable[[Request], Awaitable[Response]]


def routes(agent: Agent) -> list[BaseRoute]:
    """All of them, under :data:`PREFIX`."""
    return [*_reading(agent), *_prompting(agent), *_choosing(agent)]


def _reading(agent: Agent) -> list[BaseRoute]:
    async def show(_: Request) -> Response:
        return _json(agent.view())

    async def transcript(request: Request) -> Response:
        limit = _number(request, "limit") or 200
        if "after" in request.query_params:
            return _json(agent.since(_number(request, "after") or 0, limit=min(limit, _MAX_LIMIT)))
        return _json(agent.before(_number(request, "before"), limit=min(max(limit, 1), _MAX_LIMIT)))

    async def markdown(_: Request) -> Response:
        text = await agent.markdown()
        return Response(text, media_type="text/markdown", headers=_download("transcript.md"))

    async def whole(_: Request) -> Response:
        content = encode_all(await agent.items())
        return Response(content, media_type="application/json", headers=_download("transcript.json"))

    async def events(request: Request) -> Response:
        told = request.headers.get("last-event-id", "")
        after = int(told) if told.isascii() and told.isdigit() else _number(request, "after")
        return stream(agent, agent.revision if after is None else after)

    async def attachment(request: Request) -> Response:
        file = agent.attached(request.path_params["prompt"], request.path_params["name"])
        if not file.path.is_file():
            raise Refusal(Why.ABSENT, "name", "it is no longer kept")
        shown = file.attachment.mime in _INLINE
        return FileResponse(
            file.path,
            media_type=file.attachment.mime if shown else "application/octet-stream",
            filename=file.attachment.name,
            content_disposition_type="inline" if shown else "attachment",
        )

    return [
        _route("", show),
        _route("/transcript", transcript),
        _route("/transcript.md", markdown),
        _route("/transcript.json", whole),
        _route("/events", events),
        _route("/attachments/{prompt}/{name}", attachment),
    ]


def _prompting(agent: Agent) -> list[BaseRoute]:
    async def prompt(request: Request) -> Response:
        body = await _body(request, PromptBody)
        given = [attachment.given() for attachment in body.attachments]
        return _json(await agent.prompt(body.text, given, place=body.place), 201)

    async def edit(request: Request) -> Response:
        id_, body = request.path_params["prompt"], await _body(request, EditBody)
        if body.text is not None:
            await agent.edit(id_, body.text)
        if body.place is not None:
            await agent.move(id_, body.place)
        return _json(agent.view())

    async def withdraw(request: Request) -> Response:
        await agent.withdraw(request.path_params["prompt"])
        return Response(status_code=204)

    async def answer(request: Request) -> Response:
        body = await _body(request, AnswerBody)
        await agent.answer(request.path_params["request"], body.option)
        return Response(status_code=204)

    async def see(request: Request) -> Response:
        await agent.see((await _body(request, SeenBody)).revision)
        return Response(status_code=204)

    return [
        _route("/prompts", prompt, "POST"),
        _route("/prompts/{prompt}", edit, "PATCH"),
        _route("/prompts/{prompt}", withdraw, "DELETE"),
        _route("/permissions/{request}", answer, "POST"),
        _route("/seen", see, "POST"),
        _route("/start", _order(agent.warm), "POST"),
        _route("/proceed", _order(agent.proceed), "POST"),
        _route("/cancel", _order(agent.cancel), "POST"),
    ]


def _choosing(agent: Agent) -> list[BaseRoute]:
    async def provider(request: Request) -> Response:
        await agent.choose_provider((await _body(request, ProviderBody)).provider)
        return _json(agent.view())

    async def mode(request: Request) -> Response:
        await agent.choose_mode((await _body(request, ModeBody)).mode)
        return _json(agent.view())

    async def option(request: Request) -> Response:
        body = await _body(request, OptionBody)
        await agent.choose_option(request.path_params["option"], body.value)
        return _json(agent.view())

    return [
        _route("/provider", provider, "PUT"),
        _route("/mode", mode, "PUT"),
        _route("/options/{option:path}", option, "PUT"),
    ]


def _order(order: Callable[[], Awaitable[None]]) -> Endpoint:
    """Something that is asked for without a word more."""

    async def obey(_: Request) -> Response:
        await order()
        return Response(status_code=204)

    return obey


def _route(path: str, endpoint: Endpoint, method: str = "GET") -> Route:
    @wraps(endpoint)
    async def refusing(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refusal as refusal:
            error = {"field": refusal.field, "message": refusal.message}
            return JSONResponse({"error": error}, refusal.why.value)

    return Route(PREFIX + path, refusing, methods=[method])


def _json(value: Any, status: int = 200) -> Response:
    return Response(encode(value), status, media_type="application/json")


def _download(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):  # noqa: PLR2004 - digits of 2^63
        raise Refusal(Why.INVALID, name, "must be a whole number, 0 or more")
    return int(text)


async def _body(request: Request, kind: type[B]) -> B:
    """The body as JSON of a kind; raises Refusal."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        # A page of another origin can send a form without asking, and JSON it cannot.
        raise Refusal(Why.INVALID, "Content-Type", "must be application/json")
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MAX_BODY:
            raise Refusal(Why.TOO_LARGE, "", f"the request is larger than {_MAX_BODY // 1024 // 1024} MiB")
    try:
        return kind.model_validate_json(bytes(content))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise Refusal(Why.INVALID, field, first["msg"].removeprefix("Value error, ")) from None
