"""A whole Berth whose every outbound call can go wrong: the world of the exhaustive search."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import cache, lru_cache, partial
from typing import Any, TypeVar, cast

import httpx
from pydantic import SecretStr
from pydantic_core import from_json, to_json

from container.contract import HealthReport
from controller.loop import Controller, Pacing
from controller.metrics import Metrics
from controller.observed import Silence
from crds.base import Key, Model, ObjectMeta, Resource
from crds.event import Event
from crds.quantity import Duration
from crds.secret import Secret
from crds.session import Session
from crds.target import Deadlines, Limits, Poll, Target
from dokploy.client import CallLimits, HttpDokploy
from dokploy.local.behaviours import Behaviour
from dokploy.local.dokploy import LocalDokploy
from dokploy.local.simulation import BuildScript, Simulation, loop_clock
from dokploy.port import Dokploy, Domain
from dokploy.translation import Answer
from records.port import Change, Claim, StoreSettings
from tests import laws
from tests.controller.world import CHANGES, KEY, LISTINGS, LawfulRecords, SimulatedProbe, World, target
from tests.reliability.faults import Call, Fault, Kind
from tests.reliability.injector import Injector, Life
from tests.reliability.tampering import tamper
from tests.reliability.watch import Watch

CANARY = "canary-7f3b-never-seen"
REPOSITORY = "https://git.test/image"
PACING = Pacing(workers=4, report=20.0, sweep=30.0, lease=3.0, resync=15.0)
RATE = Limits(calls_per_second=1000, calls_in_flight=4)
POLL = Poll(fast=Duration("1s"), slow=Duration("5s"), idle=Duration("5s"), audit=Duration("60s"))
_SUBJECTS = ("applicationId", "serviceId", "volumeName", "domainId", "mountId", "appName")
"""What a call may be about, the nearest first."""
DEADLINES = Deadlines(build=Duration("60s"))


def secret(name: str, namespace: str, **data: str) -> Secret:
    """A secret to be declared."""
    return Secret(metadata=ObjectMeta(name=name, namespace=namespace), string_data=data)


SECRETS = (secret("dokploy", "berth-system", key=KEY), secret("canary", "alice", token=CANARY))


_FOREIGN_REPORT = HealthReport(
    session="fix-login-aaaaaaaaaaaa",
    revision=laws.FOREIGN,
    boot=laws.FOREIGN,
    status="ok",
    workspace={"state": "Failed", "reason": "CloneFailed", "message": laws.FOREIGN},
    agent={"state": "Failed", "message": laws.FOREIGN},
    auth=[{"provider": "codex", "state": "Revoked", "message": laws.FOREIGN}],
    attention=laws.FOREIGN_ATTENTION,
    activity=None,
    work={"state": "Clean", "uncommitted": 0, "unpushed": 0},
    version="simulated",
)
"""What another session's container says behind a route that leads astray (law S16)."""

W = TypeVar("W", bound="ReliabilityWorld")


class Feed(Enum):
    """What becomes of the news that the store sends of its changes."""

    TRUE = "every change once, in order"
    DOUBLED = "every change twice"
    SWAPPED = "every two changes in the wrong order"
    HALVED = "every second change is lost"
    NONE = "none at all"


class Wire:
    """Straight from the client's calls into the model: HTTP between them would be half of a run.

    What HTTP makes of a call is held to recordings and to real servers in ``tests/dokploy``.
    """

    has_sendable_key = True

    def __init__(self, of: ReliabilityWorld, key: SecretStr, life: Life) -> None:
        self._dokploy, self._key, self._life = of.dokploy, key, life
        self._injector, self._watch = of.injector, of.watch

    async def get(self, name: str, values: Mapping[str, object]) -> Answer:
        # What is sent in a query string is in the logs of every proxy.
        self._watch.hold(laws.s3, [str(value) for value in values.values()])
        kind = Kind.LISTING if name in LISTINGS else Kind.READING
        return await self._send(kind, name, "GET", {part: str(value) for part, value in values.items()})

    async def post(self, name: str, values: Mapping[str, object]) -> Answer:
        return await self._send(Kind.CHANGE, name, "POST", from_json(to_json(values)))

    async def aclose(self) -> None:
        """There is nothing to close."""

    async def _send(self, kind: Kind, name: str, method: str, given: dict[str, Any]) -> Answer:
        async def perform() -> Answer:
            if not self._dokploy.up:
                raise httpx.ConnectError("refused")
            answer = await self._dokploy.call(name, method, given, self._key.get_secret_value())
            return Answer(answer.status, answer.body)

        subject = next((str(given[part]) for part in _SUBJECTS if given.get(part)), "")
        return await self._injector.http(self._life, kind, name, subject, perform)


