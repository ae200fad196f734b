"""The values of Secrets: sealed in their own table, opened only on the way out."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import structlog
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from records.errors import Unreadable
from records.keys import KeyRing, Sealed
from records.sql.tables import SecretRow, SettingRow

_BATCH = 500
"""Uids in one question: SQLite takes a bounded number of parameters."""

log = structlog.get_logger(__name__)


class Vault:
    """Seals and opens under one key ring.

    A value is sealed together with the uid of its Secret and its own name: moved to another row,
    it cannot be opened.
    """

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring

    async def write(self, connection: AsyncConnection, uid: str, values: Mapping[str, str]) -> None:
        """Replace all values of a Secret."""
        await self.forget(connection, uid)
        rows = []
        for name, value in values.items():
            sealed = self.ring.seal(base64.b64decode(value), name=_bound(uid, name))
            rows.append({"uid": uid, "name": name, "key_id": sealed.key_id, "sealed": sealed.text})
        if rows:
            await connection.execute(insert(SecretRow), rows)

    async def forget(self, connection: AsyncConnection, uid: str) -> None:
        """Remove all values of a Secret."""
        await connection.execute(delete(SecretRow).where(col(SecretRow.uid) == uid))

    async def read(self, connection: AsyncConnection, uid: str) -> dict[str, str]:
        """The values of one Secret in base64; raise Unreadable where one cannot be opened."""
        statement = select(SecretRow).where(col(SecretRow.uid) == uid).order_by(col(SecretRow.name))
        return {row.name: self._open(row) for row in await connection.execute(statement)}

    async def read_many(
        self, connection: AsyncConnection, uids: Iterable[str]
    ) -> dict[str, dict[str, str] | None]:
        """The values of many Secrets; None for one that cannot be opened, which is logged."""
        found: dict[str, dict[str, str] | None] = {}
        for batch in _batches(uids):
            found.update({uid: {} for uid in batch})
            statement = select(SecretRow).where(col(SecretRow.uid).in_(batch)).order_by(col(SecretRow.name))
            for row in await connection.execute(statement):
                values = found[row.uid]
                if values is None:
                    continue
                try:
                    values[row.name] = self._open(row)
                except Unreadable:
                    found[row.uid] = None
        for uid, values in found.items():
            if values is None:
                log.error("a secret cannot be opened with the keys at hand", uid=uid)
        return found

    async def reseal(self, connection: AsyncConnection, *, limit: int) -> int:
        """Seal up to ``limit`` values of other keys under the current one; how many there were."""
        current = self.ring.ids[0]
        statement = select(SecretRow).where(col(SecretRow.key_id) != current).limit(limit)
        rows = (await connection.execute(statement)).all()
        for row in rows:
            name = _bound(row.uid, row.name)
            sealed = self.ring.seal(self.ring.open(Sealed(row.key_id, row.sealed), name=name), name=name)
            where = (col(SecretRow.uid) == row.uid, col(SecretRow.name) == row.name)
            values = {"key_id": sealed.key_id, "sealed": sealed.text}
            await connection.execute(update(SecretRow).where(*where).values(**values))
        return len(rows)

    async def keys_in_use(self, connection: AsyncConnection) -> set[str]:
        """The ids of all keys under which something is sealed."""
        used = select(col(SecretRow.key_id)).union(
            select(col(SettingRow.key_id)).where(col(SettingRow.key_id).is_not(None))
        )
        return set((await connection.execute(used)).scalars())

    def _open(self, row: Row[Any]) -> str:
        value = self.ring.open(Sealed(row.key_id, row.sealed), name=_bound(row.uid, row.name))
        return base64.b64encode(value).decode()


def _bound(uid: str, name: str) -> str:
    return f"{uid}/{name}"


def _batches(uids: Iterable[str]) -> Iterable[Sequence[str]]:
    rest = iter(uids)
    while batch := list(islice(rest, _BATCH)):
        yield batch
