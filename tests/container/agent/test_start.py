"""How long an agent is waited for at its start."""

from __future__ import annotations

import asyncio
import os
import stat
import sys

import pytest

from container.agent.child import Child
from container.agent.conversation import Conversation
from container.agent.work import MAX_LOG, ErrorLog, work_of
from container.environment import read_settings


class FakeProgram:
    """A program that works for so many looks, and then stands still."""

    def __init__(self, looks: float) -> None:
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.log = "/data/logs/agent.log"
        self._looks, self._work = looks, 0

    async def work(self) -> int:
        self._looks -= 1
        self._work += self._looks > 0
        return self._work


def waiting(looks: float) -> Conversation:
    made = Conversation.__new__(Conversation)
    made._program = FakeProgram(looks)
    made._pipe = type("Pipe", (), {"heard": 0.0})()
    return made


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("looks", "seconds", "said"),
    [
        (0, 60, "it has neither answered nor done anything for 60 seconds"),
        (24, 60 + 23 * 5, "it has neither answered nor done anything for 60 seconds"),
        (float("inf"), 600, "it works, and has not answered for 600 seconds"),
    ],
)
async def test_an_agent_is_waited_for_while_it_works(looks, seconds, said):
    of, loop = waiting(looks), asyncio.get_running_loop()
    began = loop.time()
    told = await of._worked({of._program.ended}, 60.0)
    assert loop.time() - began == pytest.approx(seconds, abs=10)
    assert told == f"{said} (spec.agent.startSeconds allows more; /data/logs/agent.log has what it wrote)"


@pytest.mark.looptime
async def test_an_answer_is_taken_at_once():
    of, loop = waiting(float("inf")), asyncio.get_running_loop()
    began = loop.time()
    loop.call_later(200, of._program.ended.set_result, 0)
    assert await of._worked({of._program.ended}, 60.0) == ""
    assert loop.time() - began == 200


async def test_an_agent_that_stands_still_is_told_with_setting_and_log(bench, tmp_path):
    of = await bench("--at-start", "hang", patience={"opening": 2.0})
    await of.agent.prompt("say one")
    await of.until(lambda: of.state == "Failed")
    assert "spec.agent.startSeconds allows more" in of.message
    assert str(tmp_path / "data" / "logs" / "agent.log") in of.message


async def test_work_of_a_group_grows_while_it_works_and_not_while_it_sleeps(tmp_path):
    busy = await Child.start(
        [sys.executable, "-c", "while True: pass"], cwd=tmp_path, environ={"PATH": os.environ["PATH"]}
    )
    idle = await Child.start(["sleep", "60"], cwd=tmp_path, environ={"PATH": os.environ["PATH"]})
    try:
        async with asyncio.timeout(30):
            while work_of(idle.pid) == 0:
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.3)  # it has begun to sleep
            before, begun = work_of(idle.pid), work_of(busy.pid)
            while work_of(busy.pid) <= begun:
                await asyncio.sleep(0.05)
        assert work_of(idle.pid) == before
    finally:
        for child in (busy, idle):
            await child.end(1.0)
            child.close()


async def test_what_it_writes_on_standard_error_is_kept_for_its_owner_and_bounded(tmp_path):
    log = ErrorLog(tmp_path / "logs" / "agent.log")
    for number in range(20):
        log.add(b"%d " % number + b"x" * 150_000 + b"\n")
        await log.settle(10)
    kept = log.path.read_bytes()
    assert kept.endswith(b"x\n")
    assert b"\n19 " in kept
    assert len(kept) <= MAX_LOG
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600
    assert sorted(path.name for path in log.path.parent.iterdir()) == ["agent.log", "agent.log.1"]


@pytest.mark.parametrize(
    ("text", "seconds", "problems"), [("", 60, 0), ("300", 300, 0), ("0", 60, 1), ("5m", 60, 1)]
)
def test_the_setting(text, seconds, problems):
    settings = read_settings({"BERTH_AGENT_START_SECONDS": text}, first=False)
    assert settings.agent_start_seconds == seconds
    assert len(settings.problems) == problems
