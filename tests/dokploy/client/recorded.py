"""A Dokploy that answers from recordings of a real one (v0.30.2), word for word."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from dokploy.client import CallLimits, HttpDokploy

_RECORDINGS = Path(__file__).parent / "recordings"
KEY = "canary-key-8f31"

Reply = httpx.Response | Exception | Callable[[httpx.Request], Any]


def body(name: str) -> Any:
    """The recorded answer's body."""
    return json.loads((_RECORDINGS / f"{name}.json").read_text())["response"]["body"]


def request_body(name: str) -> Any:
    """The recorded request's body."""
    return json.loads((_RECORDINGS / f"{name}.json").read_text())["request"]["body"]


def recorded(name: str) -> httpx.Response:
    """The recorded answer."""
    response = json.loads((_RECORDINGS / f"{name}.json").read_text())["response"]
    content = response["body"]
    is_json = response["headers"].get("content-type", "").startswith("application/json")
    if response["bytes"] == 0:
        text = ""
    elif is_json:
        text = json.dumps(content)
    else:
        text = content
    headers = {"content-type": "application/json"} if is_json else {}
    return httpx.Response(response["status"], text=text, headers=headers)


def answer(value: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=value)


def text(value: str, status: int = 200) -> httpx.Response:
    return httpx.Response(status, text=value)


class Scripted:
    """Gives each procedure its answers in turn, the last of them for ever; keeps the requests."""

    def __init__(self, answers: dict[str, Reply | Iterable[Reply]]) -> None:
        self._answers = {
            name: list(replies) if isinstance(replies, (list, tuple)) else [replies]
            for name, replies in answers.items()
        }
        self.requests: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        replies = self._answers[request.url.path.removeprefix("/api/")]
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if isinstance(reply, Exception):
            raise reply
        if callable(reply):
            return await reply(request)
        return httpx.Response(reply.status_code, content=reply.content, headers=reply.headers)

    @property
    def procedures(self) -> list[str]:
        return [request.url.path.removeprefix("/api/") for request in self.requests]

    @property
    def sent(self) -> Any:
        """The body of the newest change."""
        return json.loads(self.requests[-1].content)

    @property
    def asked(self) -> dict[str, str]:
        """The query of the newest reading."""
        return dict(self.requests[-1].url.params)


async def no_sleep(_: float) -> None:
    return None


class Hands:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def dokploy(
    scripted: Scripted, *, clock: Callable[[], float] | None = None, limits: CallLimits | None = None
) -> HttpDokploy:
    """A client of it that does not wait between tries."""
    return HttpDokploy(
        "http://dokploy.test:3000",
        SecretStr(KEY),
        transport=httpx.MockTransport(scripted),
        limits=limits or CallLimits(in_flight=4, per_second=1000),
        clock=clock or Hands(),
        sleep=no_sleep,
        jitter=lambda: 0.5,
    )
