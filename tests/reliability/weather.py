"""What befalls the calls of the controllers of a long day, each with a watch over it.

The injector of the searches makes chosen calls of one controller go wrong. Here the weather is asked
at every call: long fair spells, and short foul ones. Views that lie are left to the searches, so that
no second application is ever excused (law S2).
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx

from controller.loop import Controller
from crds.session import Session
from dokploy.translation import Answer
from tests.reliability.faults import APPLICABLE, CRASHES, FALSE_VIEWS, Call, Fault, Kind
from tests.reliability.injector import Injector, Life
from tests.reliability.tampering import tamper
from tests.reliability.watch import Watch
from tests.reliability.world import ReliabilityWorld

LATENCY = 0.02
"""Seconds from a request to its arrival: what lets calls of several sessions overlap."""

_FAULTS = {
    kind: tuple(fault for fault in faults if fault not in FALSE_VIEWS) for kind, faults in APPLICABLE.items()
}
_CRASH = 0.01
"""How often the controller dies of a call that goes wrong, where any other fault counts 1: its
successor looks at every session, and a spell of nothing but crashes would show nothing else."""
_WEIGHTS = {
    kind: [_CRASH if fault in CRASHES else 1.0 for fault in faults] for kind, faults in _FAULTS.items()
}


class Weather:
    """How likely a call is to go wrong, and what then befalls it; drawn from a seed."""

    fair, foul = 0.0005, 0.2

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._bad = self.fair
        self.befallen: Counter[Fault] = Counter()

    def fate(self, kind: Kind) -> Fault | None:
        """What befalls the next call."""
        if self._draw.random() >= self._bad:
            return None
        (fault,) = self._draw.choices(_FAULTS[kind], _WEIGHTS[kind])
        self.befallen[fault] += 1
        return fault

    async def turn_foul(self, seconds: float) -> None:
        self._bad = self.foul
        await asyncio.sleep(seconds)
        self._bad = self.fair

    def clear_up(self) -> None:
        """From now on nothing goes wrong."""
        self._bad = self.fair = self.foul = 0.0


class Exposed(Injector):
    """The ways out of one controller, in this weather and under a watch of its own.

    Two controllers may be at work for some seconds, and each answers for what it could know.
    """

    def __init__(self, of: DayWorld) -> None:
        self._of = of
        self.watch = Watch(of)
        super().__init__(before=self.watch.before, after=self.watch.after, outsider=partial(tamper, of))
        self.watch.injector = self
        self._number = 0
        self._intents: dict[str, object] = {}

    async def _next(self, kind: Kind, name: str, subject: str) -> tuple[Call, Fault | None]:
        self._number += 1
        call, fault = Call(self._number, kind, name, subject), self._of.weather.fate(kind)
        if fault is not None:
            self._of.tell(f"{fault.name} at {call}")
        return call, fault

    async def _performed(self, call: Call, perform: Callable[[], Awaitable[Any]]) -> Any:
        whole = super()._performed(call, perform)
        if call.kind is not Kind.CHANGE:
            return await whole
        # What was sent is done: Dokploy does not notice that its client died.
        task = asyncio.create_task(whole)
        self._late.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._late.discard(task)
        if not task.cancelled():
            task.exception()  # its caller may be gone

    async def http(
        self,
        life: Life,
        kind: Kind,
        name: str,
        subject: str,
        perform: Callable[[], Awaitable[Answer]],
    ) -> Answer:
        await asyncio.sleep(LATENCY)
        answer = await super().http(life, kind, name, subject, perform)
        if not self._of.dokploy.up:
            raise httpx.ReadError("cut")
        return answer

    def _older(self, name: str, subject: str, value: object) -> object:
        """As for the searches, but of single records alone: to compare whole lists for a day is dear."""
        return super()._older(name, subject, value) if name == "get" else value

    async def write(self, life: Life, name: str, subject: str, perform: Callable[[], Awaitable[Any]]) -> Any:
        value = await super().write(life, name, subject, perform)
        if name == "update_status" and isinstance(value, Session):
            intent = value.status.dokploy.intent
            if intent is not None and intent != self._intents.get(value.metadata.uid):
                self.watch.announced(value)
            self._intents[value.metadata.uid] = intent
        return value


@dataclass
class DayWorld(ReliabilityWorld):
    """The world of the searches, in which each controller is exposed to the weather."""

    weather: Weather = field(default_factory=lambda: Weather(random.Random(0)))
    told: list[str] = field(default_factory=list)
    """What happened, in order, with its second."""
    exposed: list[Exposed] = field(default_factory=list)

    def run_controller(self, holder: str = "") -> Controller:
        self.injector = Exposed(self)
        self.exposed.append(self.injector)
        return super().run_controller(holder)

    def tell(self, text: str) -> None:
        self.told.append(f"{asyncio.get_running_loop().time():.3f} {text}")

    def broken(self) -> list[str]:
        """Every law that any watch has seen broken."""
        return [law for watch in (self.watch, *(one.watch for one in self.exposed)) for law in watch.broken]
