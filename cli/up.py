"""``berth up``: API, controller and the local Dokploy in one process tree, on this machine."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cli.bootstrap import Places, declare_target, run_example
from cli.client import connect
from cli.connection import home as home_of
from cli.connection import locate
from cli.failures import ExitCode, Failure
from cli.output import say
from cli.supervisor import AlreadyRunning, Program, Supervisor, only_one
from cli.surroundings import Surroundings
from container import signals
from records.errors import RecordsError
from records.sql.apart import migrate_apart

EXAMPLES = """
  berth up
  berth up --home ./here --api-port 0 --router-port 0
  berth up --dokploy-url https://dokploy.example.com --dokploy-key-file ./key
"""

API_PORT, ROUTER_PORT = 7431, 7432
_START_SECONDS = 300
"""Patient on purpose: a busy machine takes its time, and a program that ends is told at once."""
_LOOK_SECONDS = 0.03
_TOLD_AFTER = 20.0
"""Seconds after which a person is told what is waited for."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where to listen; None is the default if it is free and any free one otherwise."""

    api: int | None
    router: int | None
    dokploy: int | None


@dataclass(frozen=True, slots=True)
class Start:
    """How it is started: seconds to wait for each part, and whether the example is declared."""

    patience: int
    with_example: bool


def up(  # noqa: PLR0913 - one argument per option
    *,
    home: Annotated[
        Path | None, typer.Option(help="Where all state lies; BERTH_HOME, or the platform's place.")
    ] = None,
    api_port: Annotated[
        int | None, typer.Option(help=f"Port of the API: {API_PORT} if it is free; 0 for any free one.")
    ] = None,
    router_port: Annotated[
        int | None, typer.Option(help=f"Port of the sessions: {ROUTER_PORT} if it is free; 0 for any.")
    ] = None,
    dokploy_port: Annotated[
        int | None, typer.Option(help="Port of the local Dokploy; any free one by default.")
    ] = None,
    dokploy_url: Annotated[
        str | None, typer.Option(help="Work on this Dokploy, and start no local one.")
    ] = None,
    dokploy_key_file: Annotated[
        Path | None, typer.Option(help="File with that Dokploy's API key (an owner's or admin's).")
    ] = None,
    database_url: Annotated[
        str | None, typer.Option(help="Where records live; by default SQLite in the home.")
    ] = None,
    start_timeout: Annotated[
        int, typer.Option(min=1, help="Seconds to wait for each part, and for the example, to start.")
    ] = _START_SECONDS,
    example: Annotated[bool, typer.Option(help="Declare examples/hello.yaml, and wait for it.")] = True,
) -> None:
    """Start Berth here: API, controller, and a local Dokploy. Ctrl-C ends all of it.

    Sessions of the local Dokploy are processes of this machine, not isolated from it or from each
    other: run what you trust.
    """
    if (dokploy_url is None) != (dokploy_key_file is None):
        raise Failure("--dokploy-url and --dokploy-key-file go together", code=ExitCode.USAGE)
    surroundings = Surroundings()
    place = _usable((home or home_of(surroundings.environment)).absolute())
    places = Places(place, database_url, dokploy_url, dokploy_key_file)
    try:
        with only_one(place):
            ports = Ports(api_port, router_port, dokploy_port)
            asyncio.run(_run(places, ports, Start(start_timeout, with_example=example)))
    except AlreadyRunning:
        raise Failure(
            f"a Berth runs in {place} already",
            code=ExitCode.CONFLICT,
            remedy="use it, end it with Ctrl-C, or start another with --home",
        ) from None


def _usable(place: Path) -> Path:
    """The home itself, made and writable; raises Failure."""
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=place):
            return place
    except OSError as error:
        why = "it is a file" if place.is_file() else error.strerror
        raise Failure(
            f"the home {place} cannot be used: {why}",
            code=ExitCode.INVALID,
            remedy="name another directory with --home or BERTH_HOME",
        ) from None


