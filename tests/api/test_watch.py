"""A watch tells all that is there, then every change, once, as seen through its selector."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from api.selectors import parse_selector
from api.watch import Frame, InView, Watch, Watcher
from crds.base import ObjectMeta, Resource
from crds.event import Event
from crds.secret import Secret
from crds.session import Session
from records.errors import Expired, RecordsError
from records.port import EVERYTHING, Change, Selector
from records.sql import SqlRecords
from tests.api.conftest import Client, session_body


def watch(
    *kinds: type[Resource],
    namespace: str | None = None,
    selector: str = "",
    since: int | None = None,
    bookmark: float = 15.0,
) -> Watch:
    return Watch(kinds or (Session,), namespace, parse_selector(selector), since, bookmark)


def told(frame: Frame) -> tuple[str, str]:
    if frame.event in {"BOOKMARK", "ERROR"}:
        return frame.event, ""
    return frame.event, frame.data["object"]["metadata"]["name"]


async def take(records: object, wanted: Watch, count: int) -> list[Frame]:
    found: list[Frame] = []
    watcher = Watcher(records, wanted, asyncio.Event(), "/api/watch")
    async with asyncio.timeout(60), aclosing(watcher.frames()) as frames:
        async for frame in frames:
            found.append(frame)
            if len(found) == count:
                break
    return found


async def put(client: Client, name: str, labels: dict[str, str] | None = None, **spec: object) -> None:
    body = session_body(name, **spec)
    body["metadata"]["labels"] = labels or {}
    await client.put(f"/api/namespaces/alice/sessions/{name}", json=body)


class TestFrames:
    async def test_first_what_is_there_then_what_comes(self, client: Client, records: SqlRecords) -> None:
        await put(client, "b")
        await put(client, "a")
        await put(client, "b", title="Changed")
        watcher = Watcher(records, watch(), asyncio.Event(), "/")
        found = []
        async with asyncio.timeout(60), aclosing(watcher.frames()) as frames:
            async for frame in frames:
                found.append(frame)
                if len(found) == 3:
                    await put(client, "c")
                    await client.delete("/api/namespaces/alice/sessions/a")
                if len(found) == 5:
                    break
        assert [told(frame) for frame in found] == [
            ("ADDED", "a"),
            ("ADDED", "b"),
            ("BOOKMARK", ""),
            ("ADDED", "c"),
            ("DELETED", "a"),
        ]
        revisions = [frame.revision for frame in found]
        assert revisions == sorted(revisions)
        assert found[2].data == {"resourceVersion": str(found[2].revision)}

    async def test_every_place_is_one_to_go_on_from(self, client: Client, records: SqlRecords) -> None:
        await put(client, "a")
        for number in range(3):
            await put(client, "a", title=f"Title {number}")
        all_told = await take(records, watch(since=0), 4)
        for place, frame in enumerate(all_told[:-1], start=1):
            rest = await take(records, watch(since=frame.revision), 4 - place)
            assert rest == all_told[place:]

    async def test_other_namespaces_are_not_told_of(self, client: Client, records: SqlRecords) -> None:
        await put(client, "a")
        await client.put("/api/namespaces/bob/sessions/b", json={"spec": {"image": "example/session:1"}})
        frames = await take(records, watch(namespace="bob", since=0), 1)
        assert [told(frame) for frame in frames] == [("ADDED", "b")]
        frames = await take(records, watch(Session, Event, namespace="bob"), 3)
        assert [frame.event for frame in frames] == ["ADDED", "ADDED", "BOOKMARK"]

    async def test_events_are_told_as_they_happen(self, client: Client, records: SqlRecords) -> None:
        await put(client, "a")
        first = await take(records, watch(Event), 2)
        assert [frame.event for frame in first] == ["ADDED", "BOOKMARK"]
        await put(client, "a", title="Changed")
        (frame,) = await take(records, watch(Event, since=first[1].revision), 1)
        assert frame.data["object"]["reason"] == "Changed"

    async def test_a_record_enters_and_leaves_the_selector(self, client: Client, records: SqlRecords) -> None:
        await put(client, "a", {"team": "x"})
        await put(client, "b", {"team": "y"})
        watcher = Watcher(records, watch(selector="team=x"), asyncio.Event(), "/")
        found = []
        async with asyncio.timeout(60), aclosing(watcher.frames()) as frames:
            async for frame in frames:
                found.append(told(frame))
                if frame.event == "BOOKMARK":
                    await put(client, "b", {"team": "x"})
                    await put(client, "b", {"team": "x"}, title="Changed")
                    await put(client, "a", {"team": "y"})
                    await put(client, "a", {"team": "y"}, title="Unseen")
                    await client.delete("/api/namespaces/alice/sessions/a")
                    await client.delete("/api/namespaces/alice/sessions/b")
                if len(found) == 6:
                    break
        assert found == [
            ("ADDED", "a"),
            ("BOOKMARK", ""),
            ("ADDED", "b"),
            ("MODIFIED", "b"),
            ("DELETED", "a"),
            ("DELETED", "b"),
        ]

    async def test_secrets_are_told_by_their_digests(self, client: Client, records: SqlRecords) -> None:
        path = "/api/namespaces/alice/secrets/mine"
        for value in ("first-value", "second-value"):
            await client.put(path, json={"stringData": {"token": value}})
        shown = (await client.get(path)).json()["digests"]
        frames = await take(records, watch(Secret, since=0), 2)
        assert frames[-1].data["object"]["digests"] == shown
        assert "data" not in frames[-1].data["object"]

    async def test_a_revision_that_is_not_kept_has_expired(self, records: SqlRecords) -> None:
        (frame,) = await take(records, watch(since=1_000_000), 1)
        assert frame.event == "ERROR"
        assert (frame.data["reason"], frame.data["status"]) == ("Expired", 410)


class Silent:
    """Records in which nothing happens, or something that ends the watch."""

    def __init__(self, *changes: Change | Exception) -> None:
        self.changes = changes
        self.left = False

    async def watch(self, kinds: object, *, since: int) -> AsyncIterator[Change]:
        try:
            for change in self.changes:
                if isinstance(change, Exception):
                    raise change
                yield change
            await asyncio.Event().wait()
        finally:
            self.left = True


def change(
    revision: int, name: str = "a", kind: str = "MODIFIED", labels: dict[str, str] | None = None
) -> Change:
    meta = ObjectMeta(
        name=name, namespace="alice", labels=labels or {}, uid="u", resource_version=str(revision)
    )
    return Change(kind, revision, Session(metadata=meta))


class TestQuietWatches:
    @pytest.mark.looptime
    async def test_say_how_far_they_are(self) -> None:
        loop = asyncio.get_running_loop()
        began, records = loop.time(), Silent(change(8))
        watcher = Watcher(records, watch(since=7), asyncio.Event(), "/")
        found = []
        async with aclosing(watcher.frames()) as frames:
            async for frame in frames:
                found.append((frame.event, frame.revision, round(loop.time() - began)))
                if len(found) == 3:
                    break
        assert found == [("MODIFIED", 8, 0), ("BOOKMARK", 8, 15), ("BOOKMARK", 8, 30)]
        assert records.left

    @pytest.mark.looptime
    async def test_end_when_the_server_does(self) -> None:
        closing = asyncio.Event()
        asyncio.get_running_loop().call_later(40, closing.set)
        watcher = Watcher(Silent(), watch(since=7), closing, "/")
        assert [frame.event async for frame in watcher.frames()] == ["BOOKMARK", "BOOKMARK"]

    @pytest.mark.parametrize(
        ("error", "reason"),
        [(Expired("x"), "Expired"), (RecordsError("x"), "Unavailable"), (ValueError("y"), "Unavailable")],
    )
    async def test_say_why_they_end(self, error: Exception, reason: str) -> None:
        watcher = Watcher(Silent(change(8), error), watch(since=7), asyncio.Event(), "/api/watch")
        frames = [frame async for frame in watcher.frames()]
        assert [frame.event for frame in frames] == ["MODIFIED", "ERROR"]
        assert frames[-1].data["reason"] == reason
        assert frames[-1].data["instance"] == "/api/watch"

    async def test_a_client_that_leaves_leaves_nothing_behind(self) -> None:
        records = Silent(*(change(n) for n in range(8, 500)))
        async with aclosing(Watcher(records, watch(since=7), asyncio.Event(), "/").frames()) as frames:
            await anext(frames)
        assert records.left
        assert len(asyncio.all_tasks()) == 1


SELECTOR = Selector((("team", "In", ("x",)),))
IN, OUT = {"team": "x"}, {"team": "y"}


class TestWhatAChangeIs:
    @pytest.mark.parametrize(
        ("history", "expected"),
        [
            (["ADDED in"], ["ADDED"]),
            (
                ["ADDED out", "MODIFIED in", "MODIFIED in", "DELETED in"],
                [None, "ADDED", "MODIFIED", "DELETED"],
            ),
            (["MODIFIED in"], ["MODIFIED"]),
            (["MODIFIED out", "MODIFIED out", "DELETED out"], ["DELETED", None, None]),
            (["DELETED in"], ["DELETED"]),
            (["DELETED out"], [None]),
            (["ADDED in", "DELETED in", "ADDED out"], ["ADDED", "DELETED", None]),
        ],
    )
    def test_to_a_client_that_goes_on(self, history: list[str], expected: list[str | None]) -> None:
        view = InView(None, SELECTOR, complete=False)
        for step, wanted in zip(history, expected, strict=True):
            kind, side = step.split()
            assert view.transition(change(1, kind=kind, labels=IN if side == "in" else OUT)) == wanted

    def test_to_a_client_that_was_told_all(self) -> None:
        view = InView(None, SELECTOR, complete=True)
        view.note(change(1, "held", labels=IN).resource)
        assert view.transition(change(2, "held", labels=OUT)) == "DELETED"
        assert view.transition(change(3, "other", labels=OUT)) is None
        assert view.transition(change(4, "other", labels=IN)) == "ADDED"

    def test_without_a_selector_it_is_what_it_is(self) -> None:
        view = InView(None, EVERYTHING, complete=False)
        assert [view.transition(change(1, kind=k)) for k in ("ADDED", "MODIFIED", "DELETED")] == [
            "ADDED",
            "MODIFIED",
            "DELETED",
        ]
        assert InView("bob", EVERYTHING, complete=True).transition(change(1)) is None


async def test_too_many_streams_are_refused(app, client: Client, records: SqlRecords) -> None:
    app.state.face.streams._open = app.state.face.settings.api_watchers
    answer = await client.get("/api/watch")
    assert (answer.status_code, answer.json()["reason"]) == (503, "Unavailable")
    assert answer.headers["retry-after"]
