"""A Dokploy that is slow, cut off, garbled, refusing or down for some seconds, seen from outside.

While it lasts the status says what is wrong in words, and what runs goes on; afterwards all is well
by itself, and nothing was made twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.e2e.parts import declare_key, parts_behind_a_proxy
from tests.e2e.proxy import Illness, Proxy
from tests.e2e.world import SMALL_IMAGE, Record, World

_SECONDS = 1.0
_TOLD = {
    Illness.CUT: "TargetUnreachable",
    Illness.LOST: "TargetUnreachable",
    Illness.GARBLED: "TargetUnreachable",
    Illness.EMPTY: "TargetUnreachable",
    Illness.WEB_PAGE: "TargetUnreachable",
    Illness.BAD_GATEWAY: "TargetUnreachable",
    Illness.REFUSED_KEY: "TargetUnauthorized",
    Illness.DOWN: "TargetUnreachable",
}
"""What the target says while it lasts; one that is only slow is well."""


@pytest.fixture(scope="module")
def behind_a_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Proxy]]:
    with parts_behind_a_proxy(tmp_path_factory.mktemp("ill") / "home") as (world, _parts, proxy):
        world.declare("kept", image=SMALL_IMAGE)
        world.settles()
        yield world, proxy


@pytest.mark.timeout(240)
def test_every_illness_of_dokploy_is_told_and_passes_without_a_trace(behind_a_proxy: tuple[World, Proxy]):
    world, proxy = behind_a_proxy
    before = world.boots()["kept"], world.condition("kept")["lastTransitionTime"]
    for illness in Illness:
        proxy.illness = illness
        world.declare(f"new-{illness.value.replace(' ', '-')}", image=SMALL_IMAGE)
        told = _told(world, _TOLD.get(illness, "Running"))
        time.sleep(_SECONDS)
        proxy.illness = None
        started = time.monotonic()
        _told(world, "Running")
        print(f"{illness.value}: told {told!r}; listed {time.monotonic() - started:.1f} s after it")
    world.settles()
    assert (world.boots()["kept"], world.condition("kept")["lastTransitionTime"]) == before
    # What took effect without an answer is found by its marker, and not made again.
    assert proxy.calls.count("application.create") == len(world.wanted)
    assert proxy.calls.count("application.delete") == 0


def test_a_wrong_key_is_told_and_the_right_one_ends_it(behind_a_proxy: tuple[World, Proxy]):
    world, _ = behind_a_proxy
    boot = world.boots()["kept"]
    declare_key(world, "not-the-key-of-anyone")
    told = _told(world, "TargetUnauthorized")
    assert "key" in told
    assert "not-the-key" not in told
    world.declare("waits", image=SMALL_IMAGE)
    world.berth.until("it says why", lambda: world.ready("waits") == "TargetUnauthorized")
    declare_key(world)
    world.settles()
    assert world.boots()["kept"] == boot


def _told(world: World, reason: str) -> str:
    """Wait until the target says so; returns its words, in which is nothing that Dokploy sent."""

    def ready() -> Record:
        return dict(world.insist("GET", "/api/targets/default")["status"]["conditions"][0])

    world.berth.until(reason, lambda: ready()["reason"] == reason)
    message = str(ready()["message"])
    assert message
    assert "<" not in message, "the page of a gateway is not for the status"
    return message