async def _run(places: Places, ports: Ports, start: Start) -> None:
    told = _told_to_end(signals.begin())
    supervisor = Supervisor(places.home, say)
    supervisor.end_leftovers()
    try:
        started = time.monotonic()
        work = asyncio.create_task(_start(places, ports, supervisor, start))
        await asyncio.wait({work, told}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            await work
            say(f"up after {time.monotonic() - started:.1f} s; Ctrl-C ends it, and `berth up` goes on")
            await told
        work.cancel()
    finally:
        say("ending")
        await supervisor.stop()
        for leftover in (places.api_endpoint, places.dokploy_endpoint):
            leftover.unlink(missing_ok=True)
    say(f"ended; the records are kept in {places.home}")


def _told_to_end(ignored: frozenset[signal.Signals]) -> asyncio.Future[None]:
    """A future that SIGTERM fulfils, and SIGINT or SIGHUP unless whoever started us had them ignored."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[None] = loop.create_future()
    for number in {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} - ignored:
        loop.add_signal_handler(number, lambda: None if told.done() else told.set_result(None))
    return told


async def _start(places: Places, ports: Ports, supervisor: Supervisor, start: Start) -> None:
    say(f"home      {places.home}")
    places.api_endpoint.unlink(missing_ok=True)
    places.dokploy_endpoint.unlink(missing_ok=True)
    # All three at once: each waits for what it needs of the others by itself.
    if places.dokploy_url is None:
        await supervisor.start(_dokploy(places, ports))
    if places.is_first_start:
        await _make_database(places)
    await supervisor.start(_api(places, ports))
    await supervisor.start(Program("controller", "controller", environment=places.environment))
    if places.dokploy_url is None:
        await _endpoint(places.dokploy_endpoint, "dokploy", supervisor, start.patience)
        say(f"dokploy   {places.dokploy()['url']} (local: sessions are processes, not isolated)")
    await _endpoint(places.api_endpoint, "api", supervisor, start.patience)
    environment = {**os.environ, "BERTH_HOME": str(places.home)}
    for name in ("BERTH_URL", "BERTH_TOKEN"):
        environment.pop(name, None)
    async with connect(lambda: locate(environment)) as client:
        say(f"api       {client.connection.url} (token in {places.token})")
        await declare_target(client, places)
        if start.with_example:
            await run_example(client, places, say, patience=start.patience)
    say("enter     berth open hello (a session's page opens only through Berth)")
    say("look      berth get sessions · berth describe session hello")


async def _make_database(places: Places) -> None:
    """Make it once; API and controller, started at once, would each start the program that does."""
    try:
        await migrate_apart(places.database_url)
    except RecordsError as error:
        raise Failure(f"the database cannot be made: {error}", code=ExitCode.SERVER_FAILED) from None


def _dokploy(places: Places, ports: Ports) -> Program:
    arguments = (
        *("--home", str(places.home / "dokploy")),
        *("--key-file", str(places.dokploy_key)),
        *("--port", str(_port(ports.dokploy or 0, 0, "the local Dokploy"))),
        *("--router-port", str(_port(ports.router, ROUTER_PORT, "sessions"))),
    )
    return Program("dokploy", "dokploy.local", arguments)


def _api(places: Places, ports: Ports) -> Program:
    own = {
        "BERTH_TOKEN_FILE": str(places.token),
        "BERTH_API_PORT": str(_port(ports.api, API_PORT, "the API")),
        "BERTH_API_ENDPOINT_FILE": str(places.api_endpoint),
    }
    return Program("api", "api", environment={**places.environment, **own})


def _port(asked: int | None, default: int, what: str) -> int:
    """A port to listen on, drawn here and not by the program.

    One that is started again after a crash must come back where others look for it.
    """
    if asked:
        return asked
    free = _bound(0 if asked == 0 else default)
    if free is None:
        say(f"port {default} is taken; {what} will be on another one")
        free = _bound(0)
    return free or 0


def _bound(port: int) -> int | None:
    """The port, or any free one for 0; None if it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return None
        return int(probe.getsockname()[1])


async def _endpoint(path: Path, name: str, supervisor: Supervisor, patience: int) -> None:
    """Wait until a program says where it listens; raises Failure if it ends or takes too long."""
    began, told, log = time.monotonic(), False, supervisor.log_of(name)
    while not path.exists():
        code = supervisor.exit_code(name)
        if code is not None:
            raise Failure(
                f"{name} ended with code {code}: {_last_words(log)}",
                code=ExitCode.SERVER_FAILED,
                remedy=f"its whole output is in {log}",
            )
        waited = time.monotonic() - began
        if waited > patience:
            raise Failure(
                f"{name} does not listen after {patience} s: {_last_words(log)}",
                code=ExitCode.SERVER_FAILED,
                remedy=f"its whole output is in {log}; on a slow machine, --start-timeout {patience * 2}",
            )
        if not told and waited > _TOLD_AFTER:
            say(f"waiting   for {name} to listen, up to {patience} s; its output is in {log}")
            told = True
        await asyncio.sleep(_LOOK_SECONDS)


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
