from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager

import pytest

from cli.client import Query, connect
from cli.connection import Connection
from cli.failures import ExitCode, Failure
from cli.kinds import SESSION
from cli.watch import PATIENCE, follow
from tests.cli.fake import TOKEN, URL, FakeBerth
from tests.cli.samples import session

pytestmark = pytest.mark.looptime
QUERY = Query(SESSION, "default")


@asynccontextmanager
async def client_of(fake: FakeBerth, places: list[str] | None = None):
    def locate() -> Connection:
        url = places.pop(0) if places and len(places) > 1 else (places or [URL])[0]
        return Connection(url, TOKEN, "a test")

    async with connect(locate, transport=fake) as client:
        yield client


async def take(changes, count: int) -> list[tuple[str, str]]:
    taken = []
    async for change in changes:
        taken.append((change.type, change.record["metadata"]["name"]))
        if len(taken) == count:
            return taken
    raise AssertionError("a watch has no end")


async def test_changes_after_the_listing_arrive_once_and_in_order(fake):
    fake.put(session("before"))
    async with client_of(fake) as client:
        listing = await client.listing(QUERY)
        fake.put(session("a"))
        fake.put(session("elsewhere", namespace="alice"))
        fake.put(session("before"), phase="Running")
        fake.remove("sessions", "a")
        async with aclosing(follow(client, QUERY, listing)) as changes:
            assert await take(changes, 3) == [("ADDED", "a"), ("MODIFIED", "before"), ("DELETED", "a")]


async def test_a_cut_connection_goes_on_where_it_was(fake):
    fake.breaks_after = 2
    async with client_of(fake) as client:
        listing = await client.listing(QUERY)
        for name in "abcd":
            fake.put(session(name))
        async with aclosing(follow(client, QUERY, listing)) as changes:
            assert await take(changes, 4) == [("ADDED", name) for name in "abcd"]
    assert fake.watches == 2
    assert [request.url.params["since"] for request in fake.requests[1:]] == ["0", "2"]


async def test_when_its_place_is_no_longer_kept_it_tells_what_differs(fake):
    for name in ("stays", "goes", "changes"):
        fake.put(session(name))
    async with client_of(fake) as client:
        listing = await client.listing(QUERY)
        fake.remove("sessions", "goes")
        fake.put(session("comes"))
        fake.report("changes", phase="Running")
        fake.changes.clear()
        fake.oldest = fake.revision
        async with aclosing(follow(client, QUERY, listing)) as changes:
            assert await take(changes, 3) == [
                ("DELETED", "goes"),
                ("MODIFIED", "changes"),
                ("ADDED", "comes"),
            ]
            fake.put(session("later"))
            assert await take(changes, 1) == [("ADDED", "later")]


async def test_a_server_that_restarts_elsewhere_is_found_again(fake):
    other = "http://127.0.0.1:9999"
    async with client_of(fake, [URL, URL, other]) as client:
        listing = await client.listing(QUERY)
        fake.breaks_after = 1
        fake.put(session("a"))
        async with aclosing(follow(client, QUERY, listing)) as changes:
            assert await take(changes, 1) == [("ADDED", "a")]
            asyncio.get_running_loop().call_later(5, lambda: fake.put(session("b")))
            assert await take(changes, 1) == [("ADDED", "b")]
    assert fake.requests[-1].url.port == 9999


async def test_patience_with_a_server_that_is_away_has_an_end(fake):
    async with client_of(fake) as client:
        listing = await client.listing(QUERY)
        fake.down = True
        with pytest.raises(Failure) as caught:
            await take(follow(client, QUERY, listing), 1)
    assert caught.value.code is ExitCode.UNREACHABLE
    assert PATIENCE <= asyncio.get_running_loop().time() < PATIENCE + 3


async def test_a_refusal_is_not_retried(fake):
    async with client_of(fake) as client:
        listing = await client.listing(QUERY)
        client._http.headers["Authorization"] = "Bearer wrong"
        client.relocate = lambda: None
        with pytest.raises(Failure) as caught:
            await take(follow(client, QUERY, listing), 1)
    assert caught.value.code is ExitCode.NOT_AUTHORISED
