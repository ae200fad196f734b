"""Logs: the end of one, and what follows, each line once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from api.logs import Extent, Logs, Reading, parse_extent
from api.problems import Problem
from api.readings import Readings
from api.seam import Seam, complete_lines_after, stamp_of
from crds.base import Key
from crds.session import BuildStatus, OperatingMode, Phase, Session
from dokploy.errors import NotFound as Gone
from dokploy.errors import Unreachable
from records.errors import NotFound, Unavailable
from records.sql import SqlRecords
from tests.api.conftest import (
    HELLO,
    START,
    Client,
    Connections,
    LogsOnly,
    a_session,
    declare_target,
    running,
    session_body,
)


def line(number: int, text: str = "line") -> str:
    return f"2026-11-24T12:{number // 60:02d}:{number % 60:02d}.000000000Z {text} {number}"


def text(*numbers: int) -> str:
    return "".join(f"{line(number)}\n" for number in numbers)


class TestSeam:
    def test_each_line_comes_once(self) -> None:
        seam = Seam(text(1, 2, 3))
        assert seam.fresh(text(2, 3, 4, 5)) == [line(4), line(5)]
        assert seam.fresh(text(4, 5)) == []
        assert seam.fresh("") == []
        assert seam.fresh(text(5, 6)) == [line(6)]

    def test_equal_lines_are_counted(self) -> None:
        seam = Seam(text(1, 2))
        assert seam.fresh(text(2, 2, 2)) == [line(2), line(2)]
        assert seam.fresh(text(2, 2, 2)) == []

    def test_a_late_line_is_not_lost(self) -> None:
        seam = Seam(text(1, 5))
        late = line(3, "from the other stream")
        assert seam.fresh(f"{text(1)}{late}\n{text(5, 6)}") == [late, line(6)]

    def test_what_the_first_reading_left_out_stays_out(self) -> None:
        assert Seam(text(7, 8)).fresh(text(5, 6, 7, 8, 9)) == [line(9)]

    def test_a_first_reading_of_nothing(self) -> None:
        assert Seam("").fresh(text(1, 2)) == [line(1), line(2)]

    def test_a_line_without_a_stamp_is_kept(self) -> None:
        seam = Seam(text(7))
        cut = "rest of a long line\rwith a carriage return"
        assert seam.fresh(f"{text(7)}{cut}\n") == [cut]

    def test_a_reading_that_goes_back_further_repeats_nothing(self) -> None:
        seam = Seam(text(1, 2, 3))
        seam.fresh(text(3, 4))
        assert seam.fresh(text(1, 2, 3, 4, 5)) == [line(5)]

    def test_a_line_without_a_stamp_may_be_written_again(self) -> None:
        seam = Seam("rest\n")
        assert seam.fresh(text(1)) == [line(1)]
        assert seam.fresh(f"{text(1)}rest\n") == ["rest"]

    def test_stamps_compare_whatever_their_digits(self) -> None:
        assert stamp_of("2026-11-24T12:00:01Z x") < stamp_of("2026-11-24T12:00:01.5Z x")
        assert stamp_of("2026-11-24T12:00:01.5Z x") == stamp_of("2026-11-24T12:00:01.500000000Z x")
        assert stamp_of("no stamp") is None

    @pytest.mark.parametrize(
        ("before", "reading", "gained"),
        [
            ("", "a\nb\n", "a\nb\n"),
            ("a\n", "a\nb\nc", "b\n"),
            ("a\nb\n", "a\nb\n", ""),
            ("a\nb\nc\n", "b\nc\nd\n", "d\n"),
            ("a\n", "x\ny\n", "x\ny\n"),
            ("a\na\n", "a\na\na\n", "a\n"),
        ],
    )
    def test_an_unstamped_log_gains_whole_lines(self, before: str, reading: str, gained: str) -> None:
        assert complete_lines_after(before, reading) == gained


@pytest.mark.parametrize(
    ("since", "seconds"), [(None, None), ("all", None), ("10s", 10), ("1h30m", 5400), ("200ms", 1)]
)
def test_since_is_a_duration(since: str | None, seconds: int | None) -> None:
    assert parse_extent(5, since) == Extent(5, seconds)


def test_since_as_anything_else_is_refused() -> None:
    with pytest.raises(Problem, match="duration"):
        parse_extent(5, "yesterday")


class TestOneReading:
    @pytest.fixture(autouse=True)
    async def declared(self, client: Client, records: SqlRecords) -> None:
        await declare_target(records)
        await client.put(HELLO, json=session_body())

    async def test_is_the_end_of_the_output(self, client: Client, connections: Connections, stand) -> None:
        await stand(**running())
        connections.dokploy.output = text(1, 2, 3)
        answer = await client.get(HELLO + "/logs", params={"tail": 2, "since": "1m"})
        assert answer.text == text(2, 3)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert connections.dokploy.readings == [("app-1", 2, "60s")]
        assert connections.made == [("http://dokploy", "key-of-dokploy-1")]

    async def test_of_no_lines_is_empty(self, client: Client, connections: Connections, stand) -> None:
        await stand(**running())
        connections.dokploy.output = text(1)
        assert (await client.get(HELLO + "/logs", params={"tail": 0})).text == ""

    async def test_one_client_serves_until_its_key_changes(
        self, client: Client, connections: Connections, stand
    ) -> None:
        await stand(**running())
        for _ in range(3):
            await client.get(HELLO + "/logs")
        assert len(connections.made) == 1
        path = "/api/namespaces/berth-system/secrets/dokploy"
        await client.put(path, json={"stringData": {"token": "key-of-dokploy-2"}})
        first = connections.dokploy
        connections.dokploy = LogsOnly()
        await client.get(HELLO + "/logs")
        assert connections.made[1:] == [("http://dokploy", "key-of-dokploy-2")]
        assert first.closed
        assert not connections.dokploy.closed

    @pytest.mark.parametrize(
        ("status", "words"),
        [
            ({}, "has no container yet"),
            ({**running(), "phase": Phase.STOPPED}, "is stopped"),
        ],
    )
    async def test_without_a_container_says_why(
        self, client: Client, stand, status: dict, words: str
    ) -> None:
        await stand(**status)
        for follow in ("false", "true"):
            answer = await client.get(HELLO + "/logs", params={"follow": follow})
            assert answer.status_code == 409
            assert words in answer.json()["detail"]

    async def test_of_a_legacy_session_says_why(self, client: Client) -> None:
        await client.put(HELLO, json=session_body(operatingMode=OperatingMode.LEGACY))
        assert "Legacy" in (await client.get(HELLO + "/logs")).json()["detail"]

    async def test_without_a_target_or_key_says_which(self, client: Client, stand) -> None:
        await stand(**running())
        await client.delete("/api/namespaces/berth-system/secrets/dokploy")
        answer = await client.get(HELLO + "/logs")
        assert answer.status_code == 503
        assert "berth-system/dokploy" in answer.json()["detail"]
        await client.delete("/api/targets/default", params={"force": "true"})
        answer = await client.get(HELLO + "/logs")
        assert answer.status_code == 404
        assert "'default' does not exist" in answer.json()["detail"]

    @pytest.mark.parametrize(
        ("failure", "status"),
        [
            (Unreachable("application.readLogs", "no connection"), 503),
            (Gone("application.readLogs", "x"), 404),
        ],
    )
    async def test_that_dokploy_fails_is_a_problem(
        self, client: Client, connections: Connections, stand, failure: Exception, status: int
    ) -> None:
        await stand(**running())
        connections.dokploy.failure = failure
        assert (await client.get(HELLO + "/logs")).status_code == status

    async def test_of_a_build(self, client: Client, connections: Connections, stand) -> None:
        await stand(**running())
        answer = await client.get(HELLO + "/logs", params={"build": "true"})
        assert answer.status_code == 404
        build = BuildStatus(deployment_id="d-1", inputs="x", started_at=START, outcome="Failed")
        await stand(**running(build=build))
        connections.dokploy.build = "one\ntwo\nthree\n"
        answer = await client.get(HELLO + "/logs", params={"build": "true", "tail": 2})
        assert answer.text == "two\nthree\n"
        answer = await client.get(HELLO + "/logs", params={"build": "true", "follow": "true"})
        assert answer.text == "one\ntwo\nthree\n"

    async def test_that_is_followed_ends_with_the_session(
        self, client: Client, connections: Connections, stand
    ) -> None:
        await stand(**running())
        connections.dokploy.output = text(1)

        async def stop_soon() -> None:
            while len(connections.dokploy.readings) < 2:
                await asyncio.sleep(0.01)
            connections.dokploy.output += text(2)
            await stand(**{**running(), "phase": Phase.STOPPED})

        task = asyncio.create_task(stop_soon())
        answer = await client.get(HELLO + "/logs", params={"follow": "true"})
        await task
        first, *rest = answer.text.splitlines()
        assert first == line(1)
        assert rest[-1].endswith("[berth] the session is stopped; its output ends here")


class SlowLogs(LogsOnly):
    """A Dokploy that looks at once or at the end, in turn, and always answers late."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.late = False

    async def read_logs(self, application_id: str, *, tail: int, since: str | None) -> str:
        self.late = not self.late
        if self.late:
            await asyncio.sleep(self.seconds)
        now = asyncio.get_running_loop().time()
        floor = START + timedelta(seconds=now - int(since[:-1])) if since else START
        found = [
            each for each in self.output.splitlines(keepends=True) if each >= f"{floor:%Y-%m-%dT%H:%M:%S}"
        ]
        if not self.late:
            await asyncio.sleep(self.seconds)
        return "".join(found[-tail:])


