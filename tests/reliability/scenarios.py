"""What a person does, from a world at rest: each a short story that has to come to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from crds.container import Build, Resources, SecretKeyReference
from crds.quantity import CpuQuantity, MemoryQuantity
from crds.session import EnvVar, Route, Session, Storage
from crds.vocabulary import Reason
from dokploy.local.simulation import BuildScript
from tests.reliability.world import REPOSITORY, ReliabilityWorld

Act = Callable[[ReliabilityWorld], Awaitable[None]]

SECRET = EnvVar(name="TOKEN", secret_ref=SecretKeyReference(name="canary", key="token"))
WITH_SECRET = {"env": (SECRET,)}
BUILT: dict[str, object] = {"image": None, "build": Build(repository=REPOSITORY)}


@dataclass(frozen=True)
class Scenario:
    """``before`` brings the world to the rest from which ``act`` starts."""

    name: str
    act: Act
    before: Act | None = None
    builds: Mapping[str, BuildScript] = field(default_factory=dict)
    retains: bool = False
    """Its deletion keeps the volumes."""
    ends: str | None = None
    """The reason with which it ends, where it cannot end well."""


async def _declared(of: ReliabilityWorld) -> None:
    await of.declare(**WITH_SECRET)


async def _declared_built(of: ReliabilityWorld) -> None:
    await of.declare(**BUILT)


async def _declared_stopped(of: ReliabilityWorld) -> None:
    await of.declare(operating_mode="Stopped")


async def _declared_retaining(of: ReliabilityWorld) -> None:
    await of.declare(storage=Storage(on_delete="Retain"))


async def _two(of: ReliabilityWorld) -> None:
    await of.declare("one")
    await of.declare("two")


async def _burst(of: ReliabilityWorld) -> None:
    for number in range(8):
        await of.declare(f"burst-{number}")


async def _redeclare(of: ReliabilityWorld) -> None:
    await of.delete()
    await of.until_gone(within=4000.0)
    await of.declare(**WITH_SECRET)


async def _hand_over(of: ReliabilityWorld) -> None:
    """A second controller stands by; the first dies in the middle of a change."""
    of.run_controller("standby")
    await of.change(env=(EnvVar(name="A", value="b"),))
    await asyncio.sleep(0.05)
    of.lives[0].died.set()


async def _stop_and_start(of: ReliabilityWorld) -> None:
    """Stopped, and started again while the container is still ending."""
    await of.stop()
    await asyncio.sleep(1.5)
    await of.start()


async def _stop_unhealthy_and_start(of: ReliabilityWorld) -> None:
    """Stopped before it was healthy, and started again while that container is still ending: the
    listing of services shows no running task of it from the moment of the stop."""
    await of.change(image="sim/slow-start:5")
    await asyncio.sleep(4.5)  # the old container has ended, and the new one is not healthy
    await of.stop()
    await asyncio.sleep(1.5)
    await of.start()


async def _nothing(of: ReliabilityWorld) -> None:
    """Nobody does anything, for two ticks and more."""
    await asyncio.sleep(12.0)


async def _undo(of: ReliabilityWorld) -> None:
    """A bad change, taken back before anybody can have followed it."""
    await of.change(image="sim/missing")
    await asyncio.sleep(0.03)
    await of.change(image="sim/ok")


def _change(**spec: object) -> Act:
    async def act(of: ReliabilityWorld) -> None:
        await of.change(**spec)

    return act


SCENARIOS = (
    Scenario("create", _declared),
    Scenario("create stopped", _declared_stopped),
    Scenario("create with build", _declared_built, builds={REPOSITORY: BuildScript()}),
    Scenario(
        "hanging build",
        _declared_built,
        builds={REPOSITORY: BuildScript(hangs=True)},
        ends=Reason.BUILD_DEADLINE_EXCEEDED,
    ),
    Scenario("change environment", _change(env=(EnvVar(name="A", value="b"),)), _declared),
    Scenario("change title", _change(title="Another title"), _declared),
    Scenario("change image", _change(image="sim/other"), _declared),
    Scenario(
        "change resources",
        _change(resources=Resources(cpu=CpuQuantity("1"), memory=MemoryQuantity("1Gi"))),
        _declared,
    ),
    Scenario("change route", _change(route=Route(host="other.test")), _declared),
    Scenario("change build", _change(build=Build(repository=REPOSITORY, ref="next")), _declared_built),
    Scenario("undo a change", _undo, _declared),
    Scenario("stop", ReliabilityWorld.stop, _declared),
    Scenario("start", ReliabilityWorld.start, _declared_stopped),
    Scenario("stop and start", _stop_and_start, _declared),
    Scenario("stop unhealthy and start", _stop_unhealthy_and_start, _declared),
    Scenario("restart", ReliabilityWorld.restart, _declared),
    Scenario("delete", ReliabilityWorld.delete, _declared),
    Scenario("delete stopped", ReliabilityWorld.delete, _declared_stopped),
    Scenario("delete built", ReliabilityWorld.delete, _declared_built),
    Scenario("delete retaining", ReliabilityWorld.delete, _declared_retaining, retains=True),
    Scenario("redeclare", _redeclare, _declared),
    Scenario("at rest", _nothing, _declared),
    Scenario("at rest, stopped", _nothing, _declared_stopped),
    Scenario("two sessions", _two),
    Scenario("burst", _burst),
    Scenario("hand over", _hand_over, _declared),
)

NAMED = {scenario.name: scenario for scenario in SCENARIOS}


def volumes_of(sessions: tuple[Session, ...]) -> set[str]:
    """The volumes that sessions say they have."""
    return {volume for session in sessions for volume in session.status.dokploy.storage}