class Reporter(SimulatedProbe):
    """The probe, through the injector."""

    def __init__(self, of: ReliabilityWorld, life: Life) -> None:
        super().__init__(of.dokploy, of.simulation)
        self._injector, self._life, self._watch = of.injector, life, of.watch

    async def echo(
        self, domain: Domain, address: str | None, *, question: str | None = None
    ) -> HealthReport | Silence:
        inner = super().echo
        answer = await self._injector.echo(
            self._life, domain.host, lambda: inner(domain, address, question=question)
        )
        if answer is Fault.SILENT:
            return Silence.NO_ANSWER
        if answer is not Fault.FOREIGN:
            if question and isinstance(answer, dict) and answer["work"].get("question") == question:
                self._watch.asked(answer["session"])
            return cast("HealthReport | Silence", answer)
        work = {**_FOREIGN_REPORT["work"], **({"question": question} if question else {})}
        return cast("HealthReport", {**_FOREIGN_REPORT, "work": work})


class Store:
    """The records as one life of a controller reaches them."""

    def __init__(self, of: ReliabilityWorld, life: Life) -> None:
        self._records, self._injector, self._life = of.records, of.injector, life
        self._feed = of.feed

    async def get(self, kind: type[Resource], key: Key) -> Any:
        row = await self._read("get", f"{kind.KIND} {key}", lambda: self._records.get(kind, key))
        self._records.was_read(row)
        return row

    async def list(self, kind: type[Resource], **options: Any) -> Any:
        return await self._read(
            "list", f"{kind.KIND} {sorted(options.items())}", lambda: self._records.list(kind, **options)
        )

    async def claims(self) -> Any:
        return await self._read("claims", "", self._records.claims)

    async def watch(self, kinds: Sequence[type[Resource]], *, since: int) -> AsyncIterator[Change]:
        held: Change | None = None
        number = 0
        async for change in self._records.watch(kinds, since=since):
            self._life.require()
            number += 1
            match self._feed:
                case Feed.NONE:
                    continue
                case Feed.HALVED if number % 2:
                    continue
                case Feed.SWAPPED if held is None:
                    held = change
                    continue
                case Feed.DOUBLED:
                    yield change
            yield change
            if held is not None:
                yield held
                held = None

    async def update_status(
        self,
        kind: type[Resource],
        key: Key,
        *,
        uid: str,
        status: Model,
        before: Model | None = None,
        generation: int | None = None,
    ) -> Any:
        return await self._write(
            "update_status",
            f"{kind.KIND} {key}",
            lambda: self._records.update_status(
                kind, key, uid=uid, status=status, before=before, generation=generation
            ),
        )

    async def add_finalizer(self, kind: type[Resource], key: Key, *, uid: str, finalizer: str) -> Any:
        return await self._write(
            "add_finalizer",
            str(key),
            lambda: self._records.add_finalizer(kind, key, uid=uid, finalizer=finalizer),
        )

    async def remove_finalizer(self, kind: type[Resource], key: Key, *, uid: str, finalizer: str) -> None:
        await self._write(
            "remove_finalizer",
            str(key),
            lambda: self._records.remove_finalizer(kind, key, uid=uid, finalizer=finalizer),
        )

    async def claim(self, claim: Claim) -> None:
        await self._write("claim", str(claim.key), lambda: self._records.claim(claim))

    async def retain(self, session_id: str) -> None:
        await self._write("retain", session_id, lambda: self._records.retain(session_id))

    async def record_event(self, event: Event) -> None:
        await self._write("record_event", event.reason, lambda: self._records.record_event(event))

    async def settings(self) -> StoreSettings:
        # Not numbered: an adapter reads them once.
        self._life.require()
        return await self._records.settings()

    async def acquire_lease(self, name: str, *, holder: str, seconds: float) -> bool:
        # Not numbered: it comes by the clock and not by what is done. Hand-over is a scenario.
        self._life.require()
        return await self._records.acquire_lease(name, holder=holder, seconds=seconds)

    async def release_lease(self, name: str, *, holder: str) -> None:
        self._life.require()
        await self._records.release_lease(name, holder=holder)

    async def _read(self, name: str, subject: str, perform: Any) -> Any:
        return await self._injector.read(self._life, name, subject, perform)

    async def _write(self, name: str, subject: str, perform: Any) -> Any:
        return await self._injector.write(self._life, name, subject, perform)


