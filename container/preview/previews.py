"""The previews of a session: what its programs listen on, and how it is passed on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from container.preview.addresses import Addresses, Passing, Seen
from container.preview.ports import Listener, is_own, listeners, name_of, owners
from container.preview.proxy import Proxy
from container.preview.tunnel import Tunnels
from container.refusal import Refusal, Why

_FIRST_FREE = 1024
_LOCALHOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Preview:
    """A port that a program of the session listens on; ``short`` and ``whole`` are its addresses."""

    port: int
    program: str
    short: str
    whole: str


class Previews:
    """Ports, their addresses, and what passes through them.

    ``environ`` is that of the session's programs; ``console_origin`` may frame a preview, as the
    app itself may.
    """

    def __init__(self, environ: Mapping[str, str], *, console_origin: str | None) -> None:
        self._environ = environ
        self._addresses = Addresses()
        self._proxy = Proxy(self._target, console_origin)
        self._tunnels = Tunnels(self._target)

    async def ports(self) -> tuple[Preview, ...]:
        """What programs of this session listen on, by port; not the app's own."""
        found = await asyncio.to_thread(self._own)
        return tuple(
            Preview(
                listener.port,
                name_of(program),
                self.address(listener.port, Passing.SHORT),
                self.address(listener.port, Passing.WHOLE),
            )
            for listener, program in found
        )

    def address(self, port: int, passing: Passing = Passing.SHORT) -> str:
        """Where a port is seen: a path of the app that ends in ``/``. Raises Refusal for no port."""
        return self._addresses.of(port, passing)

    def find(self, path: str) -> Seen | None:
        """What a path of the app leads to; None where it is no address that was told."""
        return self._addresses.find(path)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request or a WebSocket on; ``scope["seen"]`` is what :meth:`find` found."""
        if scope["type"] == "websocket":
            await self._tunnels.join(scope, receive, send)
        else:
            await self._proxy.serve(scope, receive, send)

    async def aclose(self) -> None:
        """Let go of all connections."""
        await self._proxy.aclose()

    async def _target(self, port: int, own: int | None) -> str:
        """The IP address that a port is reached at. ``own`` is the app's port. Raises Refusal.

        The app is no preview of itself, and below 1024 only what the session runs is shown.
        """
        if port == own:
            raise Refusal(Why.FORBIDDEN, "port", "is the app's own, and not shown in itself")
        if port < _FIRST_FREE and all(
            listener.port != port for listener, _ in await asyncio.to_thread(self._own)
        ):
            message = f"is not shown: below {_FIRST_FREE} only what this session's programs listen on is"
            raise Refusal(Why.FORBIDDEN, "port", message)
        found = await asyncio.to_thread(listeners)
        return next((listener.address for listener in found if listener.port == port), _LOCALHOST)

    def _own(self) -> list[tuple[Listener, int]]:
        found = listeners()
        programs = owners(listener.inode for listener in found)
        pairs = ((listener, programs.get(listener.inode)) for listener in found)
        return [
            (listener, program)
            for listener, program in pairs
            if program is not None and is_own(program, self._environ)
        ]