class OneSession:
    """Records that hold one session, its target and its key; ``script`` says what a reading finds."""

    def __init__(self, session: Session) -> None:
        self.session: Session | Exception = session

    async def get(self, kind: type, key: Key) -> Session:
        assert kind is Session
        if isinstance(self.session, Exception):
            raise self.session
        return self.session


class OneDokploy(Readings):
    """Readings of one Dokploy, without records of its target."""

    def __init__(self, dokploy: LogsOnly) -> None:
        self.dokploy = dokploy

    def of_target(self, name: str) -> OneDokploy:
        return self

    async def __aenter__(self) -> LogsOnly:
        return self.dokploy

    async def __aexit__(self, *_: object) -> None:
        return None


class World:
    """A session that runs, followed in virtual time; ``at`` says what happens when."""

    def __init__(self, **status: object) -> None:
        self.records = OneSession(a_session(**status))
        self.dokploy = LogsOnly()
        self.closing = asyncio.Event()
        self.logs = Logs(
            self.records, OneDokploy(self.dokploy), now=lambda: START, closing=self.closing, poll=1.0
        )

    def at(self, seconds: float, what: Callable[[], object]) -> None:
        asyncio.get_running_loop().call_later(seconds, what)

    def become(self, session: Session | Exception) -> None:
        self.records.session = session

    def write(self, more: str) -> None:
        self.dokploy.output += more

    async def follow(self, tail: int = 100) -> list[str]:
        session = a_session()
        extent = Extent(tail)
        first = await self.logs.read(session, extent)
        return "".join([chunk async for chunk in self.logs.follow(session, first, extent)]).splitlines()