class WatchedRecords(LawfulRecords):
    """Notes besides what a pass announces, and that a record goes."""

    keeper: Watch

    def on_change(self, what: str, old: Resource | None, new: Resource) -> None:
        super().on_change(what, old, new)
        if not isinstance(new, Session):
            return
        if what == "remove":
            self.keeper.ended(new)
        elif what == "delete":
            self.keeper.deletion_begins(new)
        elif what == "status" and isinstance(old, Session):
            self.keeper.hold(laws.s16_attention, new)
            intent = new.status.dokploy.intent
            if intent is not None and intent != old.status.dokploy.intent:
                self.keeper.announced(new)


@dataclass
class ReliabilityWorld(World):
    """The world of :mod:`tests.controller.world` with an injector in every way out."""

    injector: Injector = field(init=False)
    watch: Watch = field(init=False)
    lives: list[Life] = field(default_factory=list)
    metrics: list[Metrics] = field(default_factory=list)
    """Of each life."""
    logged: list[str] = field(default_factory=list)
    doubled: int = 0
    """Twins that an outsider made."""
    feed: Feed = Feed.TRUE
    backup: dict[str, Any] | None = None
    """Dokploy's database of a while ago."""
    _keeper: asyncio.Task[None] | None = None

    def run_controller(self, holder: str = "") -> Controller:
        life = Life(len(self.lives) + 1)
        self.lives.append(life)

        def connect(of: Target, key: SecretStr) -> Dokploy:
            limits = of.spec.limits
            return HttpDokploy(
                of.spec.url,
                key,
                sender=Wire(self, key, life),
                limits=CallLimits(limits.calls_in_flight, limits.calls_per_second),
                jitter=lambda: 0.5,
            )

        metrics = Metrics()
        self.metrics.append(metrics)
        controller = Controller(
            Store(self, life),  # type: ignore[arg-type]  # the part of the port that it uses
            self.records._settings,
            connect=connect,
            probe=Reporter(self, life),
            now=self.now,
            holder=holder or f"life {life.number}",
            pacing=self.pacing,
            metrics=metrics,
        )
        self._controllers.append((controller, asyncio.create_task(controller.run())))
        return controller

    def keep_alive(self) -> None:
        """Start another controller whenever one has died."""
        self._keeper = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            life = self.lives[-1]
            await life.died.wait()
            await self.kill_controller()
            self.run_controller()

    async def aclose(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
        for life in self.lives:
            life.died.set()
        await super().aclose()

    async def sessions(self) -> tuple[Session, ...]:
        return (await self.records.list(Session)).items

    def made(self) -> Counter[str]:
        """Changing calls that reached Dokploy, by name."""
        return Counter({name: n for name, n in self.calls().items() if name in CHANGES})


@asynccontextmanager
async def reliability_world(
    builds: dict[str, BuildScript] | None = None,
    *,
    feed: Feed = Feed.TRUE,
    behaviours: frozenset[Behaviour] = frozenset(Behaviour),
    kind: type[W] = ReliabilityWorld,
    poll: Poll = POLL,
    pacing: Pacing = PACING,
    limits: Limits = RATE,
) -> AsyncIterator[W]:
    """A world with its target declared, a foreigner's application in Dokploy, and no controller."""
    clock = loop_clock()

    def now() -> datetime:
        return _moment(clock())

    records = WatchedRecords(now, laws.Keeper())
    simulation = Simulation(clock=clock, builds=builds)
    dokploy = LocalDokploy(simulation, admin_key=KEY, clock=clock, behaviours=behaviours)
    await dokploy.start()
    for secret in SECRETS:
        await records.create(secret)
    await records.create(_target(poll, limits))
    made = kind(records, dokploy, simulation, _unused, now, pacing, feed=feed)
    made.watch = records.keeper = watch = Watch(made)
    made.injector = watch.injector = Injector(
        before=watch.before, after=watch.after, outsider=partial(tamper, made)
    )
    await watch.invite_foreigners()
    try:
        yield made
    finally:
        await made.aclose()


@cache
def _target(poll: Poll, limits: Limits) -> Target:
    """Declared once for all worlds: it is immutable, and to validate it costs as much as a pass."""
    return target(poll=poll, limits=limits, deadlines=DEADLINES)


@lru_cache(maxsize=1)
def _moment(seconds: float) -> datetime:
    """The same while virtual time stands still, and it is asked for at every step."""
    return datetime.fromtimestamp(seconds, UTC)


def _unused(_target: Target, _key: SecretStr) -> Dokploy:
    raise AssertionError("each life has a connection of its own")


__all__ = ["CANARY", "PACING", "REPOSITORY", "Call", "ReliabilityWorld", "reliability_world"]
