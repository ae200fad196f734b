"""A call whose effect comes up to two minutes after its time-out, when it was asked for again already.

What is then there twice is taken away, and the session can be restarted: Swarm refuses a service
with a path that is mounted twice, and a route that is there twice is an ambiguous one.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.reliability.faults import EFFECT_AFTER, Fault, Injection
from tests.reliability.scenarios import NAMED
from tests.reliability.search import attempt, undisturbed
from tests.reliability.world import ReliabilityWorld

CREATE = NAMED["create"]


async def _create_and_restart(of: ReliabilityWorld) -> None:
    """Restarted after the late effect, and before an audit can have found it."""
    await CREATE.act(of)
    await of.until_ready()
    while of.injector.late:
        await asyncio.sleep(0.1)
    await of.restart()


@pytest.mark.parametrize("seconds", [9.0, 12.0, 120.0])
@pytest.mark.parametrize("name", ["mounts.create", "domain.create"])
@pytest.mark.parametrize("restarted", [False, True])
def test_what_is_attached_twice_is_detached(
    monkeypatch: pytest.MonkeyPatch, name: str, seconds: float, restarted: bool
) -> None:
    call = next(call for call in undisturbed("create").calls if call.name == name)
    monkeypatch.setitem(EFFECT_AFTER, Fault.SLOW, seconds)
    scenario = replace(CREATE, act=_create_and_restart) if restarted else CREATE
    run = attempt(scenario, Injection(call.number, Fault.SLOW), within=seconds + 200.0)
    assert run.injected
    assert run.broken == (), run.told()
