"""The port: where records live. One contract suite runs on every adapter (DESIGN 4).

Laws: one increasing revision; commit order is revision order; a watch delivers every change after
its start exactly once, or raises Expired. ``generation`` moves on a change of spec, on
deletion and when a deletion is undone. Status and spec writes do not touch each other. A stale
write is a Conflict. A write that changes nothing changes nothing: no revision, no event.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Literal, Protocol, TypeVar

from crds.base import Key, Model, Resource
from crds.event import Event, ObjectReference

R = TypeVar("R", bound=Resource)


@dataclass(frozen=True, slots=True)
class Selector:
    """Label requirements, all of which must hold: ``a=b``, ``a!=b``, ``a in (b,c)``, ``a``, ``!a``."""

    requirements: tuple[
        tuple[str, Literal["In", "NotIn", "Exists", "DoesNotExist"], tuple[str, ...]], ...
    ] = ()


EVERYTHING = Selector()


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """One page of a list, with the revision it shows."""

    items: tuple[R, ...]
    revision: int
    next: str | None = None
    remaining: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One committed change. For DELETED, ``resource`` is the last state with the new revision."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    revision: int
    resource: Resource


@dataclass(frozen=True, slots=True)
class Claim:
    """That an application may exist under a session id.

    Written before the first create and kept after the session is gone, so that a late one is
    still known to be ours (law S1).
    """

    session_id: str
    key: Key
    uid: str
    target: str
    at: datetime
    retained: bool = False
    """Whether its volumes are kept on purpose after it is gone."""


class Records(Protocol):
    """Where records live. Every method raises :class:`records.errors.RecordsError`."""

    async def get(self, kind: type[R], key: Key) -> R:
        """One record."""
        ...

    async def list(
        self,
        kind: type[R],
        *,
        namespace: str | None = None,
        selector: Selector = EVERYTHING,
        limit: int | None = None,
        after: str | None = None,
    ) -> Page[R]:
        """Records by namespace and name; all pages of one listing show one revision."""
        ...

    def watch(self, kinds: Sequence[type[Resource]], *, since: int) -> AsyncIterator[Change]:
        """Every change after ``since``, in order, for ever."""
        ...

    async def create(self, resource: R) -> R:
        """A new record: uid, generation 1, timestamps and revision are set here; status is not."""
        ...

    async def update(self, resource: R) -> R:
        """Replace labels, annotations, finalizers and spec (a Secret's type and data).

        ``metadata.resource_version`` must be the stored one, or empty to write regardless.
        Removing the last finalizer of a record being deleted deletes it.
        """
        ...

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
        """Replace the status of the record with this uid, regardless of its resourceVersion.

        ``before`` is the status that the writer started from, and ``generation`` the generation:
        Conflict when there is another by now.
        """
        ...

    async def delete(self, kind: type[R], key: Key, *, uid: str | None = None) -> R:
        """Delete, or mark for deletion while finalizers remain; again: no change."""
        ...

    async def undelete(self, kind: type[R], key: Key, *, uid: str, before: Model | None = None) -> R:
        """Take back a deletion that waits for finalizers; a record that is not being deleted: no change.

        ``before`` is the status that the writer started from: Conflict when there is another by now,
        so that whoever removes what the record stands for, and says so in its status first, is not
        undone behind its back.
        """
        ...

    async def add_finalizer(self, kind: type[R], key: Key, *, uid: str, finalizer: str) -> R:
        """Add a finalizer; Conflict when the record is being deleted or is another one."""
        ...

    async def remove_finalizer(self, kind: type[R], key: Key, *, uid: str, finalizer: str) -> None:
        """Remove a finalizer; a record that is gone is success."""
        ...

    async def record_event(self, event: Event) -> None:
        """Keep an event; an equal recent one is counted instead; the oldest go past the cap."""
        ...

    async def list_events(
        self, *, namespace: str | None = None, about: ObjectReference | None = None, limit: int = 500
    ) -> tuple[Event, ...]:
        """Events, the oldest first."""
        ...

    async def claim(self, claim: Claim) -> None:
        """Remember a session id; again: no change."""
        ...

    async def retain(self, session_id: str) -> None:
        """Remember that a claimed session's volumes outlive it on purpose; again: no change."""
        ...

    async def claims(self) -> Mapping[str, Claim]:
        """Every remembered session id."""
        ...

    async def settings(self) -> StoreSettings:
        """What was drawn at the first start."""
        ...

    async def acquire_lease(self, name: str, *, holder: str, seconds: float) -> bool:
        """Take or renew a lease; False while another holds it."""
        ...

    async def release_lease(self, name: str, *, holder: str) -> None:
        """Give a lease back; no change if it is another's."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Drawn once per store, at its first start."""

    instance: str
    """Name of this Berth in markers: a letter and seven of ``[a-z0-9]``, so that two Berths on
    one Dokploy never take each other's applications for their own."""
    digest_key: bytes = field(repr=False)
    """Key of the digests that appear in status, so that no secret can be guessed from one."""
