"""The limiter, deadlines and repetitions, in virtual time."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import httpx
import pytest
from pydantic import SecretStr

from dokploy.client import CallLimits, HttpDokploy
from dokploy.errors import Ambiguous, DokployError, Failed
from dokploy.limiter import Limiter
from dokploy.port import ApplicationRef, Domain, VolumeMount
from tests.dokploy.client.recorded import Scripted, answer, recorded

pytestmark = pytest.mark.looptime


def _now() -> float:
    return asyncio.get_running_loop().time()


def _limiter(limits: CallLimits) -> Limiter:
    return Limiter(limits, clock=_now, sleep=asyncio.sleep)


async def _run(limiter: Limiter, number: int, *, lasting: float) -> tuple[list[tuple[int, float]], int]:
    starts: list[tuple[int, float]] = []
    flying = most = 0

    async def call(index: int) -> None:
        nonlocal flying, most
        async with limiter:
            starts.append((index, _now()))
            flying += 1
            most = max(most, flying)
            await asyncio.sleep(lasting)
            flying -= 1

    await asyncio.gather(*(call(index) for index in range(number)))
    return starts, most


async def test_a_wait_that_is_shorter_than_the_clock_can_tell_comes_to_its_end():
    looks, waits = iter([0.0, 1.0 - 1e-12, 1.0 - 1e-12]), []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    def clock() -> float:
        return 1.0 if waits and waits[-1] >= 0.001 else next(looks)

    limiter = Limiter(CallLimits(in_flight=1, per_second=1), clock=clock, sleep=sleep)
    for _ in range(2):
        async with limiter:
            pass
    assert waits == [0.001]


@pytest.mark.parametrize(
    ("limits", "lasting"),
    [
        (CallLimits(in_flight=3, per_second=1000), 0.5),
        (CallLimits(in_flight=100, per_second=5), 0.01),
        (CallLimits(in_flight=4, per_second=7), 0.9),
        (CallLimits(in_flight=4, per_second=2.5), 0.1),
    ],
)
async def test_never_more_than_allowed(limits, lasting):
    starts, most = await _run(_limiter(limits), 40, lasting=lasting)
    times = [time for _, time in starts]
    assert most <= limits.in_flight
    for first in times:
        assert sum(first <= time < first + 1 - 1e-9 for time in times) <= limits.per_second
    assert [index for index, _ in starts] == list(range(40)), "first come, first served"


async def test_the_rate_is_used_up():
    starts, _ = await _run(_limiter(CallLimits(in_flight=100, per_second=10)), 41, lasting=0.01)
    assert starts[-1][1] - starts[0][1] == pytest.approx(4.0)


async def test_less_than_one_a_second():
    starts, _ = await _run(_limiter(CallLimits(in_flight=9, per_second=0.5)), 3, lasting=0.01)
    assert [time - starts[0][1] for _, time in starts] == pytest.approx([0, 2, 4])


async def test_one_who_gives_up_leaves_the_place_to_the_next():
    limiter = _limiter(CallLimits(in_flight=1, per_second=1))
    async with limiter:
        waiting = asyncio.create_task(_run(limiter, 1, lasting=0))
        await asyncio.sleep(0.1)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
    starts, _ = await _run(limiter, 1, lasting=0)
    assert starts


@pytest.mark.parametrize("wrong", [{"in_flight": 0}, {"per_second": 0}, {"per_second": -1.0}])
def test_limits_that_allow_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CallLimits(**wrong)


def _client(there: Scripted) -> HttpDokploy:
    return HttpDokploy("http://dokploy.test", SecretStr("k"), transport=httpx.MockTransport(there))


async def _hang(_: httpx.Request) -> httpx.Response:
    await asyncio.sleep(10_000)
    raise AssertionError


async def test_a_reading_that_hangs_is_given_up_and_tried_again():
    there = Scripted({"swarm.getNodeApps": _hang})
    before = _now()
    with pytest.raises(Ambiguous, match="10 s"):
        await _client(there).list_services()
    assert len(there.requests) == 3
    assert 30 < _now() - before < 32


async def test_a_change_that_hangs_is_given_up_and_not_tried_again():
    there = Scripted({"application.reload": _hang})
    before = _now()
    with pytest.raises(Ambiguous, match="30 s"):
        await _client(there).reload_application(ApplicationRef("a", "app"))
    assert len(there.requests) == 1
    assert _now() - before == pytest.approx(30)


_FAILURES = {
    "unreachable": httpx.ConnectError("refused"),
    "cut": httpx.ReadError("reset"),
    "failed": answer({}, 500),
    "garbled": httpx.Response(200, text="<html>"),
    "refused": recorded("app_create_appname64"),
    "unauthorized": recorded("err_wrong_key"),
}
_ONCE = dict.fromkeys(_FAILURES, 1)
_TRIES = {
    "swarm.getNodeApps": {**_ONCE, "unreachable": 3, "cut": 3, "failed": 3, "garbled": 3},
    "application.update": {**_ONCE, "unreachable": 2},
    "application.delete": {**_ONCE, "unreachable": 2},
    "domain.delete": {**_ONCE, "unreachable": 2},
    "mounts.remove": {**_ONCE, "unreachable": 2},
    "dockerVolume.removeVolume": {**_ONCE, "unreachable": 2},
    "application.create": _ONCE,
    "application.reload": _ONCE,
    "application.deploy": _ONCE,
    "mounts.create": _ONCE,
    "domain.create": _ONCE,
}


@pytest.mark.parametrize("failure", _FAILURES)
@pytest.mark.parametrize("procedure", _TRIES)
async def test_the_table_of_repetitions(procedure, failure, config):
    there = Scripted({procedure: _FAILURES[failure]})
    client = _client(there)
    calls = {
        "swarm.getNodeApps": client.list_services,
        "application.update": lambda: client.update_application("a", config),
        "application.delete": lambda: client.delete_application("a"),
        "domain.delete": lambda: client.delete_domain("d"),
        "dockerVolume.removeVolume": lambda: client.remove_volume("v"),
        "application.create": lambda: client.create_application(
            name="n", app_name="a", environment_id="e", description="", server_id=None
        ),
        "application.reload": lambda: client.reload_application(ApplicationRef("a", "app")),
        "application.deploy": lambda: client.deploy_application("a", title="t"),
        "mounts.remove": lambda: client.detach_volume("m"),
        "mounts.create": lambda: client.attach_volume("a", VolumeMount("v", "/w")),
        "domain.create": lambda: client.create_domain("a", Domain("h", 1, https=False)),
    }
    with pytest.raises(DokployError):
        await calls[procedure]()
    assert len(there.requests) == _TRIES[procedure][failure]


async def test_a_reading_that_succeeds_at_last_is_a_success():
    fine = recorded("size_swarm_getNodeApps")
    there = Scripted({"swarm.getNodeApps": [httpx.ConnectError("x"), answer({}, 502), fine]})
    assert len(await _client(there).list_services()) == 1


async def test_what_a_later_try_says_counts():
    there = Scripted({"swarm.getNodeApps": [httpx.ConnectError("x"), httpx.ReadError("x"), answer({}, 500)]})
    with pytest.raises(Failed):
        await _client(there).list_services()
