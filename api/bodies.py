"""The body of a request: bounded in size and in time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect, Request

from api.problems import Problem, Reason

_JSON = frozenset({"application/json", ""})
_YAML = frozenset({"application/yaml", "application/x-yaml", "text/yaml"})


@dataclass(frozen=True, slots=True)
class Body:
    """What was sent; it may hold secrets."""

    content: bytes = field(repr=False)
    is_yaml: bool


async def read_body(request: Request, *, limit: int, seconds: float) -> Body:
    """A request's body of at most ``limit`` bytes, within ``seconds``.

    Raises Problem: TooLarge, UnsupportedMediaType, or Invalid for one that does not arrive.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _JSON | _YAML:
        raise Problem(Reason.UNSUPPORTED_MEDIA_TYPE, "send application/json or application/yaml")
    try:
        async with asyncio.timeout(seconds):
            return Body(await _read(request, limit), media_type in _YAML)
    except TimeoutError:
        detail = f"the body did not arrive within {seconds:g} s"
        raise Problem(Reason.INVALID, detail, status=408) from None
    except ClientDisconnect:
        raise Problem(Reason.INVALID, "the body ended early", status=400) from None


async def _read(request: Request, limit: int) -> bytes:
    too_large = Problem(Reason.TOO_LARGE, f"the body is larger than the limit of {limit} bytes")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large
    return bytes(body)
