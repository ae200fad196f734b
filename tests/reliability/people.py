"""What people and outsiders do to the sessions of a day, drawn from a seed."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable

from crds.session import EnvVar
from records.errors import AlreadyExists, Conflict, NotFound
from tests.controller.world import KEY
from tests.reliability.weather import DayWorld

Deed = Callable[[str, random.Random], Awaitable[None]]


class People:
    """Owners of sessions, and those who meddle with them in Dokploy and on its host."""

    def __init__(self, of: DayWorld, seed: int) -> None:
        self._of = of
        self._seed = seed
        self.done: Counter[str] = Counter()
        """Deeds by name; one that was refused did nothing, and is not among them."""
        self.by_owners: tuple[Deed, ...] = (
            self.change,
            self.change,
            self.stop,
            self.start,
            self.restart,
            self.delete,
            self.redeclare,
        )
        self.by_others: tuple[Deed, ...] = (self.meddle, self.kill)

    async def live_with(self, name: str, *, seconds: float, deeds: int) -> None:
        """One session's day: it is declared at some hour, and then this and that is done to it."""
        draw = random.Random(f"{self._seed} {name}")
        moments = sorted(draw.uniform(0, seconds) for _ in range(1 + deeds))
        now, deed = 0.0, self.redeclare
        for moment in moments:
            await asyncio.sleep(moment - now)
            now = moment
            await self._do(deed, name, draw)
            deed = draw.choice((*self.by_owners, *self.by_others))

    async def _do(self, deed: Deed, name: str, draw: random.Random) -> None:
        try:
            await deed(name, draw)
        except (NotFound, AlreadyExists, Conflict) as error:
            self._of.tell(f"{deed.__name__} {name} is refused: {type(error).__name__}")
        else:
            self.done[deed.__name__] += 1
            self._of.tell(f"{deed.__name__} {name}")

    # -- owners -------------------------------------------------------------------------------

    async def redeclare(self, name: str, draw: random.Random) -> None:
        image = draw.choice(("sim/ok", "sim/ok", "sim/slow-start:4", "sim/stubborn:4"))
        await self._of.declare(name, image=image)

    async def change(self, name: str, draw: random.Random) -> None:
        await self._of.change(name, env=(EnvVar(name="N", value=str(draw.random())),))

    async def stop(self, name: str, _: random.Random) -> None:
        await self._of.stop(name)

    async def start(self, name: str, _: random.Random) -> None:
        await self._of.start(name)

    async def restart(self, name: str, _: random.Random) -> None:
        await self._of.restart(name)

    async def delete(self, name: str, _: random.Random) -> None:
        await self._of.delete(name)

    # -- others -------------------------------------------------------------------------------

    async def meddle(self, name: str, draw: random.Random) -> None:
        """Do in Dokploy's page what nobody should."""
        known = (await self._of.session(name)).status.dokploy
        procedure, body = draw.choice(
            (("delete", {}), ("stop", {}), ("start", {}), ("update", {"env": "A=b", "replicas": 1}))
        )
        if known.application_id is not None:
            given = {"applicationId": known.application_id, **body}
            await self._of.dokploy.call(f"application.{procedure}", "POST", given, KEY)

    async def kill(self, name: str, _: random.Random) -> None:
        """End its container, as a crash does."""
        self._of.simulation.kill(str((await self._of.session(name)).status.dokploy.app_name))
