"""What a person does, from a world at rest: each a short story that has to come to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from crds.base import Key, ObjectMeta
from crds.container import Build, Resources, SecretKeyReference
from crds.quantity import CpuQuantity, MemoryQuantity
from crds.secret import Secret
from crds.session import EnvVar, Route, Session, SessionFields, SessionTemplate, Storage
from crds.target import Limits, Target
from crds.vocabulary import Reason
from dokploy.local.simulation import BuildScript
from tests.controller.world import NAMESPACE
from tests.reliability.world import CANARY, PACING, REPOSITORY, ReliabilityWorld, secret

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


async def _declared_with_work(of: ReliabilityWorld) -> None:
    await of.declare()
    await of.until_ready()
    await of.edit(files=2)
    await asyncio.sleep(2 * PACING.report)  # its status tells of it


async def _edit_and_delete(of: ReliabilityWorld) -> None:
    """The container's report of the work, which it keeps for a while, says that all is saved."""
    await of.edit(files=2)
    await of.delete()


async def _delete_and_save(of: ReliabilityWorld) -> None:
    await of.delete()
    await asyncio.sleep(15)
    await of.edit(files=0)


async def _delete_and_undelete(of: ReliabilityWorld) -> None:
    await of.delete()
    await asyncio.sleep(5)
    await of.undelete()


async def _stop_and_delete(of: ReliabilityWorld) -> None:
    """Once it is stopped nobody can be asked any more: it is asked before."""
    await of.edit(files=2)
    await of.stop()
    await asyncio.sleep(10)
    await of.delete()


async def _declared_by_template(of: ReliabilityWorld) -> None:
    spec = SessionFields(env=(EnvVar(name="A", value="b"),), storage=Storage(on_delete="Retain"))
    meta = ObjectMeta(name="python", namespace=NAMESPACE)
    await of.records.create(SessionTemplate(metadata=meta, spec=spec))
    await of.declare(template="python")


async def _change_secret(of: ReliabilityWorld) -> None:
    """Another value, which is taken up at the next restart at the latest."""
    await of.records.update(secret("canary", NAMESPACE, token=f"{CANARY}-2"))
    await of.restart()


async def _change_template(of: ReliabilityWorld) -> None:
    key = Key(NAMESPACE, "python")
    old = of.records.at(SessionTemplate, key)
    spec = old.spec.model_copy(update={"env": (EnvVar(name="A", value="c"),)})
    await of.records.update(old.model_copy(update={"spec": spec}))
    await of.restart()


async def _change_target(of: ReliabilityWorld) -> None:
    """The connection is replaced in the middle of a change."""
    await of.change(env=(EnvVar(name="A", value="b"),))
    await asyncio.sleep(0.03)
    old = of.records.at(Target, Key("", "default"))
    spec = old.spec.model_copy(update={"limits": Limits(calls_per_second=900, calls_in_flight=3)})
    await of.records.update(old.model_copy(update={"spec": spec}))


async def _change_key(of: ReliabilityWorld) -> None:
    """So it is when the key is rotated; the old one is still accepted, as it is in Dokploy."""
    of.dokploy.add_key("another-key", role="owner")
    await of.change(env=(EnvVar(name="A", value="b"),))
    await asyncio.sleep(0.03)
    await of.records.update(secret("dokploy", "berth-system", key="another-key"))


async def _retain_and_delete(of: ReliabilityWorld) -> None:
    await of.change(storage=Storage(on_delete="Retain"))
    await of.delete()


async def _delete_without_template(of: ReliabilityWorld) -> None:
    """What said that the volumes stay goes first."""
    await of.records.delete(SessionTemplate, Key(NAMESPACE, "python"))
    await of.delete()


async def _create_and_delete(of: ReliabilityWorld) -> None:
    await of.declare(**WITH_SECRET)
    await asyncio.sleep(0.02)
    await of.delete()


async def _build_and_delete(of: ReliabilityWorld) -> None:
    await of.declare(**BUILT)
    await asyncio.sleep(2.0)
    await of.delete()


async def _hand_over_a_deletion(of: ReliabilityWorld) -> None:
    of.run_controller("standby")
    await of.delete()
    await asyncio.sleep(0.05)
    of.lives[0].died.set()


async def _empty_namespace(of: ReliabilityWorld) -> None:
    """Everything goes at once, what the sessions refer to first."""
    await of.records.delete(Secret, Key(NAMESPACE, "canary"))
    for name in ("one", "two"):
        await of.delete(name)


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
    Scenario("change secret", _change_secret, _declared),
    Scenario("change template", _change_template, _declared_by_template),
    Scenario("change target", _change_target, _declared),
    Scenario("change key", _change_key, _declared),
    Scenario("retain and delete", _retain_and_delete, _declared_stopped, retains=True),
    Scenario("delete without template", _delete_without_template, _declared_by_template, retains=True),
    Scenario("delete with work", ReliabilityWorld.delete, _declared_with_work, ends=Reason.WORK_UNSAVED),
    Scenario("edit and delete", _edit_and_delete, _declared, ends=Reason.WORK_UNSAVED),
    Scenario("delete and save", _delete_and_save, _declared_with_work),
    Scenario("delete and undelete", _delete_and_undelete, _declared_with_work),
    Scenario("delete by force", ReliabilityWorld.delete_forced, _declared_with_work),
    Scenario("stop and delete", _stop_and_delete, _declared, ends=Reason.WORK_UNSAVED),
    Scenario("create and delete", _create_and_delete),
    Scenario("build and delete", _build_and_delete, builds={REPOSITORY: BuildScript(seconds=4.0)}),
    Scenario("hand over a deletion", _hand_over_a_deletion, _declared),
    Scenario("empty a namespace", _empty_namespace, _two),
)

NAMED = {scenario.name: scenario for scenario in SCENARIOS}


def volumes_of(sessions: tuple[Session, ...]) -> set[str]:
    """The volumes that sessions say they have."""
    return {volume for session in sessions for volume in session.status.dokploy.storage}
