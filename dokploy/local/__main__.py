"""``python -m dokploy.local``: the local Dokploy, its containers and its front door, in one loop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import io
import json
import os
import resource
import secrets
import signal
import socket
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, cast

import structlog
import uvicorn
from pydantic import SecretStr

from container import signals
from dokploy.local.dokploy import LocalDokploy
from dokploy.local.patience import Restraint
from dokploy.local.process_home import HomeBusy
from dokploy.local.processes import ProcessRuntime
from dokploy.local.router import Router
from dokploy.local.server import create_app
from dokploy.local.timings import Timings

NOTICE = "Sessions run as processes of this machine: they are isolated neither from it nor from each other."
_ANNOUNCEMENT = "dokploy.json"
_KEEP_ALIVE = 75
_SHUTDOWN = 2
"""Seconds that open requests get at the end."""
_FILES = 65_536
"""Open files wished for: a container takes two."""
_log = structlog.get_logger("dokploy.local")


class CannotStart(Exception):
    """What a person must change first."""


@dataclass(frozen=True, slots=True)
class Options:
    """The command line; port 0 is any free one."""

    home: Path
    host: str
    port: int
    router_port: int
    key_file: Path


def parse(words: Sequence[str] | None = None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m dokploy.local", description=NOTICE)
    parser.add_argument("--home", type=Path, required=True, help="directory that keeps everything")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port of Dokploy's API; 0 for any free one")
    parser.add_argument(
        "--router-port", type=int, default=0, help="port of the front door; 0 for any free one"
    )
    parser.add_argument(
        "--key-file", type=Path, required=True, help="file with the owner's API key; made if missing"
    )
    given = parser.parse_args(words)
    return Options(given.home, given.host, given.port, given.router_port, given.key_file)


def read_key(path: Path) -> SecretStr:
    """Read the key, or make one with mode 0600. Raises CannotStart for a file that others can read."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(secrets.token_urlsafe(32) + "\n")
        mode = path.stat().st_mode
        key = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CannotStart(f"--key-file: {path} cannot be read: {error}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise CannotStart(f"--key-file: others can read {path}; run: chmod 600 {path}")
    if not key:
        raise CannotStart(f"--key-file: {path} is empty; delete it to have a new key made")
    return SecretStr(key)


class _Server(uvicorn.Server):
    """Leaves the signals to :func:`serve`, which has more to end than a server."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def serve(options: Options, *, ignored: frozenset[signal.Signals] = frozenset()) -> None:
    """Run until SIGTERM, or SIGINT or SIGHUP that were not ignored. Raises CannotStart, HomeBusy."""
    ended = asyncio.Event()
    for number in {signal.SIGTERM, signal.SIGINT, signal.SIGHUP} - ignored:
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with contextlib.AsyncExitStack() as stack:
        listener = stack.enter_context(_listen(options.host, options.port))
        runtime = ProcessRuntime(options.home)  # takes the home's lock: nothing is touched before
        stack.push_async_callback(runtime.aclose)
        (options.home / _ANNOUNCEMENT).unlink(missing_ok=True)  # of a run that was killed
        dokploy = LocalDokploy(
            runtime,
            admin_key=read_key(options.key_file),
            # Identifiers of this run must differ from those of the runs before it.
            seed=secrets.randbits(64),
            state_file=options.home / "dokploy.db",
            timings=Timings.prompt(),
            restraint=Restraint(starts=2 * (os.cpu_count() or 1), longest=30.0),
        )
        await dokploy.start()
        stack.push_async_callback(dokploy.aclose)
        router = Router(dokploy)
        router_port = await _open(router, options)
        stack.push_async_callback(router.aclose)
        server = _Server(
            uvicorn.Config(
                create_app(dokploy),
                lifespan="off",
                ws="none",
                access_log=False,
                log_config=None,
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=_SHUTDOWN,
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        host, port = listener.getsockname()[:2]
        stack.enter_context(_announced(options.home, f"http://{host}:{port}", router_port))
        await asyncio.wait([serving, asyncio.create_task(ended.wait())], return_when=asyncio.FIRST_COMPLETED)
        _log.info("ending: all containers are stopped, everything is kept")
        server.should_exit = True
        await serving


@contextlib.contextmanager
def _listen(host: str, port: int) -> Iterator[socket.socket]:
    try:
        listener = socket.create_server((host, port), backlog=1024)
    except OSError as error:
        raise _port_trouble("--port", host, port, error) from error
    with listener:
        yield listener


async def _open(router: Router, options: Options) -> int:
    try:
        return await router.start(options.host, options.router_port)
    except OSError as error:
        raise _port_trouble("--router-port", options.host, options.router_port, error) from error


def _port_trouble(flag: str, host: str, port: int, error: OSError) -> CannotStart:
    if error.errno == errno.EADDRINUSE:
        return CannotStart(f"{flag}: port {port} is in use; choose another one, or 0 for any free one")
    return CannotStart(f"{flag}: cannot listen on {host} port {port}: {error.strerror}")


@contextlib.contextmanager
def _announced(home: Path, url: str, router_port: int) -> Iterator[None]:
    """Say in ``home/dokploy.json`` where we listen, for as long as we do."""
    place = home / _ANNOUNCEMENT
    draft = home / f"{_ANNOUNCEMENT}.draft"
    draft.write_text(json.dumps({"url": url, "router_port": router_port, "pid": os.getpid()}), "utf-8")
    draft.replace(place)
    _log.info("listening", url=url, router_port=router_port)
    try:
        yield
    finally:
        place.unlink(missing_ok=True)


class _Output(io.TextIOBase):
    """What we say, on a stream that may lead to a full disk.

    A line that cannot be written is lost. It must not become the failure of what it tells of.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str, /) -> int:
        """Write what there is room for."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what there is room for."""
        with contextlib.suppress(OSError):
            self._stream.flush()


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wished = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wished:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wished, hard))


def main(words: Sequence[str] | None = None) -> int:
    """Run; returns the exit code: 0 ended by a signal, 1 could not start."""
    ignored = signals.begin()
    options = parse(words)
    _raise_file_limit()
    output = _Output(sys.stdout)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(cast("TextIO", output)))
    print(NOTICE, file=output, flush=True)  # for the person who started it
    try:
        asyncio.run(serve(options, ignored=ignored))
    except (CannotStart, HomeBusy) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the same
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
