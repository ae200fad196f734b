"""The adapter: the port over one SQL database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar
from uuid import uuid4

from crds.base import Key, Model, Resource
from crds.event import Event, ObjectReference
from crds.secret import Secret
from records.errors import AlreadyExists, Invalid
from records.port import EVERYTHING, Change, Claim, Page, Selector, StoreSettings
from records.sql import ledger, rules
from records.sql.codec import check_writable, decode_or_log, document_of, found, resource_of, status_of
from records.sql.database import Database
from records.sql.document import Document
from records.sql.feed import Feed
from records.sql.journal import EventCap, Journal
from records.sql.listing import Listing
from records.sql.patient import patient
from records.sql.transaction import Retention, Transaction, find
from records.sql.vault import Vault
from records.sql.wakeups import Wakeups
from records.sql.whole import whole

R = TypeVar("R", bound=Resource)

Clock = Callable[[], datetime]

_RESEAL_BATCH = 200


class SqlRecords:
    """Records in SQLite or Postgres; made by :func:`records.sql.open_records`.

    Secrets are read with their data, and deleted without: what is going is not shown again.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        wakeups: Wakeups,
        *,
        clock: Clock,
        retention: Retention,
        event_cap: EventCap,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._retention = retention
        self._journal = Journal(event_cap)
        self._feed = Feed(database, vault, wakeups)
        self._silences = ledger.Silences()

    @property
    def patience(self) -> float:
        """Seconds for which a transaction is tried again while the database is locked."""
        return self._database.patience

    @whole
    @patient
    async def get(self, kind: type[R], key: Key) -> R:
        """One record; raise NotFound, or Invalid for one that no longer fits its type."""
        async with self._database.reading() as connection:
            if issubclass(kind, Event):
                return resource_of(kind, found(await self._journal.find(connection, key), kind.KIND, key))
            document = found(await find(connection, kind.KIND, key), kind.KIND, key)
            if kind is Secret:
                document = document.with_values(await self._vault.read(connection, document.uid))
        return resource_of(kind, document)

    @whole
    @patient
    async def list(
        self,
        kind: type[R],
        *,
        namespace: str | None = None,
        selector: Selector = EVERYTHING,
        limit: int | None = None,
        after: str | None = None,
    ) -> Page[R]:
        """Records by namespace and name. One that no longer fits its type is logged and left out.

        All pages show the revision of the first; of a Secret, the data is the newest. A page
        whose revision the feed no longer holds raises Expired. Events: :meth:`list_events`.
        """
        if issubclass(kind, Event):
            raise Invalid("events are listed by list_events")
        listing = Listing(kind, namespace, selector, limit, after)
        async with self._database.reading() as connection:
            return await listing.read(connection, self._vault)

    def watch(self, kinds: Sequence[type[Resource]], *, since: int) -> AsyncGenerator[Change]:
        """Every change of these kinds after ``since``, in order, for ever.

        Raises:
            Expired: the feed no longer reaches back to ``since``, or never got there.
        """
        return self._feed.watch(kinds, since=since)

    @whole
    @patient
    async def create(self, resource: R) -> R:
        """A new record; its status is not taken."""
        check_writable(type(resource), resource.key)
        if resource.metadata.resource_version:
            message = "must be left out of a record that is new"
            raise Invalid(f"metadata.resourceVersion: {message}", (("metadata.resourceVersion", message),))
        wanted = document_of(resource)
        async with self._transaction() as transaction:
            stored = await transaction.load(wanted.kind, wanted.key)
            if stored is not None:
                state = " and is being deleted" if stored.deleted_at else ""
                raise AlreadyExists(f"{wanted.kind} {wanted.key} exists already{state}")
            added = await transaction.add(rules.created(wanted, uid=str(uuid4()), now=transaction.now))
            if added.values:
                await self._vault.write(transaction.connection, added.uid, added.values)
            return resource_of(type(resource), added)

    @whole
    @patient
    async def update(self, resource: R) -> R:
        """Replace what is declared; a status is not touched."""
        kind = type(resource)
        check_writable(kind, resource.key)
        wanted = document_of(resource)
        async with self._transaction() as transaction:
            stored = await self._load(transaction, kind, wanted.key)
            written = rules.replaced(stored, wanted, version=resource.metadata.resource_version)
            return resource_of(kind, await self._write(transaction, stored, written))

    @whole
    @patient
    async def update_status(
        self,
        kind: type[R],
        key: Key,
        *,
        uid: str,
        status: Model,
        before: Model | None = None,
        generation: int | None = None,
    ) -> R:
        """Replace the status of the record with this uid, if it still is ``before``."""
        dumped = status_of(kind, status)
        async with self._transaction() as transaction:
            stored = await self._load(transaction, kind, key)
            if before is not None:
                # As a reader has it: an older version may have written the same in other words.
                rules.check_status(stored, resource_of(kind, stored), before)
            if generation is not None:
                rules.check_generation(stored, generation)
            written = rules.with_status(stored, dumped, uid=uid)
            return resource_of(kind, await self._write(transaction, stored, written))

    @whole
    @patient
    async def delete(self, kind: type[R], key: Key, *, uid: str | None = None) -> R:
        """Delete, or mark for deletion while finalizers remain; a Secret comes back without data."""
        check_writable(kind, key)
        async with self._transaction() as transaction:
            # Without a Secret's values: one that cannot be opened must still be deletable.
            stored = found(await transaction.load(kind.KIND, key), kind.KIND, key)
            rules.check_uid(stored, uid or "")
            written = rules.marked_for_deletion(stored, now=transaction.now)
            if rules.is_over(written):
                return resource_of(kind, await self._remove(transaction, stored))
            return resource_of(kind, await self._write(transaction, stored, written))

    @whole
    @patient
    async def undelete(self, kind: type[R], key: Key, *, uid: str, before: Model | None = None) -> R:
        """Take back a deletion, if the status still is ``before``."""
        async with self._transaction() as transaction:
            stored = await self._load(transaction, kind, key)
            if before is not None and stored.deleted_at is not None:
                rules.check_status(stored, resource_of(kind, stored), before)
            return resource_of(kind, await self._write(transaction, stored, rules.undeleted(stored, uid=uid)))

    @whole
    @patient
    async def add_finalizer(self, kind: type[R], key: Key, *, uid: str, finalizer: str) -> R:
        """Add a finalizer; Conflict when the record is being deleted or is another one."""
        async with self._transaction() as transaction:
            stored = await self._load(transaction, kind, key)
            written = rules.with_finalizer(stored, finalizer, uid=uid)
            return resource_of(kind, await self._write(transaction, stored, written))

    @whole
    @patient
    async def remove_finalizer(self, kind: type[R], key: Key, *, uid: str, finalizer: str) -> None:
        """Remove a finalizer; a record that is gone, or another by now, is success."""
        async with self._transaction() as transaction:
            stored = await transaction.load(kind.KIND, key)
            if stored is not None and stored.uid == uid:
                await self._write(transaction, stored, rules.without_finalizer(stored, finalizer))

    @whole
    @patient
    async def record_event(self, event: Event) -> None:
        """Keep an event under a name of its own, or count an equal recent one."""
        async with self._transaction() as transaction:
            await self._journal.record(transaction, event)

    @whole
    @patient
    async def list_events(
        self, *, namespace: str | None = None, about: ObjectReference | None = None, limit: int = 500
    ) -> tuple[Event, ...]:
        """The newest ``limit`` events, the oldest of them first."""
        async with self._database.reading() as connection:
            found = await self._journal.listing(connection, namespace=namespace, about=about, limit=limit)
        events = (decode_or_log(Event, document.snapshot()) for document in found)
        return tuple(event for event in events if event is not None)

    @whole
    @patient
    async def claim(self, claim: Claim) -> None:
        """Remember a session id; what was remembered first stays."""
        async with self._transaction() as transaction:
            await ledger.put_claim(transaction, claim)

    @whole
    @patient
    async def retain(self, session_id: str) -> None:
        """Remember that a claimed session's volumes outlive it on purpose; again: no change."""
        async with self._transaction() as transaction:
            await ledger.mark_retained(transaction, session_id)

    @whole
    @patient
    async def claims(self) -> Mapping[str, Claim]:
        """Every remembered session id."""
        async with self._database.reading() as connection:
            return await ledger.all_claims(connection)

    @whole
    @patient
    async def settings(self) -> StoreSettings:
        """What was drawn at the first start."""
        async with self._database.reading() as connection:
            return await ledger.read_settings(connection, self._vault.ring)

    @whole
    @patient
    async def acquire_lease(self, name: str, *, holder: str, seconds: float) -> bool:
        """Take or renew a lease; False while another holds it."""
        async with self._transaction() as transaction:
            return await ledger.take_lease(
                transaction,
                name,
                holder=holder,
                seconds=seconds,
                silences=self._silences,
                at=asyncio.get_running_loop().time(),
            )

    @whole
    @patient
    async def release_lease(self, name: str, *, holder: str) -> None:
        """Give a lease back; no change if it is another's."""
        async with self._transaction() as transaction:
            await ledger.drop_lease(transaction, name, holder=holder)

    @whole
    async def reseal(self) -> int:
        """Seal under the current key what is sealed under others; how many values there were.

        In small transactions, so that other writers get their turn; no revision moves.
        """
        count = 0
        while True:
            async with self._transaction() as transaction:
                await ledger.reseal_settings(transaction, self._vault.ring)
                done = await self._vault.reseal(transaction.connection, limit=_RESEAL_BATCH)
            count += done
            if done < _RESEAL_BATCH:
                return count

    @whole
    @patient
    async def keys_in_use(self) -> frozenset[str]:
        """The ids of the keys under which something is sealed."""
        async with self._database.reading() as connection:
            return frozenset(await self._vault.keys_in_use(connection))

    @whole
    @patient
    async def compact(self) -> None:
        """Shorten the feed now to what is kept."""
        async with self._transaction() as transaction:
            await transaction.compact()

    @whole
    async def aclose(self) -> None:
        """End every watch and close all connections."""
        await self._feed.aclose()
        await self._database.aclose()

    @whole
    @patient
    async def draw_settings(self) -> None:
        """Draw, at the first start, what then stays for good."""
        async with self._transaction() as transaction:
            await ledger.draw_settings(transaction, self._vault.ring)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Transaction]:
        async with self._database.writing() as connection:
            transaction = Transaction(connection, now=self._clock(), retention=self._retention)
            await transaction.begin()
            yield transaction
            await transaction.finish()
        if transaction.has_changed:
            self._feed.wake()

    async def _load(self, transaction: Transaction, kind: type[Resource], key: Key) -> Document:
        """A record with, for a Secret, the values that can be opened; raise NotFound."""
        document = found(await transaction.load(kind.KIND, key), kind.KIND, key)
        if kind is Secret:
            values = await self._vault.read_many(transaction.connection, [document.uid])
            document = document.with_values(values[document.uid])
        return document

    async def _write(self, transaction: Transaction, stored: Document, written: Document) -> Document:
        """Write what differs: nothing, a record, or the end of one."""
        if written == stored:
            return stored
        if rules.is_over(written):
            return await self._remove(transaction, stored)
        put = await transaction.put(written)
        if put.values is not None and put.values != stored.values:
            await self._vault.write(transaction.connection, put.uid, put.values)
        return put

    async def _remove(self, transaction: Transaction, stored: Document) -> Document:
        if stored.kind == Secret.KIND:
            await self._vault.forget(transaction.connection, stored.uid)
        return (await transaction.remove(stored)).with_values(None)
