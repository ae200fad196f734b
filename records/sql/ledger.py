"""What the store keeps beside records: claims, leases, and what was drawn at the first start."""

from __future__ import annotations

import secrets
import string
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from crds.base import Key
from records.errors import Unavailable
from records.keys import KeyRing, Sealed
from records.port import Claim, StoreSettings
from records.sql.tables import ClaimRow, LeaseRow, SettingRow
from records.sql.transaction import Transaction

_INSTANCE = "instance"
_DIGEST_KEY = "digest_key"
_INSTANCE_LENGTH = 8
_DIGEST_BYTES = 32


async def put_claim(transaction: Transaction, claim: Claim) -> None:
    """Remember a session id; what was remembered first stays."""
    known = select(col(ClaimRow.session_id)).where(col(ClaimRow.session_id) == claim.session_id)
    if (await transaction.connection.execute(known)).first() is not None:
        return
    row = {
        "session_id": claim.session_id,
        "namespace": claim.key.namespace,
        "name": claim.key.name,
        "uid": claim.uid,
        "target": claim.target,
        "at": claim.at,
        "retained": claim.retained,
    }
    await transaction.connection.execute(insert(ClaimRow).values(**row))


async def mark_retained(transaction: Transaction, session_id: str) -> None:
    """Remember that the volumes of a claimed session are kept."""
    of = col(ClaimRow.session_id) == session_id
    await transaction.connection.execute(update(ClaimRow).where(of).values(retained=True))


async def all_claims(connection: AsyncConnection) -> dict[str, Claim]:
    """Every session id that was ever remembered."""
    rows = await connection.execute(select(ClaimRow))
    return {
        row.session_id: Claim(
            row.session_id, Key(row.namespace, row.name), row.uid, row.target, row.at, row.retained
        )
        for row in rows
    }


class Silences:
    """How long others' leases were seen not to be renewed, by a clock that nobody sets.

    A lease ends at a time of the wall clock. Where that was set back, the lease of a holder that is
    gone would last for as much longer; but one that was not renewed while its whole term passed
    has ended, whatever the clock says.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, datetime, float]] = {}

    def length(self, name: str, *, holder: str, expires_at: datetime, at: float) -> float:
        """Seconds since this lease was first seen as it is; ``at`` is the monotonic time."""
        seen = self._seen.get(name)
        if seen is None or seen[:2] != (holder, expires_at):
            seen = self._seen[name] = (holder, expires_at, at)
        return at - seen[2]


async def take_lease(
    transaction: Transaction, name: str, *, holder: str, seconds: float, silences: Silences, at: float
) -> bool:
    """Take a lease that is free, expired, silent for its whole term, or the holder's own.

    ``at`` is the monotonic time, by which ``silences`` are measured.
    """
    connection = transaction.connection
    row = (await connection.execute(select(LeaseRow).where(col(LeaseRow.name) == name))).one_or_none()
    until = transaction.now + timedelta(seconds=seconds)
    if row is None:
        await connection.execute(insert(LeaseRow).values(name=name, holder=holder, expires_at=until))
        return True
    if row.holder != holder and row.expires_at > transaction.now:
        silence = silences.length(name, holder=row.holder, expires_at=row.expires_at, at=at)
        if silence < seconds:
            return False
    statement = update(LeaseRow).where(col(LeaseRow.name) == name)
    await connection.execute(statement.values(holder=holder, expires_at=until))
    return True


async def drop_lease(transaction: Transaction, name: str, *, holder: str) -> None:
    """Give a lease back that is the holder's own."""
    own = (col(LeaseRow.name) == name, col(LeaseRow.holder) == holder)
    await transaction.connection.execute(delete(LeaseRow).where(*own))


async def draw_settings(transaction: Transaction, ring: KeyRing) -> None:
    """Draw, at the first start, what then stays for good."""
    connection = transaction.connection
    known = set((await connection.execute(select(col(SettingRow.name)))).scalars())
    if _INSTANCE not in known:
        rest = "".join(
            secrets.choice(string.ascii_lowercase + string.digits) for _ in range(_INSTANCE_LENGTH - 1)
        )
        instance = secrets.choice(string.ascii_lowercase) + rest
        await connection.execute(insert(SettingRow).values(name=_INSTANCE, value=instance))
    if _DIGEST_KEY not in known:
        sealed = ring.seal(secrets.token_bytes(_DIGEST_BYTES), name=_DIGEST_KEY)
        values = {"name": _DIGEST_KEY, "value": sealed.text, "key_id": sealed.key_id}
        await connection.execute(insert(SettingRow).values(**values))


async def read_settings(connection: AsyncConnection, ring: KeyRing) -> StoreSettings:
    """What was drawn."""
    rows = {row.name: row for row in await connection.execute(select(SettingRow))}
    if not {_INSTANCE, _DIGEST_KEY} <= rows.keys():
        raise Unavailable("the database lost its settings: put back a backup")
    sealed = rows[_DIGEST_KEY]
    key = ring.open(Sealed(sealed.key_id or "", sealed.value), name=_DIGEST_KEY)
    return StoreSettings(instance=rows[_INSTANCE].value, digest_key=key)


async def reseal_settings(transaction: Transaction, ring: KeyRing) -> None:
    """Seal the digest key under the current key."""
    connection = transaction.connection
    row = (await connection.execute(select(SettingRow).where(col(SettingRow.name) == _DIGEST_KEY))).one()
    if row.key_id == ring.ids[0]:
        return
    sealed = ring.seal(ring.open(Sealed(row.key_id or "", row.value), name=_DIGEST_KEY), name=_DIGEST_KEY)
    statement = update(SettingRow).where(col(SettingRow.name) == _DIGEST_KEY)
    await connection.execute(statement.values(value=sealed.text, key_id=sealed.key_id))
