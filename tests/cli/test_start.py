"""`berth up` waits for its parts with patience, and says where to look."""

from __future__ import annotations

import asyncio

import pytest

from cli import up
from cli.failures import ExitCode, Failure
from cli.supervisor import Supervisor


@pytest.fixture
def supervisor(tmp_path) -> Supervisor:
    made = Supervisor(tmp_path, lambda _: None)
    made.log_of("api").write_text("loading\nthe database is locked by another program\n")
    return made


async def test_a_part_that_does_not_listen_in_time_is_told_with_its_log_and_the_option(supervisor, tmp_path):
    with pytest.raises(Failure) as caught:
        await up._endpoint(tmp_path / "api.json", "api", supervisor, 0)
    assert caught.value.code is ExitCode.SERVER_FAILED
    said = "\n".join(caught.value.lines())
    assert "api does not listen after 0 s: the database is locked" in said
    assert str(supervisor.log_of("api")) in said
    assert "--start-timeout" in said


async def test_a_wait_that_lasts_is_told_once(supervisor, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(up, "_TOLD_AFTER", 0.0)
    place = tmp_path / "api.json"

    async def listen_later() -> None:
        while "waiting" not in capsys.readouterr().out:
            await asyncio.sleep(0.01)
        place.touch()

    listening = asyncio.create_task(listen_later())
    await up._endpoint(place, "api", supervisor, 300)
    await listening
    assert "waiting" not in capsys.readouterr().out
