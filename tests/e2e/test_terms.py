"""SIGTERM in every phase of a create: to the controller, and to ``berth up`` as a whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.berth import Berth
from tests.e2e.parts import Parts, parts_behind_a_proxy
from tests.e2e.proxy import Moment
from tests.e2e.world import SMALL_IMAGE, World

Phase = tuple[str, int, Moment]
"""Which call, which one of its kind, and whether before it is passed on or after it took effect."""

_PHASES: tuple[Phase, ...] = (
    ("application.create", 1, "before"),
    ("application.create", 1, "after"),
    ("application.update", 1, "after"),
    ("mounts.create", 1, "after"),
    ("application.reload", 1, "before"),
    ("application.reload", 1, "after"),
)
_MORE_PHASES: tuple[Phase, ...] = (
    ("application.update", 1, "before"),
    ("mounts.create", 1, "before"),
    ("mounts.create", 2, "before"),
    ("mounts.create", 2, "after"),
    ("domain.create", 1, "before"),
    ("domain.create", 1, "after"),
)


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "phases", [_PHASES, pytest.param(_MORE_PHASES, marks=pytest.mark.soak)], ids=["main", "more"]
)
def test_a_controller_told_to_end_in_any_phase_of_a_create_leaves_it_to_the_next(
    home: Path, phases: tuple[Phase, ...]
):
    with parts_behind_a_proxy(home) as (world, parts, proxy):
        for index, phase in enumerate(phases):
            proxy.at = told = _SigTerm(parts, phase)
            world.declare(f"t-{index}", image=SMALL_IMAGE)
            assert told.sent.wait(30), f"{phase} was never reached\n{parts.said()}"
            assert parts.end("controller") == 0, f"{phase}\n{parts.said()}"
            parts.start("controller")
        proxy.at = lambda _name, _moment: None
        world.declare("starting", image=SMALL_IMAGE)
        world.berth.until("the container starts", lambda: "starting" in world.services())
        assert parts.end("controller") == 0
        parts.start("controller")
        print(f"settled {world.settles(within=90):.1f} s after the last of {len(phases) + 1} phases")
        # A create whose answer nobody heard is looked for, never repeated.
        assert proxy.calls.count("application.create") == len(world.wanted)
        assert proxy.calls.count("application.delete") == 0


class _SigTerm:
    """Sends SIGTERM to the controller at one moment of one call, and lets the call go on."""

    def __init__(self, parts: Parts, phase: tuple[str, int, Moment]) -> None:
        self._parts = parts
        self._name, self._number, self._moment = phase
        self._seen = 0
        self.sent = threading.Event()

    def __call__(self, name: str, moment: Moment) -> None:
        if (name, moment) != (self._name, self._moment) or self.sent.is_set():
            return
        self._seen += 1
        if self._seen == self._number:
            process = self._parts.program("controller")
            process.send_signal(signal.SIGTERM)
            self.sent.set()
            # What was asked for takes effect, or is answered, when nobody waits for it any more.
            process.wait(15)


_Seen = Callable[[World], object]
_MOMENTS: tuple[tuple[str, _Seen], ...] = (
    ("the application", lambda world: "up-0" in world.applications()),
    ("the process", lambda world: "up-1" in {name for name, _ in world.programs().values()}),
)
_MORE_MOMENTS: tuple[tuple[str, _Seen], ...] = (
    ("the record", lambda world: "up-0" in world.sessions()),
    ("the service", lambda world: "up-1" in world.services()),
)


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "moments", [_MOMENTS, pytest.param(_MORE_MOMENTS, marks=pytest.mark.soak)], ids=["main", "more"]
)
def test_berth_up_told_to_end_during_a_create_goes_on_with_it(
    home: Path, moments: tuple[tuple[str, _Seen], ...]
):
    world = World(Berth(home, ("--no-example",)))
    world.register_small_image()
    with world.berth:
        for index, (what, is_seen) in enumerate(moments):
            world.declare(f"up-{index}", image=SMALL_IMAGE)
            world.berth.until(what, lambda is_seen=is_seen: is_seen(world))
            assert world.berth.down(signal.SIGTERM) == 0
            assert world.programs() == {}
            world.berth.up()
        world.settles()
        reasons = [event["reason"] for event in world.insist("GET", "/api/events?limit=500")["items"]]
        # One whose answer the end came before is found, and tells so: AmbiguousCreate.
        assert reasons.count("Create") <= len(moments)
