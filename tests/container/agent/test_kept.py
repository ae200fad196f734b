"""What a person was told is accepted is on the disk; what cannot be brought there is refused and undone."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess

import pytest

from container.agent.attachments import Upload
from container.agent.queue import Place
from container.refusal import Refusal, Why
from tests.container.agent.conftest import command
from tests.container.agent.test_routes import Api
from tests.container.conftest import until

LONG = "say " + "x" * 20_000
"""More than fits on the pages that the database has."""


def fill(of):
    """SQLite finds no room for another page, as on a full disk."""
    connection = of.agent._parts.around.database.connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")


def make_room(of):
    of.agent._parts.around.database.connection.execute("PRAGMA max_page_count = 1000000")


def refuse_writes(of, refuse=True):
    """Not one byte can be written, as where the volume turned read-only."""
    of.agent._parts.around.database.connection.execute(f"PRAGMA query_only = {int(refuse)}")


async def refused(asking):
    with pytest.raises(Refusal) as found:
        await asking
    assert found.value.why is Why.NO_ROOM
    assert "make room on the data volume" in found.value.message
    return found.value.message


async def test_a_prompt_without_room_is_refused_and_neither_given_now_nor_after_a_kill(bench):
    first = await bench()
    await first.ask("say before")
    await first.agent._parts.stored()
    fill(first)
    for _ in range(3):
        assert "database or disk is full" in await refused(
            first.agent.prompt(LONG, [Upload("a.txt", b"content")])
        )
    view = first.agent.view()
    assert (view.waiting, view.turn) == ((), None)
    assert first.prompts == [("say before", "Completed")]
    attachments = first.agent._parts.attachments._directory
    assert list(attachments.iterdir()) == []
    await first.kill()

    second = await bench()
    assert second.prompts == [("say before", "Completed")]
    assert second.agent.view().waiting == ()


async def test_a_prompt_that_was_accepted_is_given_after_a_kill(bench):
    first = await bench()
    first.usable = False
    for number in range(5):
        await first.agent.prompt(f"say {number}")
    await first.kill()
    second = await bench()
    await second.until(lambda: [outcome for _, outcome in second.prompts] == ["Completed"] * 5)
    assert second.said == "01234"


async def test_every_change_of_the_queue_is_on_the_disk_or_undone(bench):
    first = await bench()
    first.usable = False
    one = await first.agent.prompt("say one")
    two = await first.agent.prompt("say two")
    refuse_writes(first)
    for change in (
        first.agent.edit(one.id, "say changed"),
        first.agent.move(two.id, Place.NEXT),
        first.agent.withdraw(one.id),
        first.agent.prompt("say three", place=Place.NEXT),
    ):
        await refused(change)
        assert [waiting.text for waiting in first.agent.view().waiting] == ["say one", "say two"]
    refuse_writes(first, refuse=False)
    await first.agent.edit(one.id, "say changed")
    await first.agent.move(two.id, Place.NEXT)
    await first.kill()

    second = await bench()
    await second.until(lambda: [text for text, _ in second.prompts] == ["say two", "say changed"])


async def test_a_queue_that_is_held_stays_held_where_that_cannot_be_changed(bench, tmp_path):
    of = await bench()
    await of.agent.prompt(f"wait {tmp_path / 'never'}")
    await of.until(lambda: of.agent.view().turn is not None)
    await of.agent.prompt("say later")
    await of.agent.cancel()
    await of.until(lambda: of.agent.view().held)
    await of.agent._parts.stored()
    refuse_writes(of)
    await refused(of.agent.proceed())
    await refused(of.agent.prompt("say more"))
    view = of.agent.view()
    assert view.held == "the prompt before was cancelled"
    assert [waiting.text for waiting in view.waiting] == ["say later"]
    refuse_writes(of, refuse=False)
    await of.agent.proceed()
    await of.until(lambda: of.prompts[-1] == ("say later", "Completed"))


async def test_an_answer_that_cannot_be_stored_reaches_nobody(bench):
    of = await bench()
    await of.agent.prompt("ask Run it?")
    await of.until(lambda: of.agent.view().permissions)
    await of.agent._parts.stored()
    [request] = of.agent.view().permissions
    refuse_writes(of)
    await refused(of.agent.answer(request, "yes"))
    [asked] = [body for body in of.bodies if body.kind == "permission"]
    assert (asked.decision, asked.chosen, asked.by) == ("Pending", "", "")
    assert of.agent.view().permissions == (request,)
    assert "answer" not in of.said
    refuse_writes(of, refuse=False)
    await of.agent.answer(request, "yes")
    await of.until(lambda: "answer: yes" in of.said)


async def test_a_prompt_whose_beginning_cannot_be_recorded_is_not_given_and_waits(bench):
    of = await bench()
    of.usable = False
    await of.agent.prompt("say one")
    refuse_writes(of)
    of.usable = True
    of.agent.look()
    await of.until(lambda: of.agent.view().held)
    assert of.said == ""
    [(text, outcome)] = of.prompts
    assert (text, outcome) == ("say one", "Failed")
    assert "cannot be recorded" in of.bodies[-1].message
    assert [waiting.text for waiting in of.agent.view().waiting] == ["say one"]
    refuse_writes(of, refuse=False)
    await of.agent.proceed()
    await of.until(lambda: of.prompts[-1] == ("say one", "Completed"))
    assert of.said == "one"


async def test_a_change_that_is_undone_undoes_nothing_else(bench, tmp_path):
    of = await bench()
    await of.agent.prompt(f"wait {tmp_path / 'go'}\nstop refusal")
    await of.until(lambda: of.agent.view().turn is not None)
    await of.agent.prompt("say later")
    storing, failing = asyncio.Event(), asyncio.Event()

    async def stored():
        storing.set()
        await failing.wait()
        raise Refusal(Why.NO_ROOM, "", "full")

    queue = of.agent._parts.queue

    async def change():
        async with queue.changing(stored):
            queue.release()
            queue.edit(queue.line.waiting[0].id, "say something else")

    changing = asyncio.create_task(change())
    await storing.wait()
    (tmp_path / "go").touch()
    await of.until(lambda: queue.line.held, "the end of the turn holds the queue")
    failing.set()
    with pytest.raises(Refusal):
        await changing
    assert [waiting.text for waiting in queue.line.waiting] == ["say later"]
    assert queue.line.held == "the prompt before was refused"


async def test_where_records_are_in_memory_no_prompt_is_accepted(bench, tmp_path):
    (tmp_path / "data").write_text("a file in the way")
    of = await bench()
    assert "cannot be written" in await refused(of.agent.prompt("say one"))


def test_a_full_data_volume_is_a_507_that_says_what_to_do(start, tmp_path):
    """The kernel's own ENOSPC, and a real kill."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small file system can only be mounted by root")
    data = tmp_path / "data"
    data.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", data], check=False).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        variables = {"BERTH_AGENT_PROVIDER": "scripted", "BERTH_AGENT_COMMAND": command()}
        of = Api(start(**variables))
        until(lambda: of.container.health()["attention"] == "Idle", "the records are read")
        ballast = data / "ballast"
        with ballast.open("ab", buffering=0) as file:
            for size in (4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue
        for _ in range(5):
            status, answer = of("POST", "/prompts", {"text": LONG})
            assert status == 507
            assert f"make room on the data volume ({data})" in answer["error"]["message"]
        assert of.container.health()["notices"][0]["source"] == "database"
        of.container.end(signal.SIGKILL)
        ballast.unlink()
        again = Api(start(**variables))
        until(lambda: again.container.health()["attention"] == "Idle", "nothing waits")
        assert again.items == []
        assert again("POST", "/prompts", {"text": "say one"})[0] == 201
    finally:
        subprocess.run(["umount", "--lazy", data], check=True)


async def test_a_draft_is_kept_until_it_is_sent(bench):
    first = await bench()
    first.usable = False
    await first.agent.keep_draft("say some")
    await first.kill()
    second = await bench()
    assert second.agent.draft == "say some"
    refuse_writes(second)
    await refused(second.agent.prompt("say something", draft=""))
    assert second.agent.draft == "say some"
    refuse_writes(second, refuse=False)
    await second.agent.prompt("say something", draft="")
    await second.kill()
    third = await bench()
    assert third.agent.draft == ""
    view = third.agent.view()
    assert "say something" in [
        *(waiting.text for waiting in view.waiting),
        *(text for text, _ in third.prompts),
    ]
    with pytest.raises(Refusal) as found:
        await third.agent.keep_draft("x" * 100_001)
    assert found.value.why is Why.TOO_LARGE
