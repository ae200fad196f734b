"""The way into a session: what the API signs, the container that the controller makes takes."""

from __future__ import annotations

import logging

import pytest

from container.contract import TOKEN_KEY, EntryUse
from container.entry.tokens import Tokens
from controller.admission import Admission
from controller.desired import Desired
from controller.identity import Identity
from controller.inputs import gather
from controller.resolver import Resolver
from crds.base import Key
from crds.session import Session
from crds.target import Target
from dokploy import dotenv
from records.port import Records
from records.sql import SqlRecords
from tests.api.conftest import HELLO, START, Client, Clock, declare_target, running, session_body

ENTRY = f"{HELLO}/entry"
URL = "https://hello-alice.sessions.example.com/"


@pytest.fixture
async def entered(client: Client, stand, records: SqlRecords) -> None:
    """A session with a page."""
    await declare_target(records)
    await client.post("/api/namespaces/alice/sessions", json=session_body())
    await stand(**running(), url=URL)


async def container_of(records: Records) -> tuple[Tokens, str]:
    """The session's container as the controller starts it: what reads its tokens, and its key."""
    session = await records.get(Session, Key("alice", "hello"))
    settings = await records.settings()
    identity = Identity.of(session, instance=settings.instance)
    inputs = await gather(
        records,
        session,
        await records.get(Target, Key("", "default")),
        identity=identity,
        resolver=Resolver(settings.digest_key),
        admission=Admission(),
    )
    assert isinstance(inputs.want, Desired)
    variables = dotenv.parse(inputs.want.config.env.get_secret_value())
    key = variables[TOKEN_KEY]
    assert key in inputs.hidden, "it is masked in what the container prints"
    assert key not in repr(inputs)
    return Tokens(key.encode(), variables["SESSION_ID"]), key


@pytest.mark.parametrize(("query", "use", "seconds"), [("", "enter", 60), ("?use=tool", "tool", 3600)])
async def test_the_token_lets_into_the_container_that_the_controller_makes(
    entered, client: Client, records: SqlRecords, clock: Clock, query: str, use: str, seconds: int
) -> None:
    answer = await client.post(ENTRY + query)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    given = answer.json()
    assert given["url"] == URL
    assert given["expiresAt"] == f"2026-11-24T1{'2:01' if seconds == 60 else '3:00'}:00Z"
    tokens, _ = await container_of(records)
    token = tokens.read(given["token"], uses={EntryUse(use)}, now=int(START.timestamp()))
    assert (token.owner, token.expires - token.issued) == ("alice", seconds)
    assert (await client.post(ENTRY + query)).json()["token"] != given["token"]


async def test_it_is_told_who_was_given_a_way_in_and_no_token_is_told(
    entered, client: Client, records: SqlRecords, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        token = (await client.post(ENTRY)).json()["token"]
    events = [event for event in await records.list_events() if event.reason == "EntryGiven"]
    assert [event.message for event in events] == ["A way in was given to admin"]
    _, key = await container_of(records)
    for hidden in (token, token.rpartition(".")[2], key):
        assert hidden not in caplog.text
        assert hidden not in events[0].model_dump_json()
        assert hidden not in (await client.get(HELLO)).text


async def test_nothing_is_written_to_the_record_and_a_get_gives_no_way_in(
    entered, client: Client, records: SqlRecords
) -> None:
    before = await records.get(Session, Key("alice", "hello"))
    await client.post(ENTRY)
    assert await records.get(Session, Key("alice", "hello")) == before
    assert (await client.get(ENTRY)).status_code in {404, 405}


@pytest.mark.parametrize(
    ("declared", "url", "said"),
    [
        ({}, None, "has no page to enter"),
        ({"operatingMode": "Stopped"}, URL, "is declared Stopped; start it"),
        ({"operatingMode": "Legacy"}, None, "is declared Legacy"),
    ],
)
async def test_where_there_is_nothing_to_enter_it_says_so(client: Client, stand, declared, url, said) -> None:
    created = await client.post("/api/namespaces/alice/sessions", json=session_body(**declared))
    assert created.status_code == 201, created.text
    await stand(url=url)
    refused = await client.post(ENTRY)
    assert (refused.status_code, refused.json()["reason"]) == (409, "Conflict")
    assert said in refused.json()["detail"]


async def test_one_whose_deletion_waits_is_entered_until_something_is_removed(
    entered, client: Client, records: SqlRecords, stand
) -> None:
    """Whoever is to save the work in it has to get there."""
    session = await records.get(Session, Key("alice", "hello"))
    metadata = session.metadata.model_copy(update={"finalizers": ("berth.dev/session",)})
    await records.update(session.model_copy(update={"metadata": metadata}))
    await client.delete(HELLO)
    assert (await client.post(ENTRY)).status_code == 201
    await stand(url=URL, dokploy={"removing_since": START})
    going = await client.post(ENTRY)
    assert (going.status_code, "is being removed" in going.json()["detail"]) == (409, True)


async def test_one_that_is_not_there_or_for_something_else_is_refused(
    entered, client: Client, records: SqlRecords
) -> None:
    missing = await client.post("/api/namespaces/alice/sessions/nope/entry")
    assert (missing.status_code, missing.json()["reason"]) == (404, "NotFound")
    for use in ("cookie", "", "admin"):
        assert (await client.post(f"{ENTRY}?use={use}")).status_code == 422


async def test_a_name_declared_again_takes_no_token_of_the_one_before(
    entered, client: Client, records: SqlRecords, stand
) -> None:
    token = (await client.post(ENTRY)).json()["token"]
    _, first = await container_of(records)
    await client.delete(HELLO)
    await client.post("/api/namespaces/alice/sessions", json=session_body())
    tokens, second = await container_of(records)
    assert first != second
    with pytest.raises(Exception, match="none of this session's"):
        tokens.read(token, uses=set(EntryUse), now=int(START.timestamp()))
