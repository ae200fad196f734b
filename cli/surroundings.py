"""What a command takes from outside itself: environment, clock, network, browser.

Commands get it through Typer's context, so that a test can put others in their place.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import httpx
    import typer

    from cli.client import Client
    from cli.connection import Connection

T = TypeVar("T")


def _browse(url: str) -> None:
    """Have the person's browser show a page; raises Failure where none can be started."""
    import typer  # noqa: PLC0415 - wherever this is called, it is loaded

    from cli.failures import ExitCode, Failure  # noqa: PLC0415 - the same

    if typer.launch(url) != 0:
        raise Failure(
            "no browser can be started here",
            code=ExitCode.NOT_MET,
            remedy="berth open NAME --print gives the link to open by hand",
        )


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The world around a command; the defaults are the real one."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    now: Callable[[], datetime] = _now
    run: Callable[[Coroutine[Any, Any, Any]], Any] = asyncio.run
    browse: Callable[[str], None] = _browse
    transport: httpx.AsyncBaseTransport | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One invocation of a command: which server, which namespace, in which surroundings."""

    surroundings: Surroundings
    server: str | None
    namespace: str

    @classmethod
    def of(cls, ctx: typer.Context, *, server: str | None = None, namespace: str | None = None) -> Call:
        """The invocation that Typer's context and the shared options describe."""
        around = ctx.obj if isinstance(ctx.obj, Surroundings) else Surroundings()
        chosen = namespace or around.environment.get("BERTH_NAMESPACE") or "default"
        return cls(around, server, chosen)

    def locate(self) -> Connection:
        """Where the server is now; it may have moved since the last time.

        Raises:
            Failure: there is none.
        """
        from cli.connection import locate  # noqa: PLC0415 - `berth --help` needs no server

        return locate(self.surroundings.environment, server=self.server)

    def run(self, work: Callable[[Client], Awaitable[T]]) -> T:
        """Do ``work`` with a client of the server, to its end.

        Raises:
            Failure: as told by the server, or there is none.
        """
        from cli.client import connect  # noqa: PLC0415 - brings the HTTP library with it

        async def with_client() -> T:
            async with connect(self.locate, transport=self.surroundings.transport) as client:
                return await work(client)

        result: T = self.surroundings.run(with_client())
        return result
