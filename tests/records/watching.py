"""What tests ask of a store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

from crds.base import Key, Resource
from crds.session import Session
from records.port import Change, Records

ALICE = Key("alice", "fix-login")


async def taken(records: Records, kinds: Sequence[type[Resource]], *, since: int, count: int) -> list[Change]:
    """The next changes."""
    found: list[Change] = []
    async with asyncio.timeout(20), aclosing(records.watch(kinds, since=since)) as watch:
        async for change in watch:
            found.append(change)
            if len(found) == count:
                break
    return found


async def head(records: Records) -> int:
    """The newest revision."""
    return (await records.list(Session)).revision
