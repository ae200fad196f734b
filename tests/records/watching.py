"""What tests ask of a store."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

from crds.base import Key, Resource
from crds.session import Session
from records.port import Change, Records

ALICE = Key("alice", "fix-login")


async def taken(records: Records, kinds: Sequence[type[Resource]], *, since: int, count: int) -> list[Change]:
    """The next changes; on a busy machine they may take long, and only the test's own time-out ends it."""
    found: list[Change] = []
    async with aclosing(records.watch(kinds, since=since)) as watch:
        while len(found) < count:
            found.append(await anext(watch))
    return found


async def head(records: Records) -> int:
    """The newest revision."""
    return (await records.list(Session)).revision
