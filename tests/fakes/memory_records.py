"""Records in memory, for tests in virtual time.

An adapter like the others: it is held to the contract suite in ``tests/records``. It keeps typed
records and not documents, so that a write costs microseconds; of the store's own code it uses what
says whether a record can be stored at all. Unlike a database it forgets no event, since the laws
look at all that was told, and it does not seal secrets.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar, cast

from crds.base import Key, Model, ObjectMeta, Resource
from crds.event import Event, ObjectReference
from crds.secret import Secret
from records.errors import AlreadyExists, Conflict, Expired, Invalid, NotFound, Unavailable
from records.port import EVERYTHING, Change, Claim, Page, Selector, StoreSettings
from records.sql.codec import check_scope, document_of
from records.sql.document import Document
from tests.fakes.memory_listing import page_of

R = TypeVar("R", bound=Resource)

_SAME_EVENT = timedelta(minutes=10)
_REMOVED = "remove"


@dataclass
class _Shared:
    """What all adapters on one place see, beside the records themselves."""

    moved: asyncio.Event = field(default_factory=asyncio.Event)
    """Set, and replaced by a new one, at every change."""
    compacted: int = 0
    numbers: Iterable[int] = field(default_factory=lambda: itertools.count(1))
    open: set[int] = field(default_factory=set)


class MemoryRecords:
    """The port over plain dictionaries; every method lets others run first, as a real one does."""

    def __init__(self, now: Callable[[], datetime], *, instance: str = "b0123456") -> None:
        self._now = now
        self._rows: dict[str, dict[Key, Resource]] = {}
        """By kind, so that a listing of one looks at no other."""
        self._feed: list[Change] = []
        """The change of revision N is at N - 1."""
        self._events: dict[tuple[str, ...], Event] = {}
        """By what makes two of them equal, in the order of their revisions."""
        self._shared = _Shared()
        self._closed = False
        self._settings = StoreSettings(instance=instance, digest_key=b"k" * 32)
        self._leases: dict[str, tuple[str, float]] = {}
        self.all_claims: dict[str, Claim] = {}
        self.all_events: list[Event] = []
        """Every event as it was given, counted or not, for those who look on."""
        self.writes: list[tuple[str, str]] = []
        """(what, key) of every write of a record that changed something."""

    def another(self) -> MemoryRecords:
        """A second adapter on the same place, as another program would open it."""
        beside = copy.copy(self)
        beside._closed = False
        return beside

    def compact(self) -> None:
        """Forget the changes so far: a watch that has not read them expires."""
        self._shared.compacted = len(self._feed)
        self._wake()

    def all(self, kind: type[R]) -> tuple[R, ...]:
        """Every record of a kind, for those who look on."""
        return tuple(cast("R", row) for row in self._rows.get(kind.KIND, {}).values())

    def at(self, kind: type[R], key: Key) -> R:
        """One record, for those who look on; raises NotFound."""
        return self._row(kind, key)

    def on_change(self, what: str, old: Resource | None, new: Resource) -> None:
        """Called at the moment of every write of a record: for those who hold it to the laws."""

    # -- readings -------------------------------------------------------------------------

    async def get(self, kind: type[R], key: Key) -> R:
        await self._turn()
        if issubclass(kind, Event):
            found = next((event for event in self._events.values() if event.key == key), None)
            if found is None:
                raise NotFound(f"there is no Event {key}")
            return found
        return self._row(kind, key)

    async def list(
        self,
        kind: type[R],
        *,
        namespace: str | None = None,
        selector: Selector = EVERYTHING,
        limit: int | None = None,
        after: str | None = None,
    ) -> Page[R]:
        await self._turn()
        if issubclass(kind, Event):
            raise Invalid("events are listed by list_events")
        page = page_of(
            cast("Mapping[Key, R]", self._rows.get(kind.KIND, {})),
            self._feed,
            kind,
            compacted=self._shared.compacted,
            namespace=namespace,
            selector=selector,
            limit=limit,
            after=after,
        )
        if after is None or not issubclass(kind, Secret):
            return page
        return replace(page, items=tuple(self._as_shown(row) for row in page.items))

    async def watch(self, kinds: Sequence[type[Resource]], *, since: int) -> AsyncGenerator[Change]:
        await self._turn()
        if since > len(self._feed):
            raise Expired(f"this store is at {len(self._feed)} and knows of no {since}: list again")
        position, names = since, {kind.KIND for kind in kinds}
        while True:
            while len(self._feed) <= position and not self._closed:
                await self._shared.moved.wait()
            if self._closed:
                raise Unavailable("the store was closed")
            if position < self._shared.compacted:
                raise Expired(f"changes after {position} are no longer kept: list again")
            change = self._feed[position]
            position += 1
            if change.resource.KIND in names:
                yield replace(change, resource=self._as_shown(change.resource))

    def _as_shown(self, resource: R) -> R:
        """A Secret's data is the newest, and gone with it: the feed keeps none."""
        if not isinstance(resource, Secret):
            return resource
        row = self._rows.get(resource.KIND, {}).get(resource.key)
        same = isinstance(row, Secret) and row.metadata.uid == resource.metadata.uid
        return resource.model_copy(update={"data": row.data if same and isinstance(row, Secret) else {}})

    # -- writes ---------------------------------------------------------------------------

    async def create(self, resource: R) -> R:
        await self._turn()
        if resource.metadata.resource_version:
            message = "must be left out of a record that is new"
            raise Invalid(f"metadata.resourceVersion: {message}", (("metadata.resourceVersion", message),))
        wanted, key = _checked(resource), resource.key
        there = self._rows.get(resource.KIND, {}).get(key)
        if there is not None:
            going = " and is being deleted" if there.metadata.deletion_timestamp else ""
            raise AlreadyExists(f"{resource.KIND} {key} exists already{going}")
        meta = resource.metadata.model_copy(
            update={
                "uid": self._uid(),
                "generation": 1,
                "finalizers": wanted.finalizers,
                "creation_timestamp": self._now(),
                "deletion_timestamp": None,
            }
        )
        return self._store("ADDED", "create", None, _declared(resource, wanted, meta, status=None))

    async def update(self, resource: R) -> R:
        await self._turn()
        wanted, old = _checked(resource), self._row(type(resource), resource.key, resource.metadata.uid)
        version = resource.metadata.resource_version
        if version not in {"", old.metadata.resource_version}:
            raise Conflict(f"{resource.KIND} {resource.key} has changed: read it again")
        going = old.metadata.deletion_timestamp is not None
        if going and set(wanted.finalizers) - set(old.metadata.finalizers):
            message = "a record that is being deleted takes no new finalizer"
            raise Invalid(f"metadata.finalizers: {message}", (("metadata.finalizers", message),))
        stored = document_of(old)
        same = (stored.body, stored.values) == (wanted.body, wanted.values)
        if not same and stored.kind == Secret.KIND and stored.body.get("immutable"):
            message = "is immutable: delete the Secret and create another"
            raise Invalid(f"Secret {resource.key} {message}", (("immutable", message),))
        meta = old.metadata.model_copy(
            update={
                "labels": resource.metadata.labels,
                "annotations": resource.metadata.annotations,
                "finalizers": wanted.finalizers,
                "generation": old.metadata.generation + (not same),
            }
        )
        if meta == old.metadata:
            return old
        return self._put(
            "update", old, _declared(resource, wanted, meta, status=getattr(old, "status", None))
        )

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
        await self._turn()
        declared = kind.model_fields.get("status")
        if declared is None or not isinstance(status, cast("type[Model]", declared.annotation)):
            raise Invalid(f"{kind.KIND} has no status of type {type(status).__name__}")
        old = self._row(kind, key)
        if before is not None and getattr(old, "status", None) != before:
            raise Conflict(f"the status of {kind.KIND} {key} was written by somebody else: read it again")
        self._row(kind, key, uid)
        if generation is not None and old.metadata.generation != generation:
            raise Conflict(f"{kind.KIND} {key} is no longer at generation {generation}: read it again")
        if status == getattr(old, "status", None):
            return old
        return self._put("status", old, old.model_copy(update={"status": status}))

    async def delete(self, kind: type[R], key: Key, *, uid: str | None = None) -> R:
        await self._turn()
        old = self._row(kind, key, uid or "")
        if not old.metadata.finalizers:
            return self._remove(old)
        if old.metadata.deletion_timestamp is not None:
            return old
        changes = {"deletion_timestamp": self._now(), "generation": old.metadata.generation + 1}
        return self._put("delete", old, _with_meta(old, **changes))

    async def undelete(self, kind: type[R], key: Key, *, uid: str, before: Model | None = None) -> R:
        await self._turn()
        old = self._row(kind, key, uid)
        if old.metadata.deletion_timestamp is None:
            return old
        if before is not None and getattr(old, "status", None) != before:
            raise Conflict(f"the status of {kind.KIND} {key} was written by somebody else: read it again")
        changes = {"deletion_timestamp": None, "generation": old.metadata.generation + 1}
        return self._put("undelete", old, _with_meta(old, **changes))

    async def add_finalizer(self, kind: type[R], key: Key, *, uid: str, finalizer: str) -> R:
        await self._turn()
        old = self._row(kind, key, uid)
        if old.metadata.deletion_timestamp is not None:
            # Even where it is there: who asks is about to create something (law S8).
            raise Conflict(f"{kind.KIND} {key} is being deleted and takes no new finalizer")
        if finalizer in old.metadata.finalizers:
            return old
        return self._put("finalizer", old, _with_meta(old, finalizers=(*old.metadata.finalizers, finalizer)))

    async def remove_finalizer(self, kind: type[R], key: Key, *, uid: str, finalizer: str) -> None:
        await self._turn()
        try:
            old = self._row(kind, key, uid)
        except (NotFound, Conflict):
            return
        left = tuple(name for name in old.metadata.finalizers if name != finalizer)
        if left != old.metadata.finalizers:
            self._put("finalizer", old, _with_meta(old, finalizers=left))

    # -- events, claims, leases -----------------------------------------------------------

    async def record_event(self, event: Event) -> None:
        await self._turn()
        self.all_events.append(event)
        about = event.involved_object
        same = (about.kind, about.namespace, about.name, about.uid, event.reason, event.message, event.type)
        earlier = self._events.get(same)
        last = _in_utc(event.last_timestamp)
        if earlier is not None and earlier.last_timestamp >= last - _SAME_EVENT:
            last = max(last, earlier.last_timestamp)
            counted = {"count": earlier.count + event.count, "last_timestamp": last}
            change, kept = "MODIFIED", earlier.model_copy(update=counted)
        else:
            uid = self._uid()
            meta = ObjectMeta(
                name=f"{about.name}.{uid}",
                namespace=event.metadata.namespace or about.namespace,
                uid=uid,
                generation=1,
                creation_timestamp=self._now(),
            )
            change, kept = "ADDED", event.model_copy(update={"metadata": meta, "last_timestamp": last})
            if earlier is not None:
                self._events[*same, earlier.metadata.uid] = self._events.pop(same)
        self._events.pop(same, None)
        self._events[same] = self._append(cast("_Kind", change), kept)

    async def list_events(
        self, *, namespace: str | None = None, about: ObjectReference | None = None, limit: int = 500
    ) -> tuple[Event, ...]:
        await self._turn()
        found = [
            event
            for event in self._events.values()
            if namespace in {None, event.metadata.namespace}
            and (about is None or _is_about(event.involved_object, about))
        ]
        return tuple(found[-limit:])

    async def claim(self, claim: Claim) -> None:
        await self._turn()
        self.all_claims.setdefault(claim.session_id, claim)

    async def retain(self, session_id: str) -> None:
        await self._turn()
        if session_id in self.all_claims:
            self.all_claims[session_id] = replace(self.all_claims[session_id], retained=True)

    async def claims(self) -> Mapping[str, Claim]:
        await self._turn()
        return dict(self.all_claims)

    async def settings(self) -> StoreSettings:
        return self._settings

    async def acquire_lease(self, name: str, *, holder: str, seconds: float) -> bool:
        await self._turn()
        now = self._now().timestamp()
        owner, until = self._leases.get(name, (holder, 0.0))
        if owner != holder and until > now:
            return False
        self._leases[name] = (holder, now + seconds)
        return True

    async def release_lease(self, name: str, *, holder: str) -> None:
        await self._turn()
        if self._leases.get(name, ("", 0.0))[0] == holder:
            del self._leases[name]

    async def aclose(self) -> None:
        """End every watch of this adapter."""
        self._closed = True
        self._wake()

    # -- the place ------------------------------------------------------------------------

    async def _turn(self) -> None:
        await asyncio.sleep(0)
        if self._closed:
            raise Unavailable("the store was closed")

    def _uid(self) -> str:
        return f"uid-{next(iter(self._shared.numbers))}"

    def _row(self, kind: type[R], key: Key, uid: str = "") -> R:
        row = self._rows.get(kind.KIND, {}).get(key)
        if row is None:
            raise NotFound(f"there is no {kind.KIND} {key}")
        if uid and row.metadata.uid != uid:
            raise Conflict(f"{kind.KIND} {key} is another record of that name: read it again")
        return cast("R", row)

    def _put(self, what: str, old: R, new: R) -> R:
        """Write what differs: a record, or the end of one."""
        if new.metadata.deletion_timestamp is not None and not new.metadata.finalizers:
            return self._remove(old)
        return self._store("MODIFIED", what, old, new)

    def _store(self, change: _Kind, what: str, old: R | None, new: R) -> R:
        self.on_change(what, old, new)
        stored = self._append(change, new)
        self._rows.setdefault(new.KIND, {})[new.key] = stored
        self.writes.append((what, f"{new.KIND} {new.key}"))
        return stored

    def _remove(self, old: R) -> R:
        self.on_change(_REMOVED, old, old)
        del self._rows[old.KIND][old.key]
        self.writes.append((_REMOVED, f"{old.KIND} {old.key}"))
        return self._as_shown(self._append("DELETED", old))

    def _append(self, change: _Kind, resource: R) -> R:
        """Give it the next revision, and tell the watches."""
        revision = len(self._feed) + 1
        stored = _with_meta(resource, resource_version=str(revision))
        self._feed.append(Change(change, revision, stored))
        self._wake()
        return stored

    def _wake(self) -> None:
        self._shared.moved.set()
        self._shared.moved = asyncio.Event()


_Kind = Literal["ADDED", "MODIFIED", "DELETED"]


def _checked(resource: Resource) -> Document:
    """A record as a database would have it; raises Invalid where it could not be stored."""
    if isinstance(resource, Event):
        raise Invalid("events are recorded, not written: record_event")
    check_scope(type(resource), resource.key)
    return document_of(resource)


def _declared(resource: R, wanted: Document, meta: ObjectMeta, *, status: Model | None) -> R:
    """What a person declares, under the store's own metadata and status."""
    changes: dict[str, object] = {"metadata": meta}
    declared = type(resource).model_fields.get("status")
    if declared is not None:
        changes["status"] = status or declared.get_default(call_default_factory=True)
    if isinstance(resource, Secret):
        changes |= {"data": wanted.values, "string_data": {}}
    return resource.model_copy(update=changes)


def _with_meta(resource: R, **changes: object) -> R:
    return resource.model_copy(update={"metadata": resource.metadata.model_copy(update=changes)})


def _is_about(one: ObjectReference, other: ObjectReference) -> bool:
    named = (one.kind, one.namespace, one.name) == (other.kind, other.namespace, other.name)
    return named and (not other.uid or one.uid == other.uid)


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
