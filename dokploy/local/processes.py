"""The runtime of the local Dokploy that people use: containers are processes of this machine.

There is no isolation: sessions see the machine and one another's files. What is kept of a container
is its life (nothing outlives it, or the local Dokploy), its volumes, its environment, its port, its
output, its health, and its memory limit. ``docs/concepts/local-dokploy.md`` says what differs.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path, PurePosixPath

import structlog

from dokploy.local.catalogue import Catalogue, Image
from dokploy.local.process_build import build_image
from dokploy.local.process_container import ProcessContainer, Running
from dokploy.local.process_env import DEFAULT_PATH, Places, command_line, environment
from dokploy.local.process_home import Home
from dokploy.local.process_launch import launch
from dokploy.local.process_leftovers import end_leftovers, write_record
from dokploy.local.process_output import Output
from dokploy.local.process_usage import ProcessTable, UsageMeter, watch_memory
from dokploy.local.process_volumes import Volumes
from dokploy.local.runtime import BuildSpec, Commit, Container, ContainerSpec, NoSuchImage

_PORTS = range(20_000, 32_768)
"""Below the ports that the system gives to outgoing connections, so that none is taken between our
look and the container's own bind."""
_STOP_GRACE = 5.0
_log = structlog.get_logger(__name__)


class RuntimeClosed(Exception):
    """The local Dokploy is ending and starts nothing more."""


