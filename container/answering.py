"""Routes in JSON: bodies checked, refusals as ``{"error": {"field": …, "message": …}}``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from container.refusal import Refusal, Why

MAX_BODY = 1024 * 1024
"""Bytes of a JSON body."""
_MAX_DIGITS = 18
Endpoint = Callable[[Request], Awaitable[Response]]
B = TypeVar("B", bound="Body")


class Body(BaseModel):
    """A JSON object of which every field is known."""

    model_config = ConfigDict(extra="forbid", strict=True)


def route(path: str, endpoint: Endpoint, method: str = "GET") -> Route:
    """A route; what the endpoint refuses is answered as JSON."""

    @wraps(endpoint)
    async def refusing(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refusal as refusal:
            return refused(refusal)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it

    return Route(path, refusing, methods=[method])


def refused(refusal: Refusal) -> Response:
    """A refusal as an answer."""
    return JSONResponse({"error": error_of(refusal)}, refusal.why.value)


def error_of(refusal: Refusal) -> dict[str, str]:
    """The object under ``error``."""
    return {"field": refusal.field, "message": refusal.message}


async def body(request: Request, kind: type[B], most: int = MAX_BODY) -> B:
    """The body as JSON of a kind, of ``most`` bytes; raises Refusal."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        # A page of another origin can send a form without asking, and JSON it cannot.
        raise Refusal(Why.INVALID, "Content-Type", "must be application/json")
    return checked(await content(request, most), kind)


def checked(text: str | bytes, kind: type[B]) -> B:
    """Text as JSON of a kind; raises Refusal."""
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise Refusal(Why.INVALID, field, first["msg"].removeprefix("Value error, ")) from None


async def content(request: Request, most: int) -> bytes:
    """The body as it is; raises Refusal for one of more than ``most`` bytes."""
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > most:
            raise Refusal(Why.TOO_LARGE, "", f"the request is larger than {most // 1024 // 1024} MiB")
    return bytes(found)


def word(connection: HTTPConnection, name: str, *choice: str) -> str:
    """A query parameter that is one of ``choice``, the first if it is not given; raises Refusal."""
    text = connection.query_params.get(name)
    if text is None:
        return choice[0]
    if text not in choice:
        raise Refusal(Why.INVALID, name, f"must be one of {', '.join(choice)}")
    return text


def number(connection: HTTPConnection, name: str, default: int) -> int:
    """A query parameter as a whole number; raises Refusal."""
    found = given_number(connection, name)
    return default if found is None else found


def given_number(connection: HTTPConnection, name: str) -> int | None:
    """A query parameter as a whole number, None where it is not given; raises Refusal."""
    text = connection.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise Refusal(Why.INVALID, name, "must be a whole number, 0 or more")
    return int(text)
