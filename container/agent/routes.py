"""The agent's HTTP routes, JSON in and out. GET changes nothing and counts as no activity."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute

from container.agent.agent import Agent
from container.agent.bodies import (
    AnswerBody,
    EditBody,
    ModeBody,
    OptionBody,
    PromptBody,
    ProviderBody,
    SeenBody,
)
from container.agent.codec import encode, encode_all
from container.agent.stream import stream
from container.answering import Endpoint, body, given_number, route
from container.refusal import Refusal, Why

PREFIX = "/api/agent"
_MAX_BODY = 45 * 1024 * 1024
"""Bytes: the attachments of one prompt, in base64, are at most some 30 MiB together."""
_MAX_LIMIT = 2000
_INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp")


def routes(agent: Agent) -> list[BaseRoute]:
    """All of them, under :data:`PREFIX`."""
    return [*_reading(agent), *_prompting(agent), *_choosing(agent)]


def _reading(agent: Agent) -> list[BaseRoute]:
    async def show(_: Request) -> Response:
        return _json(agent.view())

    async def transcript(request: Request) -> Response:
        limit = given_number(request, "limit") or 200
        if "after" in request.query_params:
            return _json(agent.since(given_number(request, "after") or 0, limit=min(limit, _MAX_LIMIT)))
        return _json(agent.before(given_number(request, "before"), limit=min(max(limit, 1), _MAX_LIMIT)))

    async def markdown(_: Request) -> Response:
        text = await agent.markdown()
        return Response(text, media_type="text/markdown", headers=_download("transcript.md"))

    async def whole(_: Request) -> Response:
        content = encode_all(await agent.items())
        return Response(content, media_type="application/json", headers=_download("transcript.json"))

    async def events(request: Request) -> Response:
        told = request.headers.get("last-event-id", "")
        after = int(told) if told.isascii() and told.isdigit() else given_number(request, "after")
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
        route(PREFIX + "", show),
        route(PREFIX + "/transcript", transcript),
        route(PREFIX + "/transcript.md", markdown),
        route(PREFIX + "/transcript.json", whole),
        route(PREFIX + "/events", events),
        route(PREFIX + "/attachments/{prompt}/{name}", attachment),
    ]


def _prompting(agent: Agent) -> list[BaseRoute]:
    async def prompt(request: Request) -> Response:
        asked = await body(request, PromptBody, _MAX_BODY)
        given = [attachment.given() for attachment in asked.attachments]
        return _json(await agent.prompt(asked.text, given, place=asked.place), 201)

    async def edit(request: Request) -> Response:
        id_, asked = request.path_params["prompt"], await body(request, EditBody)
        if asked.text is not None:
            await agent.edit(id_, asked.text)
        if asked.place is not None:
            await agent.move(id_, asked.place)
        return _json(agent.view())

    async def withdraw(request: Request) -> Response:
        await agent.withdraw(request.path_params["prompt"])
        return Response(status_code=204)

    async def answer(request: Request) -> Response:
        asked = await body(request, AnswerBody)
        await agent.answer(request.path_params["request"], asked.option)
        return Response(status_code=204)

    async def see(request: Request) -> Response:
        await agent.see((await body(request, SeenBody)).revision)
        return Response(status_code=204)

    return [
        route(PREFIX + "/prompts", prompt, "POST"),
        route(PREFIX + "/prompts/{prompt}", edit, "PATCH"),
        route(PREFIX + "/prompts/{prompt}", withdraw, "DELETE"),
        route(PREFIX + "/permissions/{request}", answer, "POST"),
        route(PREFIX + "/seen", see, "POST"),
        route(PREFIX + "/start", _order(agent.warm), "POST"),
        route(PREFIX + "/proceed", _order(agent.proceed), "POST"),
        route(PREFIX + "/cancel", _order(agent.cancel), "POST"),
    ]


def _choosing(agent: Agent) -> list[BaseRoute]:
    async def provider(request: Request) -> Response:
        await agent.choose_provider((await body(request, ProviderBody)).provider)
        return _json(agent.view())

    async def mode(request: Request) -> Response:
        await agent.choose_mode((await body(request, ModeBody)).mode)
        return _json(agent.view())

    async def option(request: Request) -> Response:
        asked = await body(request, OptionBody)
        await agent.choose_option(request.path_params["option"], asked.value)
        return _json(agent.view())

    return [
        route(PREFIX + "/provider", provider, "PUT"),
        route(PREFIX + "/mode", mode, "PUT"),
        route(PREFIX + "/options/{option:path}", option, "PUT"),
    ]


def _order(order: Callable[[], Awaitable[None]]) -> Endpoint:
    """Something that is asked for without a word more."""

    async def obey(_: Request) -> Response:
        await order()
        return Response(status_code=204)

    return obey


def _json(value: Any, status: int = 200) -> Response:
    return Response(encode(value), status, media_type="application/json")


def _download(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
