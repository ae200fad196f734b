"""A day of many people, outsiders and accidents, drawn from a seed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from crds.session import EnvVar
from records.errors import AlreadyExists, Conflict, NotFound
from tests.controller.world import KEY, World
from tests.reliability.faults import Fault
from tests.reliability.network import FAULTS

HOUR = 3600.0


@dataclass(frozen=True)
class Size:
    """How large a day is."""

    sessions: int
    hours: float
    acts_per_session: float = 4.0
    """What people and outsiders do to a session in all."""
    accidents_per_hour: float = 3.0
    """Of controllers, of Dokploy, of its engine and of the way to it."""
    poll: Mapping[str, str] = field(default_factory=lambda: {"audit": "5m"})
    """What differs from the default of a target's ``spec.poll``."""
    report: float = 120.0
    """Seconds between two readings of a container's own report."""


class Weather:
    """What befalls calls: long fair spells, and short ones in which one call in five goes wrong."""

    fair, foul = 0.0005, 0.2

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._bad = self.fair

    def fate(self) -> Fault | None:
        """What befalls the next call."""
        return self._draw.choice(FAULTS) if self._draw.random() < self._bad else None

    async def turn_foul(self, seconds: float) -> None:
        self._bad = self.foul
        await asyncio.sleep(seconds)
        self._bad = self.fair

    def clear_up(self) -> None:
        """From now on nothing goes wrong."""
        self._bad = self.fair = self.foul = 0.0


class Day:
    """All that happens in one."""

    def __init__(self, of: World, size: Size, seed: int) -> None:
        self.of = of
        self.size = size
        self.seed = seed
        self.weather = Weather(random.Random(f"{seed} weather"))
        self.told: list[str] = []
        """What was done, in order, with its second."""
        self._controllers = 0

    async def live(self) -> None:
        """The whole day; at its end nothing goes wrong any more."""
        await asyncio.gather(
            *(self._own(f"s-{number}") for number in range(self.size.sessions)), self._accidents()
        )
        self.weather.clear_up()
        self.of.dokploy.start_engine()

    def tell(self, text: str) -> None:
        self.told.append(f"{asyncio.get_running_loop().time():.3f} {text}")

    # -- people and outsiders, session by session -------------------------------------------------

    async def _own(self, name: str) -> None:
        """One owner's day: the session is declared at some hour, and this and that is done to it."""
        draw = random.Random(f"{self.seed} {name}")
        span = self.size.hours * HOUR
        moments = sorted(draw.uniform(0, span) for _ in range(1 + round(self.size.acts_per_session)))
        acts: tuple[Callable[[str, random.Random], Awaitable[None]], ...] = (
            self._change,
            self._change,
            self._stop,
            self._start,
            self._restart,
            self._delete,
            self._redeclare,
            self._outsider,
            self._container_dies,
        )
        now = 0.0
        for index, moment in enumerate(moments):
            await asyncio.sleep(moment - now)
            now = moment
            act = draw.choice(acts) if index else self._redeclare
            self.tell(f"{act.__name__} {name}")
            try:
                await act(name, draw)
            except (NotFound, AlreadyExists, Conflict) as error:
                self.tell(f"refused {name}: {type(error).__name__}")

    async def _redeclare(self, name: str, draw: random.Random) -> None:
        image = draw.choice(("sim/ok", "sim/ok", "sim/slow-start:4", "sim/stubborn:4"))
        await self.of.declare(name, image=image)

    async def _change(self, name: str, draw: random.Random) -> None:
        await self.of.change(name, env=(EnvVar(name="N", value=str(draw.random())),))

    async def _stop(self, name: str, _: random.Random) -> None:
        await self.of.stop(name)

    async def _start(self, name: str, _: random.Random) -> None:
        await self.of.start(name)

    async def _restart(self, name: str, _: random.Random) -> None:
        await self.of.restart(name)

    async def _delete(self, name: str, _: random.Random) -> None:
        await self.of.delete(name)

    async def _outsider(self, name: str, draw: random.Random) -> None:
        known = (await self.of.session(name)).status.dokploy
        procedure, body = draw.choice(
            (("delete", {}), ("stop", {}), ("start", {}), ("update", {"env": "A=b", "replicas": 1}))
        )
        if known.application_id is not None:
            given = {"applicationId": known.application_id, **body}
            await self.of.dokploy.call(f"application.{procedure}", "POST", given, KEY)

    async def _container_dies(self, name: str, _: random.Random) -> None:
        self.of.simulation.kill(str((await self.of.session(name)).status.dokploy.app_name))

    # -- accidents ----------------------------------------------------------------------------------

    def start_controller(self) -> None:
        self._controllers += 1
        self.of.run_controller(f"holder-{self._controllers}")

    async def _accidents(self) -> None:
        draw = random.Random(f"{self.seed} accidents")
        number = round(self.size.hours * self.size.accidents_per_hour)
        moments = sorted(draw.uniform(0, self.size.hours * HOUR) for _ in range(number))
        accidents = (
            self._active_is_killed,
            self._two_are_active,
            self._dokploy_restarts,
            self._engine_is_down,
            self._calls_go_wrong,
        )
        loop = asyncio.get_running_loop()
        began = loop.time()
        for moment in moments:
            await asyncio.sleep(max(began + moment - loop.time(), 0.0))
            accident = draw.choice(accidents)
            self.tell(accident.__name__)
            await accident(draw)

    async def _active_is_killed(self, _: random.Random) -> None:
        """The standby takes over when the lease of the dead one runs out."""
        self._forget_ended()
        # It dies as it stands: what it would tidy up on the way out stays as it was.
        active, task = self.of._controllers.pop(0)
        active.leadership.release = _nothing  # type: ignore[method-assign]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self.start_controller()

    async def _two_are_active(self, _: random.Random) -> None:
        """The lease has run out while its holder still works: until it notices, there are two."""
        self._forget_ended()
        standby, task = self.of._controllers[1]
        self.of.records._leases["controller"] = (standby.leadership._holder, 0.0)
        await asyncio.sleep(30)
        assert not task.done(), "the standby leads"
        self._forget_ended()

    def _forget_ended(self) -> None:
        """A controller that lost the lease has ended by itself; its supervisor starts another."""
        ended = [one for one in self.of._controllers if one[1].done()]
        for one in ended:
            one[1].exception()
            self.of._controllers.remove(one)
            self.start_controller()

    async def _dokploy_restarts(self, draw: random.Random) -> None:
        await self.of.dokploy.restart(downtime=draw.uniform(1, 60))

    async def _engine_is_down(self, draw: random.Random) -> None:
        self.of.dokploy.stop_engine()
        await asyncio.sleep(draw.uniform(1, 120))
        self.of.dokploy.start_engine()

    async def _calls_go_wrong(self, draw: random.Random) -> None:
        await self.weather.turn_foul(draw.uniform(10, 300))


async def _nothing() -> None:
    """What a dead controller does about its lease."""
