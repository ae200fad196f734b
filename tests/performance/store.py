"""P9: the SQL store beside a bare transaction of the same rows, on the same database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from statistics import median
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import col

from crds.base import Key
from crds.session import Phase, Session, SessionStatus
from records.paging import PAGE, pages
from records.sql import SqlRecords
from records.sql.tables import ChangeRow, CounterRow, RecordRow
from tests.performance.row import Row
from tests.records.samples import session

_WRITES = 200
_KEY = Key("alice", "session-0")
_PHASES = (Phase.RUNNING, Phase.STOPPED)


async def filled(records: SqlRecords, number: int) -> None:
    """Put so many sessions into an empty store at once: one is written by it, the others are its copies."""
    await records.create(session("session-0"))
    async with records._database.writing() as connection:
        one = dict((await connection.execute(select(RecordRow.__table__))).mappings().one())
        told = dict((await connection.execute(select(ChangeRow.__table__))).mappings().one())
        for first in range(1, number, 1000):
            indexes = range(first, min(first + 1000, number))
            await connection.execute(insert(RecordRow), [_copy(one, index) for index in indexes])
            await connection.execute(insert(ChangeRow), [_told(told, index) for index in indexes])
        await connection.execute(update(CounterRow).values(revision=told["revision"] + number))


def _copy(row: dict[str, Any], index: int) -> dict[str, Any]:
    return {**row, "uid": f"uid-{index}", "name": f"session-{index}", "revision": row["revision"] + index}


def _told(row: dict[str, Any], index: int) -> dict[str, Any]:
    name = f"session-{index}"
    meta = {**row["snapshot"]["metadata"], "name": name, "uid": f"uid-{index}"}
    snapshot = {**row["snapshot"], "metadata": meta}
    return {**row, "name": name, "revision": row["revision"] + index, "snapshot": snapshot}


async def rows(records: SqlRecords, number: int, *, on: str) -> list[Row]:
    """Writes, and the way from a write to a watch, among so many records."""
    await filled(records, number)
    what = f"{on}, {number:,} records"
    uid = (await records.get(Session, _KEY)).metadata.uid
    ours, bare = await _seconds(
        lambda index: _write(records, uid, index), lambda index: _bare_write(records, 1 - index % 2)
    )
    return [
        Row("P9", f"a write of a status, {what}", ours * 1e3, bare * 1e3, "ms"),
        Row("P9", f"writes in a second, {what}", 1 / ours, 1 / bare, "/s"),
        Row(
            "P9",
            f"a write until a watch tells of it, {what}",
            await _watched(records, uid) * 1e3,
            bare * 1e3,
            "ms",
        ),
    ]


async def listing(records: SqlRecords, number: int, *, on: str) -> list[Row]:
    """All records a page at a time, beside their rows in one statement, undecoded."""
    await filled(records, number)
    began = time.perf_counter()
    async with records._database.reading() as connection:
        found = (await connection.execute(select(RecordRow.__table__))).all()
    bare = time.perf_counter() - began
    began = time.perf_counter()
    read = [item async for page in pages(records, Session) for item in page.items]
    ours = time.perf_counter() - began
    assert len(read) == len(found) == number
    what = f"list of {number:,} in pages of {PAGE}, {on}"
    return [Row("P9", what, ours * 1e3, bare * 1e3, "ms")]


async def _seconds(
    ours: Callable[[int], Awaitable[None]], bare: Callable[[int], Awaitable[None]]
) -> tuple[float, float]:
    """Seconds of one write of each, the medians of many: by turns, so that both meet the same machine."""
    spent: tuple[list[float], list[float]] = ([], [])
    for index in range(_WRITES):
        for write, taken in zip((ours, bare), spent, strict=True):
            began = time.perf_counter()
            await write(index)
            taken.append(time.perf_counter() - began)
    return median(spent[0]), median(spent[1])


async def _write(records: SqlRecords, uid: str, index: int) -> None:
    status = SessionStatus(phase=_PHASES[index % 2])
    await records.update_status(Session, _KEY, uid=uid, status=status)


async def _bare_write(records: SqlRecords, index: int) -> None:
    """The rows that a write of a status changes, by SQLAlchemy alone."""
    status = {"phase": _PHASES[index % 2].value}
    async with records._database.writing() as connection:
        counter = await connection.execute(select(col(CounterRow.revision)).with_for_update())
        revision = counter.scalar_one() + 1
        where = (col(RecordRow.kind) == "Session", col(RecordRow.namespace) == _KEY.namespace,
                 col(RecordRow.name) == _KEY.name)  # fmt: skip
        row = (await connection.execute(select(RecordRow.__table__).where(*where))).mappings().one()
        await connection.execute(update(RecordRow).where(*where).values(status=status, revision=revision))
        snapshot = {
            "metadata": {"name": row["name"], "namespace": row["namespace"], "uid": row["uid"], "labels": {}},
            **row["body"],
            "status": status,
        }
        change = {"revision": revision, "type": "MODIFIED", "kind": "Session", "namespace": _KEY.namespace,
                  "name": _KEY.name, "at": datetime.now(UTC), "snapshot": snapshot}  # fmt: skip
        await connection.execute(insert(ChangeRow).values(**change))
        await connection.execute(update(CounterRow).values(revision=revision))


async def _watched(records: SqlRecords, uid: str) -> float:
    """Seconds from the start of a write to the watch that tells of it, the median of many."""
    since = (await records.list(Session, limit=1)).revision
    changes = records.watch([Session], since=since)
    seen: list[float] = []
    for index in range(_WRITES // 4):
        told = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0.001)
        began = time.perf_counter()
        await _write(records, uid, index)
        await told
        seen.append(time.perf_counter() - began)
    await changes.aclose()
    return median(seen)
