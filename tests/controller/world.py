"""A whole Berth in virtual time: records in memory, a simulated Dokploy behind its HTTP API."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from pydantic import SecretStr

from container.contract import HealthReport
from controller.identity import Identity
from controller.loop import Controller, Pacing
from controller.metrics import Metrics
from controller.observed import Silence
from controller.plan_deletion import FORCE_ANNOTATION
from crds.base import Key, ObjectMeta, Resource
from crds.container import ContainerDefaults, HealthCheck, SecretKeyReference
from crds.quantity import Duration
from crds.secret import Secret
from crds.session import OperatingMode, Session, SessionSpec
from crds.target import Limits, Poll, RoutePattern, Target, TargetSpec
from crds.vocabulary import ConditionType
from dokploy.client import CallLimits, HttpDokploy
from dokploy.local.dokploy import LocalDokploy
from dokploy.local.server import create_app
from dokploy.local.simulation import Simulation, loop_clock
from dokploy.port import Dokploy, Domain
from records.errors import Conflict, NotFound, Unavailable
from tests import laws
from tests.fakes.memory_records import MemoryRecords

KEY = "the-owners-key"
NAMESPACE = "alice"

CHANGES = frozenset(
    {
        "application.create",
        "application.update",
        "application.reload",
        "application.deploy",
        "application.delete",
        "mounts.create",
        "mounts.remove",
        "domain.create",
        "domain.delete",
        "dockerVolume.removeVolume",
    }
)
LISTINGS = frozenset({"overview.services", "swarm.getNodeApps"})


class SimulatedProbe:
    """Asks the simulation what a route's container would answer."""

    def __init__(self, dokploy: LocalDokploy, simulation: Simulation) -> None:
        self._dokploy = dokploy
        self._simulation = simulation

    async def echo(
        self, domain: Domain, address: str | None, *, question: str | None = None
    ) -> HealthReport | Silence:
        await asyncio.sleep(0.005)
        route = self._dokploy.routes().get(domain.host)
        report = self._simulation.healthz(route[0], question=question) if route else None
        return report or Silence.NO_ANSWER


class LawfulRecords(MemoryRecords):
    """Holds every write of a status to the laws; ``keeper.broken`` tells at the end."""

    def __init__(self, now: Callable[[], datetime], keeper: laws.Keeper) -> None:
        super().__init__(now)
        self.keeper = keeper
        self.failing = False
        """Listings get no answer."""
        self.on_removal: Callable[[Session], None] = lambda session: None
        self._read: dict[tuple[str, Key], int] = {}

    async def list(self, kind, **options):
        if self.failing:
            raise Unavailable("the store does not answer")
        return await super().list(kind, **options)

    async def get(self, kind, key):
        row = await super().get(kind, key)
        self.was_read(row)
        return row

    def was_read(self, row: Resource) -> None:
        """What a pass has before it: the newest, unless a fault showed it an older one."""
        self._read[row.KIND, row.key] = row.metadata.generation

    def on_change(self, what, old, new):
        if what == "remove" and isinstance(new, Session):
            self.on_removal(new)
        if what != "status" or not isinstance(new, Session):
            return
        self.keeper.hold(laws.s5, old, new)
        before, after = old.status.dokploy, new.status.dokploy
        # What says beforehand what is about to be done tells nothing yet of how it stands.
        if after.intent is None and after.removing_since == before.removing_since:
            self.keeper.hold(laws.s4, old, new, now=self._now())
            self.keeper.hold(laws.status_laws, new, read=self._read.get((new.KIND, new.key), 0))


