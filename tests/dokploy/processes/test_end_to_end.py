"""``python -m dokploy.local`` as a person runs it: one application from its creation to its end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from .conftest import WEB, Images, alive, scratches, until

_CHECK = "# berth-http-check: /readyz\nexit 1"


@dataclass
class Local:
    """A local Dokploy that runs, and a client with its key."""

    home: Path
    process: asyncio.subprocess.Process
    api: httpx.AsyncClient
    router: int

    async def post(self, procedure: str, **body: Any) -> Any:
        answer = await self.api.post(f"/api/{procedure}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else None

    async def get(self, procedure: str, **query: Any) -> Any:
        answer = await self.api.get(f"/api/{procedure}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def replicas(self) -> dict[str, str]:
        return {row["Name"]: row["Replicas"] for row in await self.get("swarm.getNodeApps")}

    async def page(self, host: str) -> httpx.Response:
        return await self.api.get(f"http://127.0.0.1:{self.router}/", headers={"host": host})


async def start(home: Path, *more: str) -> asyncio.subprocess.Process:
    words = ("-m", "dokploy.local", "--home", str(home), "--key-file", str(home / "key"), *more)
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )


@asynccontextmanager
async def running(home: Path) -> AsyncIterator[Local]:
    process = await start(home)
    place = home / "dokploy.json"
    await until(lambda: place.exists() and json.loads(place.read_text())["pid"] == process.pid)
    told = json.loads(place.read_text())
    key = (home / "key").read_text().strip()
    async with httpx.AsyncClient(base_url=told["url"], headers={"x-api-key": key}) as api:
        yield Local(home, process, api, told["router_port"])
    if process.returncode is None:
        process.terminate()
    await asyncio.wait_for(process.communicate(), 120)
    assert not place.exists() or process.returncode == -signal.SIGKILL


async def eventually(true: Callable[[], Awaitable[object]]) -> None:
    deadline = time.monotonic() + 120
    while not await true():
        assert time.monotonic() < deadline, "it did not come to be"
        await asyncio.sleep(0.05)


async def an_application(local: Local, image: str, *, host: str) -> dict[str, Any]:
    place = await local.post("project.create", name="tests")
    application: dict[str, Any] = await local.post(
        "application.create", name="web", appName="web", environmentId=place["environment"]["environmentId"]
    )
    await local.post(
        "application.update",
        applicationId=application["applicationId"],
        sourceType="docker",
        dockerImage=image,
        env="ANSWER=first\nDATA=/data",
        replicas=1,
        updateConfigSwarm={"Parallelism": 1, "Order": "stop-first", "FailureAction": "pause"},
        restartPolicySwarm={"Condition": "any", "Delay": 100_000_000},
        healthCheckSwarm={
            "Test": ["CMD-SHELL", _CHECK],
            "Interval": 50_000_000,
            "Timeout": 1_000_000_000,
            "StartPeriod": 5_000_000_000,
            "Retries": 3,
        },
    )
    await local.post(
        "mounts.create",
        type="volume",
        volumeName="web-data",
        mountPath="/data",
        serviceType="application",
        serviceId=application["applicationId"],
    )
    await local.post(
        "domain.create",
        applicationId=application["applicationId"],
        host=host,
        port=3000,
        https=False,
        certificateType="none",
        domainType="application",
    )
    return application


def programs(home: Path) -> list[int]:
    """The process ids of what runs in containers of this home."""
    found = []
    for process in psutil.process_iter(["pid"]):
        try:
            if process.environ().get("HOME", "").startswith(str(home / "containers")):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


async def test_an_application_lives_and_dies(images: Images, home: Path) -> None:
    image = images.python("tests/web", WEB)
    async with running(home) as local:
        application = await an_application(local, image, host="web.localhost")
        ref = {"applicationId": application["applicationId"], "appName": application["appName"]}
        name = application["appName"]

        assert (await local.page("web.localhost")).status_code == 503
        await local.post("application.reload", **ref)
        await eventually(lambda: _is(local, name, "1/1"))
        assert (await local.page("web.localhost")).text == "first"
        assert (await local.page("other.localhost")).status_code == 404
        assert "listening" in await local.get("application.readLogs", **_only_id(ref), tail=10)

        for pid in programs(home):
            os.kill(pid, signal.SIGKILL)
        await eventually(lambda: _is(local, name, "0/1"))
        await eventually(lambda: _answers(local, "web.localhost", "first"))

        await local.post("application.update", **_only_id(ref), env="ANSWER=second")
        await local.post("application.reload", **ref)
        await eventually(lambda: _answers(local, "web.localhost", "second"))

        await local.post("application.update", **_only_id(ref), replicas=0)
        await local.post("application.reload", **ref)
        await eventually(lambda: _is(local, name, "0/0"))
        await until(lambda: not programs(home) and not scratches(home))

        await local.post("application.update", **_only_id(ref), replicas=1)
        await local.post("application.reload", **ref)
        await eventually(lambda: _is(local, name, "1/1"))

    # It ended as it was told: nothing runs, nothing lies about; and the next start has it all again.
    assert not programs(home)
    assert scratches(home) == []
    async with running(home) as local:
        await eventually(lambda: _answers(local, "web.localhost", "second"))
        await local.post("application.delete", **_only_id(ref))
        assert not await _is_unlisted(local, name), "its container is ending"
        await until(lambda: not programs(home) and not scratches(home))
        assert await local.replicas() == {}
        assert (await local.page("web.localhost")).status_code == 404
        await eventually(lambda: _is_unlisted(local, name))
        assert await _removes(local, "web-data")
        assert list((home / "volumes").iterdir()) == []


async def test_a_kill_leaves_no_process_and_the_next_start_goes_on(images: Images, home: Path) -> None:
    image = images.python("tests/web", WEB)
    async with running(home) as local:
        application = await an_application(local, image, host="web.localhost")
        ref = {"applicationId": application["applicationId"], "appName": application["appName"]}
        await local.post("application.reload", **ref)
        await eventually(lambda: _answers(local, "web.localhost", "first"))
        pids = programs(home)
        local.process.kill()
        await local.process.wait()
        await until(lambda: not any(alive(pid) for pid in pids))
    async with running(home) as local:
        await eventually(lambda: _answers(local, "web.localhost", "first"))
        assert len(scratches(home)) == 1


async def test_a_second_one_on_the_same_home_is_refused(home: Path) -> None:
    async with running(home) as local:
        second = await start(home)
        _, error = await asyncio.wait_for(second.communicate(), 120)
        assert second.returncode == 1
        assert b"already runs on" in error
        assert json.loads((home / "dokploy.json").read_text())["pid"] == local.process.pid
        assert (home / "key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("flag", ["--port", "--router-port"])
async def test_a_port_in_use_names_its_flag(home: Path, flag: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = await start(home, flag, str(taken.getsockname()[1]))
        _, error = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 1
    assert f"{flag}: port".encode() in error


async def test_a_key_that_others_can_read_is_refused(home: Path) -> None:
    Images(home).shell("any", "true")  # so that the home is there
    (home / "key").write_text("secret-canary\n")
    (home / "key").chmod(0o644)
    process = await start(home)
    out, error = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 1
    assert b"chmod 600" in error
    assert b"secret-canary" not in out + error


def _only_id(ref: dict[str, Any]) -> dict[str, Any]:
    return {"applicationId": ref["applicationId"]}


async def _is(local: Local, name: str, replicas: str) -> bool:
    return (await local.replicas()).get(name) == replicas


async def _answers(local: Local, host: str, text: str) -> bool:
    return (await local.page(host)).text == text


async def _is_unlisted(local: Local, name: str) -> bool:
    return not await local.get("docker.getContainersByAppNameMatch", appName=name)


async def _removes(local: Local, volume: str) -> bool:
    answer = await local.api.post("/api/dockerVolume.removeVolume", json={"volumeName": volume})
    return answer.status_code == 200 or "no such volume" in answer.text
