"""The watch: every change after a revision, in order, exactly once.

One reader per adapter reads what is new and shares it with all watchers; a watcher that is
behind, or starts in the past, reads from the table until it has caught up. Nothing is queued for
a slow one: it only stands further back, and past the kept feed it has expired.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from crds.base import Resource
from crds.secret import Secret
from records.errors import Expired, RecordsError, Unavailable
from records.port import Change
from records.sql.codec import decode_or_log
from records.sql.database import Database
from records.sql.tables import ChangeRow, CounterRow
from records.sql.transaction import COUNTER
from records.sql.vault import Vault
from records.sql.wakeups import Wakeups
from records.sql.whole import whole

_BATCH = 50  # rows read at once
_RECENT = 64  # changes at hand for those who follow closely: at least a batch; each has its record
_FIRST_RETRY_SECONDS = 0.5
_LAST_RETRY_SECONDS = 10.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Entry:
    """One row of the feed."""

    revision: int
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    kind: str
    snapshot: dict[str, Any] = field(repr=False)
    change: Change | None = field(default=None, repr=False)
    """Put together once for all watchers: a record is immutable. Never a Secret's."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """From where on the feed is whole, and where it ends."""

    compacted: int
    current: int

    def check(self, since: int) -> None:
        """Raise Expired where not everything after ``since`` is there."""
        if since < self.compacted:
            raise Expired(
                f"changes after {since} are no longer kept (the oldest: {self.compacted}): list again"
            )
        if since > self.current:
            # A backup was put back, or it is another database.
            raise Expired(f"this store is at {self.current} and knows of no {since}: list again")


async def bounds_of(connection: AsyncConnection) -> Bounds:
    """The bounds of the feed as this transaction sees it."""
    statement = select(col(CounterRow.compacted), col(CounterRow.revision)).where(
        col(CounterRow.id) == COUNTER
    )
    compacted, current = (await connection.execute(statement)).one()
    return Bounds(compacted, current)


