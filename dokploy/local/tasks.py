"""One task of a service: a container from its assignment to its end.

A task takes the states of ``docker service ps``. Two marks tell it what to do: *allowed* (it may
start once its image is there) and *stopping* (it must end). Who sets them is the slot's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import structlog

from dokploy.local.ids import Ids
from dokploy.local.patience import Gate, Restraint, ends_within
from dokploy.local.runtime import Container, ContainerSpec, NoSuchImage, Runtime
from dokploy.local.service_spec import Health, ServiceSpec
from dokploy.local.timings import Timings

_log = structlog.get_logger(__name__)

ENDED = frozenset({"Complete", "Failed", "Rejected", "Shutdown"})
KILLED = 137
_UNHEALTHY = {
    True: "task: non-zero exit ({code}): dockerexec: unhealthy container",
    False: "unhealthy container shutdown failed: exit status {code}",
}
"""By whether it was healthy before: how Swarm tells of a container that fails its health check and
does not exit 0 on TERM (FACTS-2 8)."""


@runtime_checkable
class QuietContainer(Protocol):
    """A container that tells when its health may have changed, so that nobody need ask."""

    async def until_changed(self) -> None:
        """Return when :meth:`Container.check` may answer differently from before."""
        ...


@dataclass(frozen=True, slots=True)
class Engine:
    """What every task needs of the machine it runs on."""

    runtime: Runtime
    pull: Callable[[str], Awaitable[None]]
    ids: Ids
    timings: Timings
    clock: Callable[[], float]
    spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    overlaps: bool = False
    """Scaling up does not wait for what scaling down still stops (START_OVERLAPS_STOP)."""
    crashed: Callable[[str], None] = lambda _: None
    """Told the name of a service when a task of it ended by itself."""
    rolls_back: bool = True
    """FailureAction ``rollback`` is obeyed (SWARM_ROLLS_BACK)."""
    restraint: Restraint = field(default_factory=Restraint)
    gate: Gate = field(default_factory=Gate)
    """Of as many places as ``restraint`` has starts."""


class Watcher(Protocol):
    """Whom a task tells what became of it."""

    def came_up(self, task: Task) -> None:
        """It runs, and is healthy if it has a health check."""
        ...

    def went_down(self, task: Task) -> None:
        """It has ended."""
        ...

    def changed(self) -> None:
        """Any of its states has changed."""
        ...


class Task:
    """One task. ``wanted`` is Swarm's desired state, ``state`` the current one."""

    __slots__ = (
        "_changed", "_engine", "_live", "_place", "_stop", "_unhealthy", "_watcher", "allowed", "container",
        "error", "exit_code", "exited_at", "healthy", "since", "spec", "started_at", "state", "stopping",
        "task_id", "version", "wanted",
    )  # fmt: skip

    def __init__(self, spec: ServiceSpec, version: int, engine: Engine, watcher: Watcher) -> None:
        self.task_id = engine.ids.task()
        self.spec = spec
        self.version = version
        self.wanted = "ready"
        self.state = "Assigned"
        self.since = engine.clock()
        self.error = ""
        self.container: Container | None = None
        self.exit_code: int | None = None
        self.started_at = 0.0
        self.exited_at = 0.0
        self.healthy = False
        self.allowed = False
        self.stopping = False
        self._engine = engine
        self._watcher = watcher
        self._changed = asyncio.Event()
        self._stop: asyncio.Task[None] | None = None
        self._place: asyncio.TimerHandle | None = None
        """Its place among those that start, until it is given back."""
        self._unhealthy = ""
        """What is told of the end of a container that is stopped because its health check fails."""
        self._live = engine.spawn(self._run())

    @property
    def ended(self) -> bool:
        """Nothing of it is left but its row."""
        return self.state in ENDED

    @property
    def running(self) -> bool:
        """It counts as a replica."""
        return self.state == "Running"

    def allow(self) -> None:
        """Let it start."""
        self.wanted = "running"
        self.allowed = True
        self._changed.set()
        self._watcher.changed()

    def end(self, wanted: str = "shutdown") -> None:
        """Have it stopped; the row then says ``wanted`` as its desired state."""
        self.wanted = wanted
        if not self.ended:
            self.stopping = True
            self._changed.set()
            self._stop_container()
        self._watcher.changed()

    def _stop_container(self) -> None:
        if self.container is not None and self._stop is None:
            self._stop = self._engine.spawn(self._bring_down(self.container))

    async def _bring_down(self, container: Container) -> None:
        try:
            await container.stop(self.spec.stop_grace)
        except Exception:  # noqa: BLE001 - whatever a runtime raises
            # Its end is told by ``wait``; a stop that fails must not take the task's life with it.
            _log.exception("a container could not be stopped", service=self.spec.name)

    def _become(self, state: str, error: str = "") -> None:
        if state == "Running" or state in ENDED:
            self._settle()
        self.state = state
        self.since = self._engine.clock()
        self.error = error
        if state == "Running":
            self._watcher.came_up(self)
        elif state in ENDED:
            self._watcher.went_down(self)
        self._watcher.changed()

    async def _run(self) -> None:
        if self._engine.timings.assign:
            await asyncio.sleep(self._engine.timings.assign)
        if not await self._prepare():
            return
        while not (self.allowed or self.stopping):
            self._changed.clear()
            await self._changed.wait()
        if self.stopping:
            self._become("Shutdown")
            return
        await self._contain()

    async def _prepare(self) -> bool:
        """Have the image; False when the task has ended for want of it."""
        self._become("Preparing")
        try:
            await self._engine.pull(self.spec.image)
        except NoSuchImage:
            self._become("Rejected", f'"No such image: {self.spec.image}"')
            return False
        if self.stopping:
            self._become("Shutdown")
            return False
        self._become("Ready")
        return True

    async def _contain(self) -> None:
        """Run the container to its end."""
        self._become("Starting")
        if not await self._admitted():
            self._become("Shutdown")
            return
        try:
            container = await self._engine.runtime.start(_container_spec(self.spec))
        except NoSuchImage:
            self._become("Rejected", f'"No such image: {self.spec.image}"')
            return
        except Exception as error:  # noqa: BLE001 - whatever a runtime raises, the task ends as Docker's do
            # The reason may name paths or values, so the row does not show it.
            _log.warning("a container did not start", service=self.spec.name, kind=type(error).__name__)
            self._become("Rejected", '"starting container failed"')
            return
        self.container = container
        self.started_at = self._engine.clock()
        watch: asyncio.Task[None] | None = None
        if self.stopping:
            self._stop_container()
        elif self.spec.health is None:
            self._become("Running")
        else:
            watch = self._engine.spawn(self._watch(container, self.spec.health))
        try:
            code = await container.wait()
        finally:
            if watch is not None:
                watch.cancel()
        if self._stop is not None:
            await self._stop
        self._close(code)

    async def _admitted(self) -> bool:
        """Wait for a place among those that start; False when it was stopped before it had one."""
        if self._engine.gate.is_open:
            return True
        entering = asyncio.ensure_future(self._engine.gate.enter())
        try:
            while not entering.done() and not self.stopping:
                self._changed.clear()
                changed = asyncio.ensure_future(self._changed.wait())
                await asyncio.wait({entering, changed}, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
        finally:
            if not entering.done():
                entering.cancel()
        if entering.cancelled() or not entering.done():
            return False
        self._place = asyncio.get_running_loop().call_later(self._engine.restraint.settled, self._settle)
        return True

    def _settle(self) -> None:
        """Its start is over: another may begin."""
        if self._place is not None:
            self._place.cancel()
            self._place = None
            self._engine.gate.leave()

    def _close(self, code: int) -> None:
        self.exit_code = code
        self.exited_at = self._engine.clock()
        self.healthy = False
        if self.stopping:
            self._become("Shutdown")
        elif code == 0:
            # A program that exits 0 on TERM hides an unhealthy end: the row says Complete (FACTS-2 2).
            self._become("Complete")
        else:
            ending = self._unhealthy or "task: non-zero exit ({code})"
            self._become("Failed", f'"{ending.format(code=code)}"')

    async def _watch(self, container: Container, health: Health) -> None:
        """Check until the container is unhealthy; then stop it, and the restart policy follows."""
        began = asyncio.get_running_loop().time()
        failures = 0
        while True:
            await asyncio.sleep(health.interval)
            if await _check(container, health.timeout):
                failures = 0
                if not self.healthy:
                    self.healthy = True
                    self._become("Running")
                if isinstance(container, QuietContainer):
                    await container.until_changed()
            elif self.healthy or asyncio.get_running_loop().time() - began >= health.start_period:
                failures += 1
                if failures >= health.retries:
                    self._unhealthy = _UNHEALTHY[self.healthy]
                    self.healthy = False
                    self._stop_container()
                    return


async def _check_quietly(container: Container, limit: float) -> bool:
    try:
        async with asyncio.timeout(limit):
            return await container.check()
    except TimeoutError:
        return False


async def _check(container: Container, limit: float) -> bool:
    """Run the health test once; false when it took too long, not counting what we ourselves were late."""
    if isinstance(container, QuietContainer):
        # Nothing may come between its answer and the wait for its next change.
        return await _check_quietly(container, limit)
    asking = asyncio.ensure_future(container.check())
    try:
        return await ends_within(asking, limit) and asking.result()
    finally:
        if not asking.done():
            asking.cancel()
            await asyncio.wait([asking])


def _container_spec(spec: ServiceSpec) -> ContainerSpec:
    return ContainerSpec(
        service=spec.name,
        image=spec.image,
        env=spec.env,
        mounts=spec.mounts,
        port=spec.port,
        health_test=spec.health.test if spec.health else (),
        memory_bytes=spec.memory_bytes,
        nano_cpus=spec.nano_cpus,
        labels=spec.labels,
    )
