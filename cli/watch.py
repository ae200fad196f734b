"""Changes as they happen, over connections that break and servers that restart.

A watch begins where a listing ended. When its connection is lost it goes on from the last revision
seen; when that revision is no longer kept (``Expired``) it lists again and tells what differs, so
that whoever reads it sees every record arrive at its newest state and every record leave.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from httpx_sse import EventSource, ServerSentEvent, SSEError

from cli.client import Client, Listing, Query
from cli.failures import ExitCode, Failure, from_problem
from cli.record import Record, identity, metadata

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]

SILENCE = 45.0
"""Seconds without a word after which a connection is taken for lost; the server says something at
least every 15."""
PATIENCE = 30.0
"""Seconds for which a server that is away is waited for, as during a restart."""
PAUSES = (0.2, 0.5, 1.0, 2.0)
"""Seconds between attempts to reach it; the last is repeated."""


_TYPES: Mapping[str, ChangeType] = {"ADDED": "ADDED", "MODIFIED": "MODIFIED", "DELETED": "DELETED"}


@dataclass(frozen=True, slots=True)
class Change:
    """One change; for DELETED, the record's last state."""

    type: ChangeType
    record: Record


Identity = tuple[str, str]


@dataclass(slots=True)
class _Known:
    """What has been told so far, to tell the difference after a new listing."""

    revision: str
    records: dict[Identity, Record] = field(default_factory=dict)

    def note(self, change: Change) -> None:
        if change.type == "DELETED":
            self.records.pop(identity(change.record), None)
        else:
            self.records[identity(change.record)] = change.record

    def differences(self, listing: Listing) -> list[Change]:
        now = {identity(record): record for record in listing.items}
        gone = [Change("DELETED", record) for key, record in self.records.items() if key not in now]
        return gone + [
            Change("MODIFIED" if key in self.records else "ADDED", record)
            for key, record in now.items()
            if _version(self.records.get(key)) != _version(record)
        ]


class _Expired(Exception):
    """The revision asked for is no longer kept."""


async def follow(client: Client, query: Query, start: Listing) -> AsyncGenerator[Change]:
    """Every change after ``start``, until the reader stops.

    Raises:
        Failure: the server refuses, or stays away for longer than ``PATIENCE`` seconds.
    """
    known = _Known(start.revision, {identity(record): record for record in start.items})
    clock = asyncio.get_running_loop().time
    attempt, since = 0, clock()
    while True:
        try:
            async for change in _connection(client, query, known):
                attempt, since = 0, clock()
                if change is not None:
                    known.note(change)
                    yield change
        except _Expired:
            listing = await client.listing(query)
            known.revision = listing.revision
            for change in known.differences(listing):
                known.note(change)
                yield change
        except Failure as failure:
            if failure.code is not ExitCode.UNREACHABLE or clock() - since > PATIENCE:
                raise
        await asyncio.sleep(PAUSES[min(attempt, len(PAUSES) - 1)])
        attempt += 1
        _look_again(client)


async def _connection(client: Client, query: Query, known: _Known) -> AsyncGenerator[Change | None]:
    """The changes that one connection brings; None for a sign of life."""
    parameters = {"kinds": query.kind.plural}
    if query.namespace:
        parameters["namespace"] = query.namespace
    if query.selector:
        parameters["labelSelector"] = query.selector
    if known.revision:
        parameters["since"] = known.revision
    async with client.stream("/api/watch", parameters, silence=SILENCE, accept="text/event-stream") as answer:
        try:
            async for event in EventSource(answer).aiter_sse():
                yield _change(event, known)
        except (SSEError, ValueError) as error:
            raise Failure(
                "the server's watch is not what Berth sends",
                code=ExitCode.SERVER_FAILED,
                remedy="check with `berth config` that this is a Berth",
            ) from error


def _change(event: ServerSentEvent, known: _Known) -> Change | None:
    body = json.loads(event.data) if event.data else {}
    if event.event == "ERROR":
        if body.get("reason") == "Expired":
            raise _Expired
        raise from_problem(int(body.get("status") or 500), body)
    if event.event == "BOOKMARK":
        known.revision = str(body.get("resourceVersion") or known.revision)
        return None
    kind = _TYPES.get(event.event)
    if kind is None:
        return None
    known.revision = event.id or known.revision
    return Change(kind, body["object"])


def _look_again(client: Client) -> None:
    """A server that is starting has not yet said where it is: then the old place is tried again."""
    try:
        client.relocate()
    except Failure as failure:
        if failure.code is not ExitCode.UNREACHABLE:
            raise


def _version(record: Record | None) -> str | None:
    return None if record is None else str(metadata(record).get("resourceVersion"))
