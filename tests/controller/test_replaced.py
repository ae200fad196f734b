"""Every replacement that nobody asked for counts once, and has an event with Docker's own reason."""

from __future__ import annotations

import asyncio

import pytest

from tests.controller.test_life import running
from tests.controller.world import NAMESPACE, World, world

pytestmark = pytest.mark.looptime


async def restarts(of: World) -> int:
    return (await of.session()).status.restarts


async def told(of: World) -> list[str]:
    """The messages of all events of replacements."""
    events = await of.records.list_events(namespace=NAMESPACE)
    return [event.message for event in events if event.reason == "ContainerReplaced"]


async def test_one_that_is_killed_counts_and_is_told_with_its_reason():
    async with world() as of:
        of.run_controller()
        await running(of)
        of.simulation.kill(of.applications()[0])
        await asyncio.sleep(30)
        assert await restarts(of) == 1
        assert await told(of) == ["Its container was replaced: task: non-zero exit (137)"]
        await asyncio.sleep(600)
        assert await restarts(of) == 1


async def test_one_that_is_unhealthy_is_told_in_dockers_words():
    async with world() as of:
        of.run_controller()
        await running(of, image="sim/ok")
        (container,) = of.simulation.running(of.applications()[0])
        container.freeze()
        await asyncio.sleep(900)
        assert await restarts(of) == 1
        (message,) = await told(of)
        assert "exit code 0, which may be how it ends when its health check fails" in message


async def test_several_between_two_looks_count_each():
    async with world(poll={"slow": "60s"}) as of:
        of.run_controller()
        await running(of)
        await asyncio.sleep(61)
        for _ in range(3):
            of.simulation.kill(of.applications()[0])
            await asyncio.sleep(8)
        await asyncio.sleep(180)
        assert await restarts(of) == 3
        messages = await told(of)
        assert len(messages) < 3, "no look came between some of them"
        assert any("times: task: non-zero exit (137)" in message for message in messages)


async def test_one_that_keeps_ending_counts_on_and_on():
    async with world() as of:
        of.run_controller()
        await of.declare(image="sim/crash:3")
        await asyncio.sleep(120)
        early = await restarts(of)
        await asyncio.sleep(600)
        assert 2 <= early < await restarts(of)
        assert all("task: non-zero exit (3)" in message for message in await told(of))


async def test_what_was_asked_for_does_not_count():
    async with world() as of:
        of.run_controller()
        await running(of)
        await of.restart()
        await asyncio.sleep(30)
        await of.stop()
        await of.until("Stopped")
        await of.start()
        await of.until_ready()
        await of.change(image="sim/ok:2")
        await asyncio.sleep(30)
        await of.until_ready()
        await asyncio.sleep(300)
        assert await restarts(of) == 0
        assert await told(of) == []


async def test_an_image_that_cannot_be_had_is_no_replacement():
    async with world() as of:
        of.run_controller()
        await of.declare(image="sim/missing:9")
        await asyncio.sleep(300)
        assert await restarts(of) == 0


async def test_a_restart_in_dokploy_counts():
    async with world() as of:
        of.run_controller()
        await running(of)
        await asyncio.sleep(60)
        (service,) = of.dokploy.swarm.services.values()
        await of.dokploy.swarm.apply(service.spec)
        await asyncio.sleep(120)
        assert await restarts(of) == 1
        assert await told(of) == ["Its container was replaced: it was restarted in Dokploy"]
