"""A disk without room under a running Berth: an error in words, nothing half-done, and then on by itself.

The home lies on a small tmpfs, so that ENOSPC is the kernel's own; mounting one takes root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.berth import Berth
from tests.e2e.parts import parts_behind_a_proxy
from tests.e2e.world import SMALL_IMAGE, World

_DISK = 24 * 2**20
_PIECE = 64 * 2**10
_PARTS = ("dokploy.local", "controller", "api")
_FULL = 2.0
"""Seconds without room: each part is started again in it, more than once."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small file system can only be mounted by root")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(place)], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Take all the room there is, to the last byte; returns what takes it."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (_PIECE, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return ballast


@pytest.fixture
def world(disk: Path) -> Iterator[World]:
    one = World(Berth(disk / "home", ("--no-example",), {"BERTH_LEASE_SECONDS": "2"}))
    one.register_small_image()
    with one.berth:
        for number in range(3):
            one.declare(f"kept-{number}", image=SMALL_IMAGE)
        one.settles()
        yield one


def test_a_full_disk_is_said_and_all_goes_on_when_there_is_room(world: World, disk: Path):
    boots = world.boots()
    ballast = fill(disk)
    accepted = _declare_until_refused(world)
    ballast.unlink()
    for name in accepted:
        world.wanted[name] = "Running"
    world.declare("late", image=SMALL_IMAGE)
    took = world.settles()
    print(f"settled {took:.1f} s after there was room; {len(accepted)} were declared on a full disk")
    assert {name: world.boots()[name] for name in boots} == boots, "what ran, ran on"


def test_what_dies_on_a_full_disk_is_back_when_there_is_room_and_every_time_after(world: World, disk: Path):
    ballast = fill(disk)
    for module in _PARTS:
        world.berth.program(module).kill()
    time.sleep(_FULL)
    ballast.unlink()
    world.settles(within=90)
    for module in _PARTS:
        world.berth.until(
            f"{module} is there", lambda module=module: world.berth.program(module).kill() is None
        )
    world.declare("late", image=SMALL_IMAGE)
    world.settles(within=90)


def test_a_log_on_a_full_disk_fails_nothing_that_it_tells_of(home: Path):
    with parts_behind_a_proxy(home, log_to=Path("/dev/full")) as (world, _parts, _proxy):
        world.declare("one", image="tests/unknown:1")
        world.berth.until("the image is missed", lambda: world.ready("one") == "ImageNotFound")
        world.declare("one", image=SMALL_IMAGE)
        world.settles()


def _declare_until_refused(world: World) -> list[str]:
    """Declare sessions until one is refused for want of room; returns those that were taken."""
    accepted = []
    for number in range(400):
        name = f"full-{number}"
        record = {
            "apiVersion": "berth.dev/v1alpha1",
            "kind": "Session",
            "metadata": {"name": name, "namespace": "default", "annotations": {"note": "x" * 20_000}},
            "spec": {"image": SMALL_IMAGE},
        }
        answer = world.berth.ask("PUT", f"/api/namespaces/default/sessions/{name}", record)
        if answer.is_success:
            accepted.append(name)
            continue
        problem = answer.json()
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, problem
        assert problem["reason"] == "Unavailable"
        assert "the disk is full" in problem["detail"], problem
        # What is there can still be read, and what was refused is not there.
        assert world.berth.ask("GET", "/api/namespaces/default/sessions/kept-0").is_success
        assert world.berth.ask("GET", f"/api/namespaces/default/sessions/{name}").status_code == 404
        return accepted
    raise AssertionError("the disk never was full")
