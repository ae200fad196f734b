"""What no recording shows: sizes, odd bodies, double calls, a disk that is full."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from dokploy.local.words import log_stamp, span, stamp, task_age
from tests.dokploy.local.world import KEY, World

pytestmark = pytest.mark.looptime


async def test_a_body_too_large_is_refused_as_text(world):
    row = await world.create()
    fields = {"applicationId": row["applicationId"], "env": "A" * (1024 * 1024)}
    answer = await world.ask("POST", "application.update", fields)
    assert (answer.status_code, answer.text) == (413, "Body exceeded 1mb limit")
    fields["env"] = "A" * (1000 * 1024)
    assert (await world.ask("POST", "application.update", fields)).status_code == 200


async def test_a_body_without_a_length_is_counted(world):
    async def pieces():
        for _ in range(3):
            yield b" " * 500_000

    headers = {"x-api-key": KEY, "content-type": "application/json"}
    answer = await world.http.post("application.create", content=pieces(), headers=headers)
    assert answer.status_code == 413


@pytest.mark.parametrize("body", [b"[]", b"null", b"5", b'"x"', b""])
async def test_a_body_that_is_no_object_lacks_every_field(world, body):
    headers = {"x-api-key": KEY, "content-type": "application/json"}
    answer = await world.http.post("application.create", content=body, headers=headers)
    assert answer.status_code == 400
    assert set(answer.json()["data"]["zodError"]["fieldErrors"]) == {"name", "environmentId"}


async def test_health_wants_no_key(world):
    assert (await world.ask("GET", "health", key=None)).json() == {"ok": True}
    assert (await world.ask("GET", "settings.health", key=None)).status_code == 401


async def test_an_unknown_environment_is_refused(world):
    row = await world.create()
    fields = {"applicationId": row["applicationId"], "environmentId": "nowhere"}
    assert (await world.ask("POST", "application.update", fields)).status_code == 400
    assert len(await world.get("overview.services")) == 1


async def test_two_deletes_at_once_both_succeed(world):
    row = await world.run()
    answers = await asyncio.gather(*(world.ask("POST", "application.delete", row) for _ in range(2)))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert (await world.ask("POST", "application.delete", row)).status_code == 404


async def test_a_lost_file_of_routes_comes_back_with_the_next_update_alone(world):
    row = await world.create()
    domains = [
        await world.post("domain.create", host=host, applicationId=row["applicationId"])
        for host in ("a.example.com", "b.example.com")
    ]
    world.dokploy.routes_file.lose(row["applicationId"])
    await world.change(row, sourceType="docker", dockerImage="sim/ok")
    assert world.dokploy.routes() == {}
    await world.post("domain.update", domainId=domains[1]["domainId"], host="c.example.com")
    assert set(world.dokploy.routes()) == {"c.example.com"}


async def test_outsiders_edit_move_and_rename(world):
    row = await world.run()
    other = await world.post("environment.create", name="staging", projectId=world.project)
    await world.update(row, name="renamed", description="edited", applicationStatus="error")
    await world.post(
        "application.move",
        applicationId=row["applicationId"],
        targetEnvironmentId=other["environmentId"],
    )
    (listed,) = await world.get("overview.services")
    assert (listed["name"], listed["environmentName"], listed["status"]) == ("renamed", "staging", "error")
    assert listed["appName"] == row["appName"]
    await world.until(row, "1/1")


async def test_a_full_disk_loses_nothing_that_can_be_written_later(tmp_path, monkeypatch):
    world = World(state_file=tmp_path / "state.db")
    await world.open()
    store = world.dokploy._store
    real = type(store).save

    def full(*_args, **_named):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(type(store), "save", full)
    row = await world.create("s-1")
    monkeypatch.setattr(type(store), "save", real)
    await world.create("s-2")
    await world.close()
    again = World(state_file=tmp_path / "state.db")
    await again.open()
    names = [entry["name"] for entry in await again.get("overview.services")]
    assert names == ["s-1", "s-2"]
    assert (await again.get("application.one", applicationId=row["applicationId"]))["name"] == "s-1"
    await again.close()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (61, "About a minute"),
        (180, "3 minutes"),
        (3600, "About an hour"),
        (2 * 3600, "2 hours"),
        (3 * 86_400, "3 days"),
        (30 * 86_400, "4 weeks"),
        (90 * 86_400, "3 months"),
    ],
)
def test_durations_in_dockers_words(seconds, words):
    assert span(seconds) == words
    assert task_age(seconds) == words[0].lower() + words[1:] + " ago"


def test_times():
    assert task_age(-5) == "less than a second ago"
    assert stamp(1_795_478_400.3819) == "2026-11-24T00:00:00.381Z"
    assert log_stamp(1_795_478_400.25) == "2026-11-24T00:00:00.250000000Z"
