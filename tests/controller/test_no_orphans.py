"""No deletion leaves a service or a volume, whenever it comes: the proof, call by call.

A session is brought through a part of its life once to count the calls made for it, and then again
for each of them, deleted just before or just after that call takes effect. Dokploy's one way to
leave a service (a delete while a job of its queue deploys, FACTS 13) is thereby shown to be out of
reach: the quick path puts nothing into the queue, and on the build path the deletion waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
import pytest
from pydantic import SecretStr

from crds.container import Build, EnvVar
from crds.target import Target
from dokploy.client import CallLimits, HttpDokploy
from dokploy.local.server import create_app
from dokploy.port import Dokploy
from records.errors import NotFound
from tests.controller.world import Transport, World, world
from tests.reliability.virtual import run

QUICK: dict[str, object] = {"image": "sim/ok"}
BUILT: dict[str, object] = {"image": None, "build": Build(repository="https://git.test/image")}

Act = Callable[[World], Awaitable[None]]


@dataclass
class Deleter:
    """Counts the calls to Dokploy, and deletes the session at one of them."""

    of: World
    at: int | None = None
    """The number of that call, from 0; None: never."""
    when: str = "before"
    counting: bool = False
    seen: int = 0

    def connect(self, target: Target, key: SecretStr) -> Dokploy:
        return HttpDokploy(
            target.spec.url,
            key,
            transport=Watched(self),
            limits=CallLimits(8, 1000),
            jitter=lambda: 0.5,
        )

    async def strike(self) -> None:
        await self.of.delete()


class Watched(httpx.AsyncBaseTransport):
    def __init__(self, deleter: Deleter) -> None:
        self._deleter = deleter
        self._inner = Transport(create_app(deleter.of.dokploy))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        deleter = self._deleter
        number, deleter.seen = deleter.seen, deleter.seen + deleter.counting
        due = deleter.counting and number == deleter.at
        if due and deleter.when == "before":
            await deleter.strike()
        answer = await self._inner.handle_async_request(request)
        if due and deleter.when == "after":
            await deleter.strike()
        return answer


async def nothing(of: World) -> None:
    """The creation itself."""


async def change(of: World) -> None:
    await of.change(env=(EnvVar(name="LOG", value="debug"),))


async def stop(of: World) -> None:
    await of.stop()


async def start(of: World) -> None:
    await of.stop()
    await of.until("Stopped")
    await of.start()


async def restart(of: World) -> None:
    await of.restart()


async def live(deleter: Deleter, spec: dict[str, object], act: Act) -> None:
    """Declare, act, and settle; the calls are counted from what ``act`` begins with."""
    of = deleter.of
    of.connect = deleter.connect
    of.run_controller()
    deleter.counting = act is nothing
    await of.declare(**spec)
    if act is not nothing:
        await of.until_ready()
        deleter.counting = True
        try:
            await act(of)
        except (NotFound, TimeoutError):
            return  # it was deleted on the way
    await asyncio.sleep(8)


async def calls_of(spec: dict[str, object], act: Act) -> int:
    async with world() as of:
        deleter = Deleter(of)
        await live(deleter, spec, act)
        assert (of.calls()["application.deploy"] > 0) == (spec is BUILT), "only a build is queued"
        return deleter.seen


async def delete_at(at: int, when: str, spec: dict[str, object], act: Act) -> None:
    async with world() as of:
        deleter = Deleter(of, at=at, when=when)
        await live(deleter, spec, act)
        assert deleter.seen > at, "the call was made in this run, too"
        await check_nothing_left(of)


async def check_nothing_left(of: World) -> None:
    await of.until_gone(within=600)
    await asyncio.sleep(60)  # whatever is still queued has come to its end
    assert of.applications() == []
    assert of.dokploy.swarm.services == {}
    assert of.simulation.containers == []
    assert of.simulation.volumes() == ()
    assert of.simulation.violations == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("act", [nothing, change, stop, start, restart])
@pytest.mark.parametrize("spec", [QUICK, BUILT], ids=["quick", "built"])
def test_deleted_at_any_call_nothing_is_left(spec: dict[str, object], act: Act, when: str):
    number = run(calls_of(spec, act))
    assert number >= 4
    for at in range(number):
        run(delete_at(at, when, spec, act))
    print(f"{act.__name__}: deleted {when} each of {number} calls")
