"""What befalls controllers, Dokploy and the ways between in a day, drawn from a seed."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Iterator

from tests.reliability.weather import DayWorld

_COMES_BACK = 5.0
"""Seconds after which whoever looks after a controller has started it again."""


class Accidents:
    """Two controllers that are always started again, and all that happens to them."""

    def __init__(self, of: DayWorld, seed: int) -> None:
        self._of = of
        self._draw = random.Random(f"{seed} accidents")
        self.happened: Counter[str] = Counter()

    @contextlib.contextmanager
    def with_two_controllers(self) -> Iterator[None]:
        """One of them works, and the other waits for its turn."""
        keepers = [asyncio.create_task(self._keep()) for _ in range(2)]
        try:
            yield
        finally:
            for keeper in keepers:
                keeper.cancel()

    async def happen(self, *, seconds: float, number: int) -> None:
        """Let that many accidents happen, as many of each kind; each is over before the next one begins."""
        kinds = (
            self.controller_is_killed,
            self.two_are_active,
            self.dokploy_restarts,
            self.engine_is_down,
            self.weather_turns_foul,
        )
        accidents = [kinds[which % len(kinds)] for which in range(number)]
        self._draw.shuffle(accidents)
        loop = asyncio.get_running_loop()
        began = loop.time()
        moments = sorted(self._draw.uniform(0, seconds) for _ in range(number))
        for accident, moment in zip(accidents, moments, strict=True):
            await asyncio.sleep(max(began + moment - loop.time(), 0.0))
            self.happened[accident.__name__] += 1
            self._of.tell(accident.__name__)
            await accident()

    async def _keep(self) -> None:
        """Start a controller whenever the one before has ended: by a crash, or for want of the lease."""
        while True:
            self._of.run_controller()
            one, life = self._of._controllers[-1], self._of.lives[-1]
            died = asyncio.create_task(life.died.wait())
            await asyncio.wait({one[1], died}, return_when=asyncio.FIRST_COMPLETED)
            # It dies as it stands: what it would tidy up on its way out stays as it was.
            life.died.set()
            died.cancel()
            one[1].cancel()
            await asyncio.gather(one[1], died, return_exceptions=True)
            self._of._controllers.remove(one)
            self._of.tell(f"life {life.number} is over")
            await asyncio.sleep(_COMES_BACK)

    # -- the accidents ------------------------------------------------------------------------

    async def controller_is_killed(self) -> None:
        """The other takes over when the lease of the dead one runs out."""
        active = self._active()
        if active is not None:
            self._of.lives[active].died.set()

    async def two_are_active(self) -> None:
        """The lease goes to the other while its holder still works, and has yet to notice."""
        active = self._active()
        others = [c.leadership for c, _ in self._of._controllers if not c.leadership.leading.is_set()]
        if active is None or not others:
            return
        until = self._of.now().timestamp() + self._of.pacing.lease
        self._of.records._leases["controller"] = (others[0]._holder, until)

    def _active(self) -> int | None:
        """The index of the life that holds the lease."""
        holder = self._of.records._leases.get("controller", ("", 0.0))[0]
        return int(holder.removeprefix("life ")) - 1 if holder else None

    async def dokploy_restarts(self) -> None:
        await self._of.dokploy.restart(downtime=self._draw.uniform(1, 40))

    async def engine_is_down(self) -> None:
        self._of.dokploy.stop_engine()
        await asyncio.sleep(self._draw.uniform(1, 120))
        self._of.dokploy.start_engine()

    async def weather_turns_foul(self) -> None:
        await self._of.weather.turn_foul(self._draw.uniform(30, 300))
