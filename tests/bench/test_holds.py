"""What `make bench` measures on real processes: the lines that the first release has to hold.

Seconds and bytes are printed beside their bound and not asserted, since they are of one machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.berth import Berth
from tests.performance.row import Row
from tests.performance.table import Table

SESSIONS = int(os.environ.get("BERTH_BENCH_SESSIONS", "1000"))
IDLE_SECONDS = 40.0
SETTLE_SECONDS = 300.0
"""How long a restart may take to look at every record once, on a machine that has other work."""
QUIET = 0.05
"""Cores that all programs may take together when nothing is left to look at."""
PROGRAMS = ("api", "controller", "dokploy.local")


@pytest.mark.bench
@pytest.mark.timeout(900)
def test_what_must_hold(table: Table, tmp_path: Path):
    for row in rows(tmp_path, sessions=SESSIONS):
        table.take([row])


def rows(tmp_path: Path, *, sessions: int) -> Iterator[Row]:
    """Start Berth on an empty home, declare stopped sessions, start it again; what was measured."""
    with Berth(tmp_path / "home") as one:
        yield Row("R", "`berth up`, first start, to the first Ready", one.seconds, 5, "s")
        yield memory(one, "first start, 1 record")
        one.run("stop", "session", "hello")
        asyncio.run(declare(one, sessions))
        yield memory(one, f"first start, {sessions:,} records just declared")
        one.down()
        one.up()
        settle(one)
        yield memory(one, f"after a restart, {sessions:,} records")
        yield Row(
            "R", f"idle CPU of all three, {sessions:,} stopped sessions", idle_cpu(one), 2, "% of a core"
        )


def memory(one: Berth, when: str) -> Row:
    """The resident memory of API and controller now, a page that both share counted once.

    That is what both take of the machine; beside it what each shows alone, where those count twice.
    """
    infos = [one.program(name).memory_full_info() for name in ("api", "controller")]
    apart = " + ".join(f"{info.rss / 1e6:.0f}" for info in infos)
    name = f"resident memory of API + controller, {when} (alone: {apart})"
    return Row("R", name, sum(info.pss for info in infos) / 1e6, 200, "MB")


def settle(one: Berth) -> None:
    """Wait until the start is over, or for as long as it may take."""
    until = time.monotonic() + SETTLE_SECONDS
    taken = QUIET
    while taken >= QUIET and time.monotonic() < until:
        before = _busy_seconds(one)
        time.sleep(5)
        taken = (_busy_seconds(one) - before) / 5


def idle_cpu(one: Berth) -> float:
    """Percent of a core that all programs take together while nothing happens."""
    before = _busy_seconds(one)
    time.sleep(IDLE_SECONDS)
    return (_busy_seconds(one) - before) / IDLE_SECONDS * 100


def _busy_seconds(one: Berth) -> float:
    return sum(sum(one.program(name).cpu_times()[:2]) for name in PROGRAMS)


async def declare(one: Berth, number: int) -> None:
    """Declare stopped sessions, and wait until the controller is through with them."""
    url = json.loads((one.home / "api.json").read_text())["url"]
    token = (one.home / "token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    room = asyncio.Semaphore(8)
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=60) as http:

        async def put(index: int) -> None:
            name = f"session-{index}"
            body = {
                "kind": "Session",
                "metadata": {"name": name, "namespace": "bench"},
                "spec": {"operatingMode": "Stopped"},
            }
            async with room:
                answer = await http.put(f"/api/namespaces/bench/sessions/{name}", json=body)
                answer.raise_for_status()

        await asyncio.gather(*(put(index) for index in range(number)))
        while True:
            items = (await http.get("/api/namespaces/bench/sessions")).json()["items"]
            if sum(item.get("status", {}).get("phase") == "Stopped" for item in items) == number:
                return
            await asyncio.sleep(5)