@pytest.mark.looptime
class TestFollowing:
    async def test_sends_new_lines_until_the_session_stops(self) -> None:
        world = World()
        world.write(text(1))
        world.at(0.5, lambda: world.write(text(2)))
        world.at(3.5, lambda: world.write(text(3, 4)))
        world.at(6.5, lambda: world.become(a_session(phase=Phase.STOPPED)))
        lines = await world.follow()
        assert lines[:4] == [line(n) for n in (1, 2, 3, 4)]
        assert lines[4:] == [
            "2026-11-24T12:00:00.000000Z [berth] the session is stopped; its output ends here"
        ]
        assert asyncio.get_running_loop().time() == pytest.approx(7, abs=0.1)

    async def test_begins_after_what_is_there(self) -> None:
        world = World()
        world.write(text(1, 2))
        world.at(0.5, lambda: world.write(text(3)))
        world.at(1.5, lambda: world.become(NotFound("gone")))
        lines = await world.follow(tail=0)
        assert lines[0] == line(3)
        assert lines[1].endswith("the session is gone; its output ends here")

    async def test_a_session_of_the_same_name_is_another_one(self) -> None:
        world = World()
        other = a_session()
        meta = other.metadata.model_copy(update={"uid": "u-2"})
        world.at(1.5, lambda: world.become(other.model_copy(update={"metadata": meta})))
        assert [entry.partition("[berth] ")[2] for entry in await world.follow()] == [
            "the session is gone; its output ends here"
        ]

    async def test_outlives_an_outage_and_loses_nothing(self) -> None:
        world = World()

        def fail() -> None:
            world.dokploy.failure = Unreachable("application.readLogs", "no connection")
            world.become(Unavailable("busy"))

        def recover() -> None:
            world.dokploy.failure = None
            world.become(a_session())

        world.write(text(1))
        world.at(0.5, fail)
        world.at(10, lambda: world.write(text(2)))
        world.at(90, lambda: world.write(text(3)))
        world.at(95, recover)
        world.at(99, world.closing.set)
        lines = await world.follow()
        assert [entry for entry in lines if "[berth]" not in entry] == [line(n) for n in (1, 2, 3)]
        notes = [entry for entry in lines if "[berth]" in entry]
        assert len(notes) == 1
        assert "cannot be read" in notes[0]
        longest = max(int(since[:-1]) for _, _, since in world.dokploy.readings if since)
        assert longest >= 95

    async def test_loses_nothing_where_dokploy_takes_its_time(self) -> None:
        world = World()
        world.dokploy = SlowLogs(15)
        world.logs = Logs(
            world.records, OneDokploy(world.dokploy), now=lambda: START, closing=world.closing, poll=1.0
        )
        world.write(text(1))
        for number in range(2, 200):
            world.at(number, partial(world.write, text(number)))
        world.at(260, world.closing.set)
        lines = await world.follow()
        assert sorted(lines) == [line(n) for n in range(1, 200)]

    async def test_ends_when_the_server_does(self) -> None:
        world = World()
        world.at(2.5, world.closing.set)
        assert await world.follow() == []

    async def test_a_build_until_it_has_ended(self) -> None:
        def building(outcome: str) -> Session:
            build = BuildStatus(deployment_id="d-1", inputs="x", started_at=START, outcome=outcome)
            return a_session(**running(build=build))

        world = World()
        world.become(building("Running"))
        world.dokploy.build = "step 1\nste"
        world.at(1.5, lambda: setattr(world.dokploy, "build", "step 1\nstep 2\n"))

        def done() -> None:
            world.dokploy.build = "step 1\nstep 2\nstep 3"
            world.become(building("Done"))

        world.at(4.5, done)
        chunks = world.logs.follow_build(building("Running"), Reading(world.dokploy.build, 0, 0))
        assert "".join([chunk async for chunk in chunks]) == "step 1\nstep 2\nstep 3\n"
        assert asyncio.get_running_loop().time() == pytest.approx(5, abs=0.1)
