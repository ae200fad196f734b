"""Records in memory: the part of the port that the controller uses, for tests in virtual time.

It has no pages and no selectors, and checks no rule of a kind: the contract suite in tests/records
is for adapters.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar, cast

from crds.base import Key, Model, ObjectMeta, Resource
from crds.event import Event, ObjectReference
from crds.secret import Secret
from records.errors import AlreadyExists, Conflict, NotFound
from records.port import EVERYTHING, Change, Claim, Page, Selector, StoreSettings

R = TypeVar("R", bound=Resource)


class MemoryRecords:
    """The port over plain dictionaries; every method yields to the loop once, as a real one does."""

    def __init__(self, now: Callable[[], datetime], *, instance: str = "b0123456") -> None:
        self._now = now
        self._rows: dict[str, dict[Key, Resource]] = {}
        """By kind, so that a listing of one looks at no other."""
        self._feed: list[Change] = []
        self._changed = asyncio.Condition()
        self._settings = StoreSettings(instance=instance, digest_key=b"k" * 32)
        self._leases: dict[str, tuple[str, float]] = {}
        self._uids = 0
        self.all_claims: dict[str, Claim] = {}
        self.all_events: list[Event] = []
        self.writes: list[tuple[str, str]] = []
        """(what, key) of every write that changed something."""

    def all(self, kind: type[R]) -> tuple[R, ...]:
        """Every record of a kind, for those who look on."""
        return tuple(cast("R", row) for row in self._rows.get(kind.KIND, {}).values())

    def at(self, kind: type[R], key: Key) -> R:
        """One record, for those who look on; raises NotFound."""
        return self._row(kind, key)

    async def get(self, kind: type[R], key: Key) -> R:
        await asyncio.sleep(0)
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
        await asyncio.sleep(0)
        rows = [
            cast("R", row)
            for key, row in sorted(self._rows.get(kind.KIND, {}).items())
            if namespace is None or key.namespace == namespace
        ]
        return Page(tuple(rows), len(self._feed))

    async def watch(self, kinds: Sequence[type[Resource]], *, since: int) -> AsyncIterator[Change]:
        position, names = since, {kind.KIND for kind in kinds}
        while True:
            async with self._changed:
                while len(self._feed) <= position:
                    await self._changed.wait()
            while position < len(self._feed):
                change = self._feed[position]
                position += 1
                if change.resource.kind in names:
                    yield change

    async def create(self, resource: R) -> R:
        key = resource.key
        if key in self._rows.get(resource.KIND, {}):
            raise AlreadyExists(f"{resource.KIND} {key} exists")
        self._uids += 1
        meta = resource.metadata.model_copy(
            update={
                "uid": f"uid-{self._uids}",
                "generation": 1,
                "creation_timestamp": self._now(),
                "deletion_timestamp": None,
            }
        )
        fresh = _without_status(_sealed(resource)).model_copy(update={"metadata": meta})
        return await self._store("ADDED", fresh, "create")

    async def update(self, resource: R) -> R:
        old = self._row(type(resource), resource.key)
        given = resource.metadata
        if given.resource_version not in {"", old.metadata.resource_version}:
            raise Conflict(f"{resource.KIND} {resource.key} was changed by somebody else")
        meta = old.metadata.model_copy(
            update={
                "labels": given.labels,
                "annotations": given.annotations,
                "finalizers": given.finalizers,
            }
        )
        changes: dict[str, object] = {"metadata": meta}
        for part in ("spec", "type", "data"):
            if part in type(resource).model_fields:
                changes[part] = getattr(_sealed(resource), part)
        new = old.model_copy(update=changes)
        if new == old:
            return old
        if getattr(new, "spec", None) != getattr(old, "spec", None):
            meta = meta.model_copy(update={"generation": meta.generation + 1})
            new = new.model_copy(update={"metadata": meta})
        if meta.deletion_timestamp is not None and not meta.finalizers:
            return await self._remove(new)
        return await self._store("MODIFIED", new, "update")

    async def update_status(
        self, kind: type[R], key: Key, *, uid: str, status: Model, before: Model | None = None
    ) -> R:
        old = self._row(kind, key, uid)
        if before is not None and getattr(old, "status", None) != before:
            raise Conflict(f"the status of {kind.KIND} {key} was written by somebody else")
        if status == getattr(old, "status", None):
            await asyncio.sleep(0)
            return old
        return await self._store("MODIFIED", old, "status", status=status)

    async def delete(self, kind: type[R], key: Key, *, uid: str | None = None) -> R:
        old = self._row(kind, key, uid)
        if not old.metadata.finalizers:
            return await self._remove(old)
        if old.metadata.deletion_timestamp is not None:
            return old
        meta = old.metadata.model_copy(
            update={"deletion_timestamp": self._now(), "generation": old.metadata.generation + 1}
        )
        return await self._store("MODIFIED", old.model_copy(update={"metadata": meta}), "delete")

    async def add_finalizer(self, kind: type[R], key: Key, *, uid: str, finalizer: str) -> R:
        old = self._row(kind, key, uid)
        if finalizer in old.metadata.finalizers:
            return old
        if old.metadata.deletion_timestamp is not None:
            raise Conflict(f"{kind.KIND} {key} is being deleted")
        meta = old.metadata.model_copy(update={"finalizers": (*old.metadata.finalizers, finalizer)})
        return await self._store("MODIFIED", old.model_copy(update={"metadata": meta}), "finalizer")

    async def remove_finalizer(self, kind: type[R], key: Key, *, uid: str, finalizer: str) -> None:
        try:
            old = self._row(kind, key, uid)
        except (NotFound, Conflict):
            return
        left = tuple(name for name in old.metadata.finalizers if name != finalizer)
        if left == old.metadata.finalizers:
            return
        new = old.model_copy(update={"metadata": old.metadata.model_copy(update={"finalizers": left})})
        if not left and old.metadata.deletion_timestamp is not None:
            await self._remove(new)
        else:
            await self._store("MODIFIED", new, "finalizer")

    async def record_event(self, event: Event) -> None:
        await asyncio.sleep(0)
        self.all_events.append(event)

    async def list_events(
        self, *, namespace: str | None = None, about: ObjectReference | None = None, limit: int = 500
    ) -> tuple[Event, ...]:
        return tuple(
            event
            for event in self.all_events
            if namespace in {None, event.metadata.namespace}
            and (about is None or event.involved_object.name == about.name)
        )[-limit:]

    async def claim(self, claim: Claim) -> None:
        await asyncio.sleep(0)
        self.all_claims.setdefault(claim.session_id, claim)

    async def retain(self, session_id: str) -> None:
        await asyncio.sleep(0)
        if session_id in self.all_claims:
            self.all_claims[session_id] = replace(self.all_claims[session_id], retained=True)

    async def claims(self) -> Mapping[str, Claim]:
        await asyncio.sleep(0)
        return dict(self.all_claims)

    async def settings(self) -> StoreSettings:
        return self._settings

    async def acquire_lease(self, name: str, *, holder: str, seconds: float) -> bool:
        await asyncio.sleep(0)
        now = self._now().timestamp()
        owner, until = self._leases.get(name, (holder, 0.0))
        if owner != holder and until > now:
            return False
        self._leases[name] = (holder, now + seconds)
        return True

    async def release_lease(self, name: str, *, holder: str) -> None:
        if self._leases.get(name, ("", 0.0))[0] == holder:
            del self._leases[name]

    async def aclose(self) -> None:
        await asyncio.sleep(0)

    def _row(self, kind: type[R], key: Key, uid: str | None = None) -> R:
        row = self._rows.get(kind.KIND, {}).get(key)
        if row is None:
            raise NotFound(f"there is no {kind.KIND} {key}")
        if uid is not None and row.metadata.uid != uid:
            raise Conflict(f"{kind.KIND} {key} is another one by now")
        return cast("R", row)

    async def _store(self, change: str, resource: R, what: str, **changes: object) -> R:
        stored = await self._append(change, resource, what, **changes)
        self._rows.setdefault(resource.KIND, {})[resource.key] = stored
        return stored

    async def _remove(self, resource: R) -> R:
        del self._rows[resource.KIND][resource.key]
        return await self._append("DELETED", resource, "remove")

    async def _append(self, change: str, resource: R, what: str, **changes: object) -> R:
        revision = len(self._feed) + 1
        meta: ObjectMeta = resource.metadata.model_copy(update={"resource_version": str(revision)})
        stored = resource.model_copy(update={"metadata": meta, **changes})
        self._feed.append(Change(change, revision, stored))  # type: ignore[arg-type]
        self.writes.append((what, f"{resource.KIND} {resource.key}"))
        if what != "remove":
            self._rows.setdefault(resource.KIND, {})[resource.key] = stored
        async with self._changed:
            self._changed.notify_all()
        return stored


def _sealed(resource: R) -> R:
    if not isinstance(resource, Secret):
        return resource
    texts = {key: base64.b64encode(text.encode()).decode() for key, text in resource.string_data.items()}
    return cast("R", resource.model_copy(update={"data": {**resource.data, **texts}, "string_data": {}}))


def _without_status(resource: R) -> R:
    field = type(resource).model_fields.get("status")
    return (
        resource.model_copy(update={"status": field.get_default(call_default_factory=True)})
        if field
        else resource
    )
