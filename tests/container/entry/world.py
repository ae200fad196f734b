"""A gate in memory around a small app, with a clock that stands still until it is moved."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket

from container.contract import EntryUse
from container.database import open_database
from container.entry.entry import Entry
from container.entry.guard import Guard
from container.entry.policy import PARTS, Part
from container.entry.routes import routes
from container.entry.tokens import Tokens
from container.environment import read_settings
from container.journal import Journal
from container.moments import now as real_now

KEY = "canary-of-the-key-" + "k" * 25
SESSION = "fix-login-abc"
CONSOLE = "https://berth.example.com"
HOST = "fix-login.sessions.example.com"
OWN = f"https://{HOST}"
START = 1_800_000_000
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
BY_HTTPS = {"X-Forwarded-Proto": "https"}


@dataclass
class Gate:
    """One gate, and what is behind it: ``done`` are the requests that got there."""

    path: Path
    key: str | None = KEY
    session: str = SESSION
    parts: tuple[Part, ...] = PARTS
    outside: tuple[BaseRoute, ...] = ()
    now: int = START
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        database, _ = open_database(self.path, real_now())
        self.journal = Journal(database)
        settings = read_settings({"SESSION_ID": self.session, "BERTH_CONSOLE_ORIGIN": CONSOLE}, first=False)
        self.entry = Entry(settings, self.key, self.journal, database, now=lambda: self.now)
        self.tokens = Tokens(KEY.encode(), self.session)

        async def inside(request: Request) -> Response:
            self.done.append(f"{request.method} {request.url.path}")
            kept = {"Content-Security-Policy": "sandbox"} if "own-policy" in request.url.path else None
            return PlainTextResponse("inside", headers=kept)

        async def socket(websocket: WebSocket) -> None:
            self.done.append(f"WS {websocket.url.path}")
            await websocket.accept()
            await websocket.close()

        methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        everything = [
            *routes(self.entry),
            WebSocketRoute("/api/socket", socket),
            Route("/{path:path}", inside, methods=methods),
        ]
        self.app = Guard(Starlette(routes=everything), self.entry, parts=self.parts, outside=self.outside)

    def token(self, use: EntryUse = EntryUse.ENTER, **claims: object) -> str:
        made = self.tokens.make(use, owner="alice", now=self.now)
        return made if not claims else resigned(made, **claims)

    @asynccontextmanager
    async def client(self, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url=OWN, headers={**BY_HTTPS, **headers}
        ) as client:
            yield client

    async def cookie(self) -> str:
        """``name=value`` of somebody who entered."""
        async with self.client() as client:
            answer = await client.post("/enter", json={"token": self.token()})
            assert answer.status_code == 204, answer.text
            return answer.headers["set-cookie"].partition(";")[0]

    async def ask(self, method: str, path: str, **headers: str) -> httpx.Response:
        async with self.client() as client:
            return await client.request(method, path, headers=headers)

    async def open_socket(self, path: str = "/api/socket", **headers: str) -> list[Message]:
        """Open a WebSocket; what the app said."""
        given = {"Host": HOST, **BY_HTTPS, **headers}
        scope = {
            "type": "websocket",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "scheme": "ws",
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
            "subprotocols": [],
            "extensions": {},
        }
        said: list[Message] = []

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            said.append(message)

        await self.app(scope, receive, send)
        return said

    def close(self) -> None:
        self.journal.close()


def resigned(token: str, *, key: str = KEY, header: dict[str, object] | None = None, **claims: object) -> str:
    """The token with other claims; a claim of None is left out."""
    whole = jwt.decode(token, options={"verify_signature": False}) | claims
    kept = {name: value for name, value in whole.items() if value is not None}
    return jwt.api_jws.encode(json.dumps(kept).encode(), key, algorithm="HS256", headers=header)
