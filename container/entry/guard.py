"""Stands around the whole app: nothing inside is reached but by those who entered.

Its answers and those from inside all carry the policies. A new route is guarded by being there.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from container.contract import ENTER_PATH, HEALTH_PATH, READY_PATH
from container.entry.answers import refusal
from container.entry.entry import Entry
from container.entry.head import Head
from container.entry.policy import PARTS, Part, Policies
from container.entry.refusal import Refused

OPEN_PATHS = frozenset(
    {
        HEALTH_PATH,
        READY_PATH,
        ENTER_PATH,
        "/static/enter.css",
        "/static/enter.js",
        "/static/bridge.js",
        "/static/icon.svg",
    }
)
"""For everybody: the two health paths, the door, and the files of its page."""

_POLICY_VIOLATION = 1008
_WITH_HEADERS = frozenset({"http.response.start", "websocket.accept"})


class Guard:
    """Lets in who may enter, refuses the rest, and adds the headers of the policies.

    ``outside`` are routes that know their callers by a key in the address, as previews do: whoever
    has it needs no entry, and their answers carry policies of their own.
    """

    def __init__(
        self,
        app: ASGIApp,
        entry: Entry,
        *,
        parts: Sequence[Part] = PARTS,
        outside: Sequence[BaseRoute] = (),
    ) -> None:
        self._app = app
        self._entry = entry
        self._outside = tuple(outside)
        self._policies = Policies(parts, console_origin=entry.console_origin)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or one WebSocket."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        for route in self._outside:
            match, found = route.matches(scope)
            if match is Match.FULL:
                await route.handle({**scope, **found}, receive, send)
                return
        await self._guarded(scope, receive, self._with_policies(scope["path"], send))

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        head = Head(scope)
        try:
            admission = await self._entry.admit(head)
        except Refused as refused:
            await self._refuse(refused, head, scope, receive, send)
            return
        await self._app(scope, receive, _with_cookie(admission.cookie, send))

    def _with_policies(self, path: str, send: Send) -> Send:
        async def send_with_policies(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._policies.apply(MutableHeaders(scope=message), path)
            await send(message)

        return send_with_policies

    async def _refuse(self, refused: Refused, head: Head, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            # Before it is accepted: the server answers 403, and no word is exchanged.
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refused.why.value})
            return
        response = refusal(refused, head, console_origin=self._entry.console_origin)
        await response(scope, receive, send)


def _with_cookie(cookie: str | None, send: Send) -> Send:
    """Carry a renewed cookie on whatever is answered."""
    if cookie is None:
        return send

    async def send_with_cookie(message: Message) -> None:
        if message["type"] in _WITH_HEADERS:
            message.setdefault("headers", [])
            MutableHeaders(scope=message).append("Set-Cookie", cookie)
        await send(message)

    return send_with_cookie
