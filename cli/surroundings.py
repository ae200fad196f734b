"""What a command takes from outside itself: environment, clock, network, browser.

Commands get it through Typer's context, so that a test can put others in their place.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import subprocess
import sys
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


_BROWSER_SECONDS = 5.0
"""A program that opens pages and has not failed by then is at work."""


def _browse(url: str) -> bool:
    """Have the person's browser show a page; False where there is none, or it cannot be started."""
    command = _opener(os.environ)
    if command is None:
        return False
    try:
        # Its output is not ours to show: xdg-open writes a line for each browser that it does not find.
        started = subprocess.Popen(  # noqa: S603 - the system's opener, and a file of our own
            [*command, url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return started.wait(_BROWSER_SECONDS) == 0
    except subprocess.TimeoutExpired:
        return True
    except OSError:
        return False


def _opener(environment: Mapping[str, str]) -> list[str] | None:
    """The command that opens a page, or None where there is no desktop to open it on."""
    if sys.platform == "darwin":
        return ["open"]
    chosen = environment.get("BROWSER", "").split(os.pathsep)[0]
    if chosen and "%s" not in chosen:
        return shlex.split(chosen)
    found = next(filter(None, map(shutil.which, ("wslview", "xdg-open"))), None)
    desktop = any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"))
    return [found] if found and desktop else None


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The world around a command; the defaults are the real one."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    now: Callable[[], datetime] = _now
    run: Callable[[Coroutine[Any, Any, Any]], Any] = asyncio.run
    browse: Callable[[str], bool] = _browse
    transport: httpx.AsyncBaseTransport | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One invocation of a command: which server, which namespace, in which surroundings."""

    surroundings: Surroundings
    server: str | None
    namespace: str

    @classmethod
    def of(cls, ctx: typer.Context, *, server: str | None = None, namespace: str | None = None) -> Call:
        """The invocation that Typer's context and the shared options describe.

        Raises:
            Failure: the namespace cannot be one.
        """
        from cli.kinds import namespace_named  # noqa: PLC0415 - `berth --help` needs no kinds

        around = ctx.obj if isinstance(ctx.obj, Surroundings) else Surroundings()
        if namespace is not None:
            return cls(around, server, namespace_named(namespace, source="-n"))
        chosen = around.environment.get("BERTH_NAMESPACE") or "default"
        return cls(around, server, namespace_named(chosen, source="BERTH_NAMESPACE"))

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
