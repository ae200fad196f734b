"""The wall clock of Berth jumps by an hour, forward and back; the monotonic one does not, as in life.

The programs run with a library before libc that moves their clock (``clock_shim.c``): API,
controller and local Dokploy alike, as on one machine. It takes a C compiler and Linux.
"""

from __future__ import annotations

import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.berth import Berth
from tests.e2e.world import SMALL_IMAGE, Record, World

_HOUR = timedelta(hours=1)
_PROMPT = 25.0
"""Seconds that a start may take, whatever the clock says: a few of work, and what a lease lasts."""


@dataclass
class Clock:
    """The wall clock of every program that is started with :meth:`settings`."""

    library: Path
    file: Path
    offset: timedelta = timedelta()

    def settings(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.library), "CLOCK_OFFSET_FILE": str(self.file)}

    def jump(self, by: timedelta) -> None:
        self.offset += by
        nanoseconds = self.offset // timedelta(microseconds=1) * 1000
        with self.file.open("r+b", buffering=0) as file:
            file.write(struct.pack("=q", nanoseconds))

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("no C compiler is here to build the library that moves the clock")
    library = tmp_path_factory.mktemp("shim") / "clock.so"
    source = Path(__file__).with_name("clock_shim.c")
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return library


@pytest.fixture(scope="module")
def clock(shim: Path) -> Clock:
    file = shim.with_name("offset")
    file.write_bytes(struct.pack("=q", 0))
    return Clock(shim, file)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[World]:
    one = World(
        Berth(
            tmp_path_factory.mktemp("home"),
            ("--no-example",),
            {"BERTH_LEASE_SECONDS": "2", **clock.settings()},
        )
    )
    one.register_small_image()
    with one.berth:
        one.declare("kept", image=SMALL_IMAGE)
        one.settles()
        yield one
    assert one.programs() == {}


@pytest.mark.parametrize("jump", [_HOUR, -_HOUR], ids=["forward", "back"])
def test_a_jump_disturbs_nothing_that_runs_and_delays_nothing_new(
    world: World, clock: Clock, jump: timedelta
):
    boots, before = world.boots(), world.sessions()["kept"]
    name = "forward" if jump > timedelta() else "back"
    clock.jump(jump)
    world.declare(name, image=SMALL_IMAGE)
    made = world.berth.until("it is Ready", lambda: world.ready(name) == "Running", within=_PROMPT)
    world.act(name, "stop")
    world.berth.until("it stops", lambda: not world.violations(), within=_PROMPT)
    world.act(name, "restart")
    world.settles(within=_PROMPT)
    print(f"Ready {made:.1f} s after the clock went {name} by an hour")
    assert world.boots()["kept"] == boots["kept"]
    _transitions_are_sane(before, world.sessions()["kept"])
    at = datetime.fromisoformat(world.condition(name)["lastTransitionTime"])
    assert abs(at - clock.now()) < timedelta(minutes=2), "it bears the time of the clock as it is now"


def test_a_controller_killed_before_the_clock_goes_back_is_succeeded_in_time(world: World, clock: Clock):
    """Its lease then ends an hour from now, for all that the clock tells."""
    controller = world.berth.program("controller")
    controller.send_signal(signal.SIGSTOP)
    clock.jump(-_HOUR)
    controller.kill()
    world.declare("heir", image=SMALL_IMAGE)
    world.berth.until("it is Ready", lambda: world.ready("heir") == "Running", within=_PROMPT)
    world.settles()


def _transitions_are_sane(before: Record, after: Record) -> None:
    """``lastTransitionTime`` moved where the status did, and nowhere else (law S4)."""
    old = {one["type"]: one for one in before["status"]["conditions"]}
    for one in after["status"]["conditions"]:
        same = old[one["type"]]["status"] == one["status"]
        assert same == (old[one["type"]]["lastTransitionTime"] == one["lastTransitionTime"]), one
