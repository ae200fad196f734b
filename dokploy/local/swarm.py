"""Docker Swarm on one node, as far as Dokploy shows it: services, their updates, their tasks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from dokploy.local.behaviours import Behaviour
from dokploy.local.ids import Ids
from dokploy.local.images import Images
from dokploy.local.patience import Gate, Restraint
from dokploy.local.runtime import Runtime
from dokploy.local.service import Service
from dokploy.local.service_spec import SECOND, ServiceSpec
from dokploy.local.tasks import Engine, Task
from dokploy.local.timings import Timings

MEMORY_LEAST = 4 * 1024 * 1024
NANO_CPUS_LEAST = 1_000_000
NAME_LONGEST = 63


class EngineRefused(Exception):
    """Swarm refuses a specification; the text is Docker's."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"(HTTP code {code}) unexpected - {reason} ")


class EngineUnreachable(Exception):
    """The Docker daemon does not answer."""


class Swarm:
    """All services of the one node."""

    def __init__(
        self,
        runtime: Runtime,
        *,
        ids: Ids,
        timings: Timings,
        clock: Callable[[], float],
        behaviours: frozenset[Behaviour],
        crashed: Callable[[str], None],
        restraint: Restraint,
    ) -> None:
        self.runtime = runtime
        self.images = Images(runtime)
        self.services: dict[str, Service] = {}
        self.leaving: list[Service] = []
        """Deleted services whose containers are not gone yet."""
        self.reachable = True
        """False: the Docker daemon is down; what runs goes on, but nobody can ask."""
        self.touched: dict[str, None] = {}
        """Names of services whose specification has changed since the state was last saved."""
        self._timings = timings
        self._ids = ids
        self._background: set[asyncio.Task[None]] = set()
        self._races = Behaviour.RELOADS_RACE in behaviours
        self._locks: dict[str, asyncio.Lock] = {}
        self._waiters: list[asyncio.Event] = []
        self._engine = Engine(
            runtime=runtime,
            pull=self.images.pull,
            ids=ids,
            timings=timings,
            clock=clock,
            spawn=self._spawn,
            overlaps=Behaviour.START_OVERLAPS_STOP in behaviours,
            crashed=crashed,
            rolls_back=Behaviour.SWARM_ROLLS_BACK in behaviours,
            restraint=restraint,
            gate=Gate(restraint.starts),
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def apply(self, spec: ServiceSpec) -> None:
        """Create the service, or update it and roll its tasks.

        Raises:
            EngineRefused: Swarm will not have the specification, or two writers met.
            EngineUnreachable: the daemon is down.
        """
        if self._races:
            await self._write(spec)
            return
        lock = self._locks.setdefault(spec.name, asyncio.Lock())
        async with lock:
            await self._write(spec)

    async def _write(self, spec: ServiceSpec) -> None:
        self._require_engine()
        _refuse_nonsense(spec)
        service = self.services.get(spec.name)
        version = service.version if service else 0
        await asyncio.sleep(self._timings.engine)
        self._require_engine()
        present = self.services.get(spec.name)
        if present is not None and (present is not service or present.version != version):
            # Dokploy takes any failure of the update for "no such service" and creates it (FACTS 4).
            reason = (
                f"rpc error: code = AlreadyExists desc = name conflicts with an existing object: {spec.name}"
            )
            raise EngineRefused(409, reason)
        self.touched[spec.name] = None
        if present is None:
            self.services[spec.name] = self._new(spec)
        else:
            present.update(spec)

    def _new(self, spec: ServiceSpec) -> Service:
        return Service(self._ids.service(), spec, self._engine, self._changed)

    def revive(self, spec: ServiceSpec) -> None:
        """Have a service again after a restart of the machine: its tasks are started anew."""
        self.services[spec.name] = self._new(spec)

    async def scale(self, name: str, replicas: int) -> None:
        """``docker service scale``: returns once Swarm reports the service stable.

        Raises:
            EngineRefused: there is no such service, or it was removed meanwhile.
            EngineUnreachable: the daemon is down.
        """
        self._require_engine()
        service = self.services.get(name)
        if service is None:
            raise EngineRefused(404, f"service {name} not found")
        service.scale(replicas)
        if replicas == 0:
            await asyncio.sleep(self._timings.scale)
            return
        while not await self._stable(service):
            if self.services.get(name) is not service:
                raise EngineRefused(404, f"service {name} not found")

    async def _stable(self, service: Service) -> bool:
        """True when it was whole all through the CLI's look; False after any change."""
        event = asyncio.Event()
        self._waiters.append(event)
        try:
            if service.running != service.spec.replicas:
                await event.wait()
                return False
            try:
                async with asyncio.timeout(self._timings.scale):
                    await event.wait()
            except TimeoutError:
                return service.running == service.spec.replicas
            return False
        finally:
            self._waiters.remove(event)

    def remove(self, name: str) -> None:
        """Remove a service; its containers go in their own time. Nothing if there is none.

        Raises:
            EngineUnreachable: the daemon is down.
        """
        self._require_engine()
        service = self.services.pop(name, None)
        if service is None:
            return
        self.touched[name] = None
        self.leaving.append(service)
        service.remove()

    def _changed(self, service: Service) -> None:
        if service.spec is not service.noted:
            # A rollback, too, changes what is to run after a restart of the machine.
            service.noted = service.spec
            self.touched[service.spec.name] = None
        if service.removed and not service.slots and service in self.leaving:
            self.leaving.remove(service)
        for event in self._waiters:
            event.set()

    def _require_engine(self) -> None:
        if not self.reachable:
            raise EngineUnreachable("Cannot connect to the Docker daemon")

    def tasks(self) -> list[tuple[str, Task]]:
        """Every task with the name of its slot, those of deleted services included."""
        return [
            (f"{service.spec.name}.{slot.number}", task)
            for service in (*self.services.values(), *self.leaving)
            for slot in service.slots
            for task in slot.tasks
        ]

    def holders(self, volume: str) -> list[str]:
        """The containers that have a volume, ended ones included, until they are reaped."""
        return [
            task.container.container_id
            for service in (*self.services.values(), *self.leaving)
            for task in service.tasks
            if task.container is not None and any(volume == name for name, _ in task.spec.mounts)
        ]

    def when_gone(self, name: str, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Act once no container of a deleted service is left."""

        async def wait() -> None:
            while any(service.spec.name == name for service in self.leaving):
                event = asyncio.Event()
                self._waiters.append(event)
                try:
                    await event.wait()
                finally:
                    self._waiters.remove(event)
            await act()

        self._spawn(wait())

    def address(self, name: str) -> tuple[str, int] | None:
        """Where a running container of the service is reached."""
        service = self.services.get(name)
        if service is None:
            return None
        for task in service.tasks:
            if task.running and task.container is not None:
                return task.container.address()
        return None

    async def aclose(self) -> None:
        """End every task at once; what its runtime still runs, the runtime stops."""
        for service in (*self.services.values(), *self.leaving):
            service.close()
        running = tuple(self._background)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _refuse_nonsense(spec: ServiceSpec) -> None:
    """What Swarm does not take, in its words (FACTS 4; swarmkit's validateResources, validateMounts)."""
    argument = "rpc error: code = InvalidArgument desc ="
    if len(spec.name) > NAME_LONGEST:
        raise EngineRefused(400, f"{argument} name must be {NAME_LONGEST} characters or fewer")
    _refuse_too_little(argument, spec.nano_cpus, spec.memory_bytes)
    _refuse_too_little(argument, spec.reserved_nano_cpus, spec.reserved_memory_bytes)
    doubled = next((path for path, times in Counter(spec.mount_points).items() if times > 1), None)
    if doubled is not None:
        raise EngineRefused(400, f"{argument} ContainerSpec: duplicate mount point: {doubled}")
    if spec.replicas < 0:
        raise EngineRefused(400, f"{argument} Number of replicas must be non-negative")


def _refuse_too_little(argument: str, nano_cpus: int | None, memory_bytes: int | None) -> None:
    """Limits and reservations alike, by ``validateResources`` of moby/swarmkit; None is no limit."""
    if nano_cpus is not None and nano_cpus < NANO_CPUS_LEAST:
        least = NANO_CPUS_LEAST / SECOND
        reason = f"{argument} invalid cpu value {nano_cpus / SECOND:g}: Must be at least {least:g}"
        raise EngineRefused(400, reason)
    if memory_bytes is not None and memory_bytes < MEMORY_LEAST:
        reason = f"{argument} invalid memory value {memory_bytes}: Must be at least 4MiB"
        raise EngineRefused(400, reason)