class Transport(httpx.ASGITransport):
    """Straight into the application; one that is down refuses, as a closed port does."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except ConnectionRefusedError as error:
            raise httpx.ConnectError("refused") from error


@dataclass
class World:
    """What a test looks at, and what it does to it."""

    records: LawfulRecords
    dokploy: LocalDokploy
    simulation: Simulation
    connect: Callable[[Target, SecretStr], Dokploy]
    now: Callable[[], datetime]
    pacing: Pacing
    _controllers: list[tuple[Controller, asyncio.Task[None]]] = field(default_factory=list)

    # -- people ---------------------------------------------------------------------------

    async def declare(
        self, name: str = "fix-login", *, namespace: str = NAMESPACE, **spec: object
    ) -> Session:
        values = {"image": "sim/ok", **spec}
        return await self.records.create(
            Session(metadata=ObjectMeta(name=name, namespace=namespace), spec=SessionSpec(**values))
        )

    async def change(self, name: str = "fix-login", **spec: object) -> Session:
        old = await self.session(name)
        values = {part: getattr(old.spec, part) for part in old.spec.model_fields_set}
        return await self.records.update(old.model_copy(update={"spec": SessionSpec(**{**values, **spec})}))

    async def stop(self, name: str = "fix-login") -> None:
        await self.change(name, operating_mode=OperatingMode.STOPPED)

    async def start(self, name: str = "fix-login") -> None:
        await self.change(name, operating_mode=OperatingMode.RUNNING)

    async def restart(self, name: str = "fix-login") -> None:
        await self.change(name, restarted_at=self.now())

    async def delete(self, name: str = "fix-login") -> None:
        await self.records.delete(Session, Key(NAMESPACE, name))

    async def delete_forced(self, name: str = "fix-login") -> None:
        session = await self.session(name)
        annotations = {**session.metadata.annotations, FORCE_ANNOTATION: "true"}
        metadata = session.metadata.model_copy(update={"annotations": annotations})
        await self.records.update(session.model_copy(update={"metadata": metadata}))
        await self.delete(name)

    async def undelete(self, name: str = "fix-login") -> None:
        """Take a deletion back; raises Conflict where its first step is taken, as the API does."""
        session = await self.session(name)
        if session.status.dokploy.removing_since is not None:
            raise Conflict("what it had is being removed")
        await self.records.undelete(Session, session.key, uid=session.metadata.uid, before=session.status)

    async def edit(self, name: str = "fix-login", *, files: int = 1) -> None:
        """Somebody has so many files in the workspace that are saved nowhere else."""
        session = await self.session(name)
        volume = Identity.of(session, instance=laws.INSTANCE).volume("workspace")
        self.simulation.disk[volume].uncommitted = files

    # -- what there is --------------------------------------------------------------------

    async def session(self, name: str = "fix-login") -> Session:
        return self.records.at(Session, Key(NAMESPACE, name))

    async def ready(self, name: str = "fix-login") -> tuple[str, str]:
        for condition in (await self.session(name)).status.conditions:
            if condition.type == ConditionType.READY:
                return condition.status.value, condition.reason
        return "absent", ""

    async def phase(self, name: str = "fix-login") -> str:
        return (await self.session(name)).status.phase.value

    def calls(self) -> Counter[str]:
        return Counter(self.dokploy.accounts.counts)

    def changes_since(self, before: Counter[str]) -> Counter[str]:
        made = self.calls() - before
        return Counter({name: number for name, number in made.items() if name in CHANGES})

    def is_stopping(self, app_name: str | None) -> bool:
        """Whether a service that shall run nothing has a container that has not ended.

        Whoever starts it by hand in Dokploy then has two containers on one volume (FACTS-2 8), and no
        controller can hold that person back: the outsiders of these tests do not.
        """
        service = self.dokploy.swarm.services.get(app_name or "")
        return (
            service is not None
            and service.spec.replicas == 0
            and any(not task.ended for task in service.tasks)
        )

    def applications(self) -> list[str]:
        return sorted(row["appName"] for row in self.dokploy.database.tables["application"].values())

    # -- time -----------------------------------------------------------------------------

    async def until(self, phase: str, name: str = "fix-login", *, within: float = 120.0) -> None:
        async with asyncio.timeout(within):
            while await self.phase(name) != phase:
                await asyncio.sleep(0.1)

    async def until_ready(self, name: str = "fix-login", *, within: float = 120.0) -> None:
        async with asyncio.timeout(within):
            while (await self.ready(name))[0] != "True" or not await self._observed(name):
                await asyncio.sleep(0.1)

    async def until_gone(self, name: str = "fix-login", *, within: float = 120.0) -> None:
        async with asyncio.timeout(within):
            while True:
                try:
                    await self.session(name)
                except NotFound:
                    return
                await asyncio.sleep(0.1)

    async def _observed(self, name: str) -> bool:
        session = await self.session(name)
        return session.status.observed_generation == session.metadata.generation

    # -- controllers ----------------------------------------------------------------------

    def run_controller(self, holder: str = "one") -> Controller:
        controller = Controller(
            self.records,
            self.records._settings,
            connect=self.connect,
            probe=SimulatedProbe(self.dokploy, self.simulation),
            now=self.now,
            holder=holder,
            pacing=self.pacing,
            metrics=Metrics(),
        )
        self._controllers.append((controller, asyncio.create_task(controller.run())))
        return controller

    async def kill_controller(self) -> None:
        _, task = self._controllers.pop()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def aclose(self) -> None:
        while self._controllers:
            await self.kill_controller()
        await self.dokploy.aclose()


def target(**changes: object) -> Target:
    values: dict[str, object] = {
        "url": "http://dokploy.test",
        "api_key": SecretKeyReference(name="dokploy", key="key"),
        "container": ContainerDefaults(
            health_check=HealthCheck(interval=Duration("1s"), start_period=Duration("5s"))
        ),
        "route": RoutePattern(pattern="{name}.{namespace}.test", https=False, certificate="none"),
        "limits": Limits(calls_per_second=1000),
        "poll": Poll(fast=Duration("1s"), slow=Duration("10s"), idle=Duration("30s")),
        **changes,
    }
    return Target(metadata=ObjectMeta(name="default"), spec=TargetSpec(**values))


@asynccontextmanager
async def world(**target_spec: object) -> AsyncIterator[World]:
    """A world with its target declared and no controller yet; needs virtual time."""
    clock = loop_clock()

    def now() -> datetime:
        return datetime.fromtimestamp(clock(), UTC)

    keeper = laws.Keeper()
    records = LawfulRecords(now, keeper)
    simulation = Simulation(clock=clock)
    dokploy = LocalDokploy(simulation, admin_key=KEY, clock=clock)
    await dokploy.start()
    app = create_app(dokploy)

    def connect(of: Target, key: SecretStr) -> Dokploy:
        limits = of.spec.limits
        return HttpDokploy(
            of.spec.url,
            key,
            transport=Transport(app),
            limits=CallLimits(limits.calls_in_flight, limits.calls_per_second),
            jitter=lambda: 0.5,  # a seed walks the same way every time
        )

    await records.create(
        Secret(metadata=ObjectMeta(name="dokploy", namespace="berth-system"), string_data={"key": KEY})
    )
    await records.create(target(**target_spec))
    made = World(records, dokploy, simulation, connect, now, Pacing())
    try:
        yield made
    finally:
        await made.aclose()
    assert not keeper.broken, keeper.broken
