"""What `make bench` measures on real processes: the lines that the first release has to hold.

Seconds and bytes are printed with their bound and not asserted, since they are of one machine; the
counts of calls are asserted in tests/controller/test_life.py.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.berth import Berth

SESSIONS = int(os.environ.get("BERTH_BENCH_SESSIONS", "1000"))
IDLE_SECONDS = 40.0
PROGRAMS = ("api", "controller", "dokploy.local")


@pytest.mark.bench
@pytest.mark.timeout(900)
def test_what_must_hold(tmp_path: Path):
    rows: list[tuple[str, str, str]] = []
    with Berth(tmp_path / "home") as one:
        rows.append(("berth up, first start, to the first Ready", f"{one.seconds:.1f} s", "5 s"))
        one.run("stop", "session", "hello")
        started = time.monotonic()
        asyncio.run(declare(one, SESSIONS))
        rows.append(
            (f"{SESSIONS} stopped sessions declared and settled", f"{time.monotonic() - started:.0f} s", "")
        )
        one.down()
        one.up()
        time.sleep(15)
        memory = {name: one.program(name).memory_info().rss / 1e6 for name in PROGRAMS}
        before = {name: sum(one.program(name).cpu_times()[:2]) for name in PROGRAMS}
        time.sleep(IDLE_SECONDS)
        busy = {name: sum(one.program(name).cpu_times()[:2]) - before[name] for name in PROGRAMS}
        both = memory["api"] + memory["controller"]
        rows.append((f"resident memory of API + controller, {SESSIONS} records", f"{both:.0f} MB", "200 MB"))
        idle = sum(busy.values()) / IDLE_SECONDS * 100
        rows.append((f"idle CPU of all three, {SESSIONS} stopped sessions", f"{idle:.1f} % of a core", "2 %"))
    print(f"\n{platform.platform()}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 1e9:.0f} GB")
    for name, ours, bound in rows:
        print(f"| {name} | {ours} | {bound} |")


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
