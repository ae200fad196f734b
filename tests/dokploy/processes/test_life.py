"""The life and the death of one container."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from dokploy.local.processes import ProcessRuntime, RuntimeClosed
from dokploy.local.runtime import NoSuchImage

from .conftest import WEB, Images, a_spec, alive, scratches, until, until_it_says

# A descendant with a session of its own, as a terminal has, which ignores TERM.
_WITH_FAMILY = """
import os, signal, sys, time
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.write(write, b"x")
    time.sleep(600)
os.read(read, 1)
import subprocess
print("family", os.getpid(), flush=True)
time.sleep(600)
"""


async def test_the_exit_code_is_told_and_nothing_stays(
    runtime: ProcessRuntime, images: Images, home: Path
) -> None:
    container = await runtime.start(a_spec(images.shell("ends", "echo out; echo err >&2; exit 7")))
    assert await container.wait() == 7
    assert {line.text for line in container.logs()} == {"out", "err"}
    assert container.address() is None
    assert container.usage() == (0.0, 0)
    await until(lambda: not scratches(home))


async def test_a_program_that_does_not_exist_ends_with_127(runtime: ProcessRuntime, images: Images) -> None:
    container = await runtime.start(a_spec(images.command("nothing", "/no/such/program")))
    assert await container.wait() == 127
    assert "No such file" in container.logs()[0].text


async def test_an_unknown_image_is_refused_with_what_there_is(runtime: ProcessRuntime, home: Path) -> None:
    with pytest.raises(NoSuchImage, match=r"no container engine.*berth/session"):
        await runtime.start(a_spec("acme/unknown:1"))
    with pytest.raises(NoSuchImage):
        await runtime.pull("acme/unknown:1")
    assert scratches(home) == []


async def test_a_kill_from_outside_is_seen_at_once(runtime: ProcessRuntime, images: Images) -> None:
    container = await runtime.start(a_spec(images.shell("sleeper", "echo $$; exec sleep 600")))
    await until(container.logs)
    killed_at = time.monotonic()
    os.kill(int(container.logs()[0].text), signal.SIGKILL)
    assert await container.wait() == 137
    assert time.monotonic() - killed_at < 30


async def test_the_end_of_the_program_ends_its_whole_family(runtime: ProcessRuntime, images: Images) -> None:
    container = await runtime.start(a_spec(images.python("family", _WITH_FAMILY)))
    main = int((await until_it_says(container, "family")).split()[1])
    (child,) = [process.pid for process in psutil.Process(main).children()]
    os.kill(main, signal.SIGKILL)
    assert await container.wait() == 137
    assert not alive(main)
    assert not alive(child)


async def test_killing_even_the_shim_leaves_nothing(runtime: ProcessRuntime, images: Images) -> None:
    container = await runtime.start(a_spec(images.python("family", _WITH_FAMILY)))
    main = int((await until_it_says(container, "family")).split()[1])
    (child,) = [process.pid for process in psutil.Process(main).children()]
    os.kill(psutil.Process(main).ppid(), signal.SIGKILL)
    assert await container.wait() == 137
    await until(lambda: not alive(main) and not alive(child))


async def test_stop_asks_first_and_kills_after_the_grace(runtime: ProcessRuntime, images: Images) -> None:
    polite = await runtime.start(
        a_spec(images.shell("polite", "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.02; done"))
    )
    stubborn = await runtime.start(
        a_spec(images.shell("stubborn", "trap '' TERM; echo up; while :; do sleep 0.1; done"))
    )
    await until_it_says(polite, "up")
    await until_it_says(stubborn, "up")
    await asyncio.gather(polite.stop(5), stubborn.stop(0.2))
    assert await polite.wait() == 3
    assert polite.logs()[-1].text == "bye"
    assert await stubborn.wait() == 137
    await polite.stop(5)  # once more does no harm


async def test_closing_stops_all_and_nothing_starts_after(home: Path, images: Images) -> None:
    runtime = ProcessRuntime(home)
    image = images.shell("sleeper", "sleep 600")
    containers = [await runtime.start(a_spec(image)) for _ in range(3)]
    late = asyncio.ensure_future(runtime.start(a_spec(image)))
    await asyncio.sleep(0)
    await runtime.aclose()
    assert [await container.wait() for container in containers] == [143] * 3
    with pytest.raises(RuntimeClosed):
        await late
    with pytest.raises(RuntimeClosed):
        await runtime.start(a_spec(image))
    assert scratches(home) == []


async def test_usage_is_that_of_the_whole_family(runtime: ProcessRuntime, images: Images) -> None:
    busy = "import os\nos.fork()\nkept = bytearray(20_000_000)\nprint('busy', flush=True)\nwhile True: pass"
    container = await runtime.start(a_spec(images.python("busy", busy)))
    await until(lambda: len(container.logs()) == 2)
    container.usage()
    await asyncio.sleep(0.5)
    cpus, memory = container.usage()
    assert cpus > 0.2
    assert memory > 40_000_000
    await container.stop(0)


async def test_too_much_memory_is_a_kill(runtime: ProcessRuntime, images: Images) -> None:
    greedy = "import time\nkept = bytearray(80_000_000)\nprint('kept', flush=True)\ntime.sleep(600)"
    container = await runtime.start(a_spec(images.python("greedy", greedy), memory_bytes=40_000_000))
    modest = await runtime.start(a_spec(images.shell("modest", "sleep 600"), memory_bytes=40_000_000))
    assert await asyncio.wait_for(container.wait(), 120) == 137
    assert modest.address() is not None


async def test_the_health_test_is_run_as_written(runtime: ProcessRuntime, images: Images, home: Path) -> None:
    image = images.shell("sleeper", "sleep 600")

    async def verdict(*test: str) -> bool:
        container = await runtime.start(a_spec(image, env={"WORD": "yes"}, health_test=test))
        answer = await container.check()
        await container.stop(0)
        return answer

    assert await verdict()
    assert await verdict("NONE")
    assert await verdict("CMD-SHELL", 'test "$WORD" = yes -a -n "$PORT" -a -d "$HOME"')
    assert not await verdict("CMD-SHELL", "exit 1")
    assert await verdict("CMD", "true")
    assert not await verdict("CMD", "/no/such/program")


async def test_a_check_that_hangs_leaves_nothing(runtime: ProcessRuntime, images: Images) -> None:
    image = images.shell("sleeper", "sleep 600")
    container = await runtime.start(a_spec(image, health_test=("CMD-SHELL", "sleep 599; true")))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await container.check()
    assert not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "599"]]


async def test_berths_own_check_needs_no_shell(runtime: ProcessRuntime, images: Images) -> None:
    def marked(path: str) -> tuple[str, str]:
        return ("CMD-SHELL", f"# berth-http-check: {path}\nexit 1")  # the shell would say no

    image = images.python("web", WEB)
    good = await runtime.start(a_spec(image, health_test=marked("/readyz")))
    bad = await runtime.start(a_spec(image, health_test=marked("/missing")))
    assert not await good.check() or good.logs()
    await until_it_says(good, "listening")
    await until_it_says(bad, "listening")
    await asyncio.sleep(0.05)
    assert await good.check()
    assert not await bad.check()
    await good.stop(0)
    assert not await good.check()