class ProcessRuntime:
    """Implements :class:`dokploy.local.runtime.Runtime` with real processes."""

    def __init__(
        self,
        home: Path,
        *,
        catalogue: Catalogue | None = None,
        clock: Callable[[], float] = time.time,
        watch_interval: float = 1.0,
    ) -> None:
        """Take the home over: its lock, and whatever a crashed run left in it.

        ``clock`` stamps output, in seconds since the epoch; ``watch_interval`` is in seconds.
        Raises :class:`~dokploy.local.process_home.HomeBusy`.
        """
        self._home = Home(home)
        end_leftovers(self._home.containers)
        for leftover in (self._home.containers, self._home.builds, self._home.removed):
            self._home.clear(leftover)
        self.catalogue = catalogue or Catalogue(self._home.images)
        for root in self.catalogue.unused_roots():
            self._home.discard(root)
        self._clock = clock
        self._watch_interval = watch_interval
        self._volumes = Volumes(self._home)
        self._containers: dict[str, ProcessContainer] = {}
        self._ports: set[int] = set()
        self._table = ProcessTable()
        self._watch: asyncio.Task[None] | None = None
        self._pending = 0
        self._settled = asyncio.Event()
        """Set while no start and no build is under way."""
        self._settled.set()
        self._farewells: set[asyncio.Task[None]] = set()
        self._files = asyncio.Lock()
        """Held while an image's files are copied, or replaced by a build."""
        self._closed = False
        _log.info(
            "containers run as processes",
            memory_limits="watched and enforced by killing",
            cpu_limits="not enforced",
            isolation="none",
        )

    async def pull(self, image: str) -> None:
        """Raise NoSuchImage for an image that is not in the catalogue; nothing is ever pulled."""
        try:
            self.catalogue.find(image)
        except NoSuchImage as error:
            _log.warning("an image is not known here", image=image, remedy=str(error))
            raise

    async def build(self, spec: BuildSpec, log: Callable[[str], None]) -> Commit:
        """Clone and build; see :mod:`dokploy.local.process_build`. Cancelled, it leaves nothing."""
        self._refuse_when_closed()
        with self._under_way():
            return await self._build(spec, log)

    async def _build(self, spec: BuildSpec, log: Callable[[str], None]) -> Commit:
        place = self._home.builds / secrets.token_hex(6)
        place.mkdir(mode=0o700)
        try:
            commit, draft = await build_image(spec, place, self.catalogue, log)
            async with self._files:
                await asyncio.to_thread(self._publish, place, draft)
            return commit
        finally:
            await asyncio.to_thread(self._home.discard, place)

    async def start(self, spec: ContainerSpec) -> Container:
        """Start a container. Raises NoSuchImage, BadVolumeName, RuntimeClosed, OSError."""
        self._refuse_when_closed()
        with self._under_way():
            return await self._start(spec)

    async def _start(self, spec: ContainerSpec) -> Container:
        image = self.catalogue.find(spec.image)
        if not image.entrypoint + image.command:
            raise NoSuchImage(f"{spec.image} says no command to run")
        container_id = secrets.token_hex(32)
        scratch = self._home.containers / container_id[:12]
        held: list[str] = []
        port = self._free_port()
        try:
            places = await self._prepare(spec, image, scratch, held)
            container = await self._launch(container_id, spec, image, places, port)
        except BaseException:
            self._give_back(held, port)
            await asyncio.shield(asyncio.to_thread(self._home.discard, scratch))
            raise
        if self._closed:  # closed while it was starting
            await container.stop(_STOP_GRACE)
            raise RuntimeClosed
        return container

    def volumes(self) -> tuple[str, ...]:
        """The names of all volumes."""
        return self._volumes.names()

    async def remove_volume(self, name: str) -> None:
        """Delete a volume; raises KeyError, VolumeBusy."""
        await self._volumes.remove(name)

    async def aclose(self) -> None:
        """Stop every container, all at once, and give the home back."""
        self._closed = True
        await self._settled.wait()
        await asyncio.gather(*(container.stop(_STOP_GRACE) for container in self._containers.values()))
        # What could not be deleted is cleared by the next start.
        await asyncio.gather(*self._farewells, return_exceptions=True)
        if self._watch is not None:
            self._watch.cancel()
        self._home.release()

    async def _prepare(self, spec: ContainerSpec, image: Image, scratch: Path, held: list[str]) -> Places:
        mounts: list[tuple[str, Path]] = []
        for name, path in spec.mounts:
            directory = self._volumes.hold(name)
            held.append(name)
            mounts.append((path, directory))
        for directory in (scratch, scratch / "home", scratch / "tmp"):
            directory.mkdir(mode=0o700)
        root = scratch / "root" if image.root is not None else None
        if root is not None and image.root is not None:
            async with self._files:
                source = self.catalogue.roots / image.root
                await asyncio.to_thread(shutil.copytree, source, root, symlinks=True)
        return Places(scratch / "home", scratch / "tmp", tuple(mounts), root)

    async def _launch(
        self, container_id: str, spec: ContainerSpec, image: Image, places: Places, port: int
    ) -> ProcessContainer:
        path = os.environ.get("PATH", DEFAULT_PATH)
        env = environment(spec.env, image.env, places, port=port, path=path)
        cwd = _working_directory(image, places)
        output = Output(self._clock)
        words = command_line(image.entrypoint + image.command, places)
        program = await launch(words, env=env, cwd=cwd, output=output.feed)
        scratch = places.home.parent
        try:
            write_record(scratch, (program.shim_pid, program.pid))
        except OSError:
            program.kill()
            await program.wait()
            raise
        usage = UsageMeter(self._table, program.shim_pid)
        running = Running(program, env, cwd, scratch, port, output, usage)

        def forget() -> None:
            del self._containers[container_id]
            self._give_back([name for name, _ in spec.mounts], port)
            farewell = asyncio.get_running_loop().create_task(asyncio.to_thread(self._home.discard, scratch))
            self._farewells.add(farewell)
            farewell.add_done_callback(self._farewells.discard)

        container = ProcessContainer(container_id, spec, running, forget)
        self._containers[container_id] = container
        if spec.memory_bytes is not None and self._watch is None:
            self._watch = asyncio.get_running_loop().create_task(self._watch_memory())
        return container

    async def _watch_memory(self) -> None:
        await watch_memory(
            self._table,
            lambda: [watch for one in self._containers.values() if (watch := one.memory_watch())],
            interval=self._watch_interval,
        )

    def _publish(self, place: Path, draft: Image) -> None:
        self.catalogue.roots.mkdir(mode=0o700, exist_ok=True)
        if draft.root is not None:
            (place / draft.root).rename(self.catalogue.roots / draft.root)
        self.catalogue.add(draft)
        for unused in self.catalogue.unused_roots():
            self._home.discard(unused)

    def _free_port(self) -> int:
        first = random.randrange(len(_PORTS))  # noqa: S311 - to keep two local Dokploys apart
        for port in chain(_PORTS[first:], _PORTS[:first]):
            if port not in self._ports and _is_free(port):
                self._ports.add(port)
                return port
        raise OSError("no port between 20000 and 32767 is free")

    def _give_back(self, volumes: list[str], port: int) -> None:
        for name in volumes:
            self._volumes.release(name)
        self._ports.discard(port)

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        """What :meth:`aclose` waits for; the caller of a build cancels it before it closes."""
        self._pending += 1
        self._settled.clear()
        try:
            yield
        finally:
            self._pending -= 1
            if not self._pending:
                self._settled.set()

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise RuntimeClosed


def _working_directory(image: Image, places: Places) -> Path:
    if places.root is None:
        return Path(places.translate(image.workdir)) if image.workdir else places.home
    cwd = places.root.joinpath(PurePosixPath(image.workdir or "/").relative_to("/"))
    cwd.mkdir(parents=True, exist_ok=True)
    return cwd


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
