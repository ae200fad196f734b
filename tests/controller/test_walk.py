"""Random walks of people, outsiders and accidents; at rest the world is what the records declare.

`make test` walks a few; `make soak` walks many. A failing walk prints its seed, and the same seed
walks the same way.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable

import pytest

from controller.identity import Identity
from crds.session import EnvVar, Session
from crds.vocabulary import Reason
from records.errors import AlreadyExists, Conflict, NotFound
from tests import laws
from tests.controller.world import KEY, World, world

pytestmark = pytest.mark.looptime

NAMES = ("one", "two", "three")
STEPS = 25
AUDIT = {"fast": "1s", "slow": "5s", "idle": "15s", "audit": "1m"}


class Walk:
    """One walk: who does what next is drawn from the seed."""

    def __init__(self, of: World, seed: int) -> None:
        self.of = of
        self.draw = random.Random(seed)
        self.steps: list[str] = []
        self.acts: tuple[Callable[[str], Awaitable[None]], ...] = (
            self.declare,
            self.declare,
            self.change,
            self.stop,
            self.start,
            self.restart,
            self.delete,
            self.outsider_deletes,
            self.outsider_stops,
            self.outsider_starts,
            self.outsider_edits,
            self.controller_dies,
            self.dokploy_restarts,
            self.container_dies,
        )

    async def walk(self) -> None:
        for _ in range(STEPS):
            act, name = self.draw.choice(self.acts), self.draw.choice(NAMES)
            self.steps.append(f"{act.__name__} {name}")
            try:
                await act(name)
            except (NotFound, AlreadyExists, Conflict):
                self.steps[-1] += " (refused)"
            await asyncio.sleep(self.draw.choice((0.0, 0.02, 0.1, 0.5, 2.0, 20.0)))

    async def declare(self, name: str) -> None:
        await self.of.declare(name)

    async def change(self, name: str) -> None:
        await self.of.change(name, env=(EnvVar(name="N", value=str(self.draw.random())),))

    async def stop(self, name: str) -> None:
        await self.of.stop(name)

    async def start(self, name: str) -> None:
        await self.of.start(name)

    async def restart(self, name: str) -> None:
        await self.of.restart(name)

    async def delete(self, name: str) -> None:
        await self.of.delete(name)

    async def outsider_deletes(self, name: str) -> None:
        await self.outsider(name, "application.delete")

    async def outsider_stops(self, name: str) -> None:
        await self.outsider(name, "application.stop")

    async def outsider_starts(self, name: str) -> None:
        if not self.of.is_stopping((await self.of.session(name)).status.dokploy.app_name):
            await self.outsider(name, "application.start")

    async def outsider_edits(self, name: str) -> None:
        if self.of.is_stopping((await self.of.session(name)).status.dokploy.app_name):
            return
        await self.outsider(name, "application.update", env="A=b", replicas=1)
        await self.outsider(name, "application.reload", appName="x")

    async def outsider(self, name: str, procedure: str, **body: object) -> None:
        known = (await self.of.session(name)).status.dokploy
        if known.application_id is not None:
            given = {"applicationId": known.application_id, **body}
            await self.of.dokploy.call(procedure, "POST", given, KEY)

    async def controller_dies(self, _: str) -> None:
        await self.of.kill_controller()
        self.of.run_controller(f"holder-{len(self.steps)}")

    async def dokploy_restarts(self, _: str) -> None:
        await self.of.dokploy.restart(downtime=3)

    async def container_dies(self, name: str) -> None:
        known = (await self.of.session(name)).status.dokploy
        if known.app_name is not None:
            self.of.simulation.kill(known.app_name)


async def check_rest(of: World) -> None:
    """L1 and L3: the world equals the declared state, or the status names what a person must do.

    An outsider who deletes an application while our reload is under way leaves a service that no
    call removes (FACTS 7.2): its session says so, and only a person on Dokploy's host can help.
    """
    sessions = (await of.records.list(Session)).items
    for session in sessions:
        if laws.ready_reason(session) != Reason.ORPHAN_SERVICE:
            laws.l3(session)
    laws.l1(of, sessions)


async def check_quiet(of: World) -> None:
    """L2: a further pass changes nothing and writes nothing."""
    before, written = of.calls(), len(of.records.writes)
    await asyncio.sleep(50)
    laws.l2(list(of.changes_since(before)), laws.written_by_passes(of.records.writes[written:]))


def check_overlaps(of: World) -> None:
    """S2: no two containers on one volume, but where Dokploy itself starts a service again that an
    outsider has just deleted (FACTS 7.2): beside the old container, and without an application."""
    orphaned = tuple(
        Identity.of(session, instance=laws.INSTANCE).marker
        for session in of.records.all(Session)
        if laws.ready_reason(session) == Reason.ORPHAN_SERVICE
    )
    ours = [overlap for overlap in of.simulation.violations if not overlap.startswith(orphaned)]
    assert ours == [], "two containers on one volume (S2)"


async def walk(seed: int) -> None:
    async with world(poll=AUDIT) as of:
        of.run_controller()
        one = Walk(of, seed)
        try:
            await one.walk()
            await asyncio.sleep(400)
            await check_rest(of)
            await check_quiet(of)
            check_overlaps(of)
        except BaseException:
            print(f"seed {seed}:", *one.steps, sep="\n  ")
            raise


@pytest.mark.parametrize("seed", range(12))
async def test_a_walk_ends_where_the_records_say(seed: int):
    await walk(seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 1000 + int(os.environ.get("BERTH_SOAK_WALKS", "500"))))
async def test_many_walks_end_where_the_records_say(seed: int):
    await walk(seed)
