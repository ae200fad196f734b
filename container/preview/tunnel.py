"""Passes a WebSocket on to a previewed program, and back."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from container.preview import headers as passed
from container.preview.addresses import Seen
from container.preview.proxy import Target, own_port, raw_path
from container.refusal import Refusal

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

MAX_TUNNELS = 32
_OPENING, _CLOSING = 10.0, 2.0
_MAX_MESSAGE = 16 * 1024 * 1024
_NORMAL, _NO_CODE, _BROKEN, _TRY_LATER, _BAD_GATEWAY = 1000, 1005, 1011, 1013, 1014
_NOT_SENT = frozenset({1004, 1005, 1006, 1015})
"""Codes that tell of a close and are not sent in one."""
_MAX_REASON = 123


class Tunnels:
    """Passes WebSockets on, up to :data:`MAX_TUNNELS` at a time, messages of 16 MiB at most."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._open = 0

    async def join(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Join the two until one of them closes."""
        websocket = WebSocket(scope, receive, send)
        if self._open >= MAX_TUNNELS:
            await websocket.close(_TRY_LATER, f"{MAX_TUNNELS} are open already")
            return
        self._open += 1
        try:
            await self._join(websocket, scope["seen"])
        finally:
            self._open -= 1

    async def _join(self, websocket: WebSocket, seen: Seen) -> None:
        from websockets.exceptions import InvalidHandshake  # noqa: PLC0415 - for whoever looks at a preview

        try:
            address = await self._target(seen.port, own_port(websocket.scope))
            program = await self._connect(websocket, seen, address)
        except (Refusal, OSError, TimeoutError, InvalidHandshake) as error:
            await websocket.close(_BAD_GATEWAY, str(error)[:_MAX_REASON])
            return
        async with program:
            await websocket.accept(program.subprotocol)
            there = asyncio.create_task(_there(websocket, program))
            back = asyncio.create_task(_back(websocket, program))
            await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
            for task in (there, back):
                task.cancel()
            await asyncio.gather(there, back, return_exceptions=True)

    async def _connect(self, websocket: WebSocket, seen: Seen, address: str) -> ClientConnection:
        from websockets.asyncio.client import connect  # noqa: PLC0415 - see above

        path = raw_path(websocket.scope, seen).decode("ascii", "replace")
        given = passed.to_program(websocket.headers.items(), seen.port, seen.prefix)
        protocols = websocket.scope["subprotocols"]
        return await connect(
            f"ws://localhost:{seen.port}{path}",
            host=address,
            port=seen.port,
            subprotocols=protocols or None,
            additional_headers=[pair for pair in given if pair[0] not in {"host", "user-agent"}],
            user_agent_header=websocket.headers.get("user-agent"),
            compression=None,
            proxy=None,
            open_timeout=_OPENING,
            close_timeout=_CLOSING,
            ping_interval=None,  # both ends have their own
            max_size=_MAX_MESSAGE,
        )


async def _there(websocket: WebSocket, program: ClientConnection) -> None:
    from websockets.exceptions import ConnectionClosed  # noqa: PLC0415 - see above

    with contextlib.suppress(ConnectionClosed):
        while (message := await websocket.receive())["type"] == "websocket.receive":
            data = message.get("bytes")
            await program.send(message["text"] if data is None else data)
        await program.close(_sendable(message.get("code")), (message.get("reason") or "")[:_MAX_REASON])


async def _back(websocket: WebSocket, program: ClientConnection) -> None:
    from websockets.exceptions import ConnectionClosed  # noqa: PLC0415 - see above

    with contextlib.suppress(ConnectionClosed):
        while True:
            message = await program.recv()
            await (
                websocket.send_text(message) if isinstance(message, str) else websocket.send_bytes(message)
            )
    await websocket.close(_sendable(program.close_code), program.close_reason)


def _sendable(code: int | None) -> int:
    """A code as it may be sent on: some only tell that none came."""
    if code in {None, _NO_CODE}:
        return _NORMAL
    return _BROKEN if code in _NOT_SENT else code