class Feed:
    """The feed of one adapter, for any number of watchers."""

    def __init__(self, database: Database, vault: Vault, wakeups: Wakeups) -> None:
        self._database = database
        self._vault = vault
        self._wakeups = wakeups
        self._recent: deque[Entry] = deque()
        self._floor: int | None = None
        """``_recent`` holds all that came after it, up to ``_head``; None: nothing is known yet."""
        self._head = 0
        self._news = asyncio.Event()
        self._moved = asyncio.Event()
        self._watchers = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = False

    def wake(self) -> None:
        """Look for news now."""
        self._news.set()

    async def watch(self, kinds: Sequence[type[Resource]], *, since: int) -> AsyncGenerator[Change]:
        """Every change of these kinds after ``since``, for ever."""
        wanted = {kind.KIND: kind for kind in kinds}
        position = since
        await self._check(since)
        self._enter()
        try:
            while not self._closed:
                entries, position = await self._after(position, wanted)
                for entry in entries:
                    change = await self._change(wanted[entry.kind], entry)
                    if change is not None:
                        yield change
                # Nothing can happen between the look and the wait: there is no await between them.
                if position >= self._head:
                    await self._moved.wait()
        finally:
            await self._leave()
        raise Unavailable("the store was closed")

    async def aclose(self) -> None:
        """End every watch."""
        self._closed = True
        self._moved.set()
        await self._stop()

    @whole
    async def _check(self, since: int) -> None:
        async with self._database.reading() as connection:
            (await bounds_of(connection)).check(since)

    async def _after(self, position: int, wanted: Mapping[str, type[Resource]]) -> tuple[list[Entry], int]:
        """The next changes of these kinds, and the position behind them."""
        if self._floor is not None and self._floor <= position <= self._head:
            found = [e for e in self._recent if e.revision > position and e.kind in wanted]
            return found, self._head
        return await self._stored_after(position, list(wanted))

    @whole
    async def _stored_after(self, position: int, kinds: Sequence[str]) -> tuple[list[Entry], int]:
        async with self._database.reading() as connection:
            bounds = await bounds_of(connection)
            bounds.check(position)
            found = await _entries(connection, position, kinds=kinds)
        return found, found[-1].revision if len(found) == _BATCH else bounds.current

    async def _change(self, kind: type[Resource], entry: Entry) -> Change | None:
        """The change that an entry tells of; None, and a line in the log, for one that no longer fits."""
        if entry.change is not None:
            return entry.change
        values: Mapping[str, str] | None = None
        if kind is Secret and entry.type != "DELETED":
            values = await self._values(entry.snapshot["metadata"]["uid"])
            if values is None:
                return None
        resource = decode_or_log(kind, entry.snapshot, values)
        if resource is None:
            return None
        change = Change(entry.type, entry.revision, resource)
        if kind is not Secret:
            entry.change, entry.snapshot = change, {}  # the snapshot is asked for no more
        return change

    @whole
    async def _values(self, uid: str) -> Mapping[str, str] | None:
        async with self._database.reading() as connection:
            return (await self._vault.read_many(connection, [uid]))[uid]

    def _enter(self) -> None:
        self._watchers += 1
        if not self._tasks and not self._closed:
            self._tasks = [
                asyncio.create_task(_for_ever(lambda: self._wakeups.run(self.wake))),
                asyncio.create_task(_for_ever(self._follow)),
            ]

    async def _leave(self) -> None:
        self._watchers -= 1
        if not self._watchers:
            await self._stop()

    async def _stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        self._recent.clear()
        self._floor = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self) -> None:
        """Read what is new, whenever there may be some, and tell the watchers."""
        self._news.set()
        while True:
            await self._news.wait()
            # Cleared before reading: what is committed during the reading wakes us again.
            self._news.clear()
            bounds, found = await self._read_news(self._head)
            if self._floor is None or bounds.current != self._head:
                self._advance(bounds, found)

    @whole
    async def _read_news(self, head: int) -> tuple[Bounds, list[Entry]]:
        # Changes nothing of ours: it comes to its end even where the one who asked is gone.
        async with self._database.reading() as connection:
            bounds = await bounds_of(connection)
            is_near = bounds.compacted <= head < bounds.current <= head + _BATCH
            return bounds, await _entries(connection, head) if is_near else []

    def _advance(self, bounds: Bounds, found: list[Entry]) -> None:
        if self._floor is not None and found:
            self._recent.extend(found)
        else:
            # At the start, or far behind: those who lack something read it from the table.
            self._recent.clear()
            self._floor = bounds.current
        while len(self._recent) > _RECENT:
            self._floor = self._recent.popleft().revision
        self._head = bounds.current
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


async def _entries(
    connection: AsyncConnection, after: int, *, kinds: Sequence[str] | None = None
) -> list[Entry]:
    statement = select(
        col(ChangeRow.revision), col(ChangeRow.type), col(ChangeRow.kind), col(ChangeRow.snapshot)
    ).where(col(ChangeRow.revision) > after)
    if kinds is not None:
        statement = statement.where(col(ChangeRow.kind).in_(kinds))
    rows = await connection.execute(statement.order_by(col(ChangeRow.revision)).limit(_BATCH))
    return [Entry(row.revision, row.type, row.kind, row.snapshot) for row in rows]


async def _for_ever(work: Callable[[], Awaitable[None]]) -> None:
    """Do the work again whenever it fails: a watch outlives an outage and misses nothing."""
    delay, time = _FIRST_RETRY_SECONDS, asyncio.get_running_loop().time
    while True:
        begun = time()
        try:
            await work()
        except (RecordsError, sqlite3.Error, OSError) as error:
            reason = str(error) if isinstance(error, RecordsError) else type(error).__name__
            log.warning("the watch waits for the database", reason=reason)
        except Exception:
            # Ended, it would leave every watcher waiting for news that nobody reads.
            log.exception("the watch failed, it is started again")
        # What went well for a while is a new outage, not the same one.
        delay = _FIRST_RETRY_SECONDS if time() - begun > _LAST_RETRY_SECONDS else delay
        await asyncio.sleep(delay)
        delay = min(delay * 2, _LAST_RETRY_SECONDS)
