"""Nothing survives a local Dokploy that was killed; and two never share a home."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from dokploy.local.process_home import HomeBusy
from dokploy.local.process_leftovers import write_record
from dokploy.local.processes import ProcessRuntime

from .conftest import Images, alive, scratches, until

_RUN_ONE = """
import asyncio, sys
from pathlib import Path
from dokploy.local.processes import ProcessRuntime
from dokploy.local.runtime import ContainerSpec

async def main():
    runtime = ProcessRuntime(Path(sys.argv[1]))
    container = await runtime.start(ContainerSpec("svc", "family", {}))
    while not container.logs():
        await asyncio.sleep(0.01)
    print(container.logs()[0].text, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""
_FAMILY = """
import os, time
read, write = os.pipe()
child = os.fork()
if child == 0:
    os.setsid()
    os.write(write, b"x")
    time.sleep(600)
os.read(read, 1)
print(os.getppid(), os.getpid(), child, flush=True)
time.sleep(600)
"""


def crashed(home: Path, *, with_shim: bool) -> list[int]:
    """The processes of a container whose local Dokploy was killed, maybe with the shim."""
    with subprocess.Popen(
        [sys.executable, "-c", _RUN_ONE, str(home)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "."},
    ) as local:
        assert local.stdout is not None
        text = ""
        while not (words := text.split()):
            text = local.stdout.readline().decode()
        while not words[0].isdigit():  # its log goes there too
            words = local.stdout.readline().decode().split()
        pids = [int(word) for word in words]
        if with_shim:
            os.kill(pids[0], signal.SIGSTOP)  # so that it cannot do its work first
        local.kill()
    if with_shim:
        os.kill(pids[0], signal.SIGKILL)
    return pids


async def test_a_killed_local_dokploy_takes_its_containers_along(images: Images, home: Path) -> None:
    images.python("family", _FAMILY)
    pids = crashed(home, with_shim=False)
    await until(lambda: not any(alive(pid) for pid in pids))
    assert scratches(home)
    runtime = ProcessRuntime(home)
    assert scratches(home) == []
    await runtime.aclose()


async def test_what_a_killed_shim_left_ends_at_the_next_start(images: Images, home: Path) -> None:
    images.python("family", _FAMILY)
    _, main, child = crashed(home, with_shim=True)
    await until(lambda: not alive(main))  # by the kernel
    assert alive(child)
    runtime = ProcessRuntime(home)
    assert not alive(child)
    assert scratches(home) == []
    await runtime.aclose()


async def test_a_number_used_again_by_another_program_is_left_alone(home: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as stranger:  # noqa: ASYNC220 - it is a test
        scratch = home / "containers" / "abc"
        scratch.mkdir(parents=True)
        write_record(scratch, (stranger.pid,))
        record = scratch / "record.json"
        started = psutil.Process(stranger.pid).create_time()
        record.write_text(record.read_text().replace(str(started), str(started - 5)))
        runtime = ProcessRuntime(home)
        assert alive(stranger.pid)
        assert scratches(home) == []
        await runtime.aclose()
        stranger.kill()


async def test_a_home_has_one_local_dokploy(home: Path) -> None:
    runtime = ProcessRuntime(home)
    with pytest.raises(HomeBusy, match="already runs on"):
        ProcessRuntime(home)
    await runtime.aclose()
    await ProcessRuntime(home).aclose()
