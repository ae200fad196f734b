"""What `make bench` measures on real processes: the lines that the first release has to hold.

Seconds and bytes are printed with their bound and not asserted, since they are of one machine; the
counts of calls are asserted in tests/controller/test_life.py.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil
import pytest

from tests.e2e.berth import ROOT, Berth

SESSIONS = int(os.environ.get("BERTH_BENCH_SESSIONS", "1000"))
IDLE_SECONDS = 40.0
SETTLE_SECONDS = 300.0
"""How long a restart may take to look at every record once, on a machine that has other work."""
QUIET = 0.05
"""Cores that all programs may take together when nothing is left to look at."""
PROGRAMS = ("api", "controller", "dokploy.local")
MEMORY_BOUND_MB = 200


class Row(NamedTuple):
    """One line of the table; empty where there is nothing to say."""

    name: str
    ours: str
    ideal: str = ""
    ratio: str = ""
    bound: str = ""


@pytest.mark.bench
@pytest.mark.timeout(900)
def test_what_must_hold(tmp_path: Path):
    found = rows(tmp_path)
    print(f"\n{platform.platform()}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 1e9:.0f} GB")
    for row in found:
        print(f"| {' | '.join(row)} |")


def rows(tmp_path: Path, *, sessions: int = SESSIONS) -> list[Row]:
    """Start Berth on an empty home, declare stopped sessions, start it again; what was measured."""
    ideal = memory_of_imports()
    found: list[Row] = []
    with Berth(tmp_path / "home") as one:
        found.append(Row("berth up, first start, to the first Ready", f"{one.seconds:.1f} s", bound="5 s"))
        found.append(memory_row(one, "first start, 1 record", ideal))
        one.run("stop", "session", "hello")
        started = time.monotonic()
        asyncio.run(declare(one, sessions))
        took = time.monotonic() - started
        found.append(memory_row(one, f"first start, {sessions} records just declared", ideal))
        found.append(Row(f"{sessions} stopped sessions declared and settled", f"{took:.0f} s"))
        one.down()
        one.up()
        settle(one)
        found.append(memory_row(one, f"after a restart, {sessions} records", ideal))
        idle = idle_cpu(one)
        name = f"idle CPU of all three, {sessions} stopped sessions"
        found.append(Row(name, f"{idle:.1f} % of a core", "0 %", bound="2 %"))
    return found


def memory_row(one: Berth, when: str, ideal: float) -> Row:
    """The resident memory of API and controller now; pages that both share count twice."""
    each = [one.program(name).memory_info().rss / 1e6 for name in ("api", "controller")]
    ours = sum(each)
    apart = " + ".join(f"{part:.0f}" for part in each)
    return Row(
        f"resident memory of API + controller, {when}",
        f"{ours:.0f} MB ({apart})",
        f"{ideal:.0f} MB",
        f"{ours / ideal:.2f}",
        f"{MEMORY_BOUND_MB} MB",
    )


def memory_of_imports() -> float:
    """Megabytes of two programs that have loaded the libraries ours stand on, and do nothing."""
    ours = "sqlalchemy.ext.asyncio, sqlmodel, aiosqlite, cryptography.hazmat.primitives.ciphers.aead"
    ours += ", pydantic_settings, structlog, uvicorn, prometheus_client"
    return sum(_resident(f"import {ours}, {own}") for own in ("fastapi, sse_starlette", "httpx, starlette"))


def _resident(program: str) -> float:
    said = "import psutil; print(psutil.Process().memory_info().rss)"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.modules['rich'] = None\n{program}\n{said}"],
        cwd=ROOT,
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout) / 1e6


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
