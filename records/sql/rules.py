"""What a write makes of a record. Pure: the laws of the port, without a database.

Each function returns the document as it shall be; one that is equal to the stored one means that
nothing changes. Sources: kube/FACTS 2.6 (generation, conflicts) and 2.7 (finalizers, deletion).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from crds.base import Model, Resource
from records.errors import Conflict, Invalid
from records.sql.document import Document


def created(wanted: Document, *, uid: str, now: datetime) -> Document:
    """A new record."""
    return replace(wanted, uid=uid, generation=1, created_at=now, deleted_at=None, status=None)


def replaced(stored: Document, wanted: Document, *, version: str) -> Document:
    """All that is declared, replaced; generation moves with the content alone."""
    check_uid(stored, wanted.uid)
    check_version(stored, version)
    if stored.deleted_at is not None and set(wanted.finalizers) - set(stored.finalizers):
        message = "a record that is being deleted takes no new finalizer"
        raise Invalid(f"metadata.finalizers: {message}", (("metadata.finalizers", message),))
    same = stored.body == wanted.body and stored.values == wanted.values
    if not same:
        _check_mutable(stored, wanted)
    return replace(
        stored,
        labels=wanted.labels,
        annotations=wanted.annotations,
        finalizers=wanted.finalizers,
        body=wanted.body,
        values=wanted.values,
        generation=stored.generation if same else stored.generation + 1,
    )


def with_status(stored: Document, status: dict[str, Any], *, uid: str) -> Document:
    """Another status, and nothing else."""
    check_uid(stored, uid)
    return replace(stored, status=status)


def marked_for_deletion(stored: Document, *, now: datetime) -> Document:
    """Deletion that waits for finalizers; generation moves, so that a status can show it was seen."""
    if stored.deleted_at is not None:
        return stored
    return replace(stored, deleted_at=now, generation=stored.generation + 1)


def undeleted(stored: Document, *, uid: str) -> Document:
    """A deletion taken back; generation moves, so that nobody goes on by what it was before."""
    check_uid(stored, uid)
    if stored.deleted_at is None:
        return stored
    return replace(stored, deleted_at=None, generation=stored.generation + 1)


def with_finalizer(stored: Document, finalizer: str, *, uid: str) -> Document:
    """One finalizer more.

    A deletion is a Conflict even where the finalizer is there already: who asks for one is about
    to create something, and must not do so for a record that is going (law S8).
    """
    check_uid(stored, uid)
    if stored.deleted_at is not None:
        raise Conflict(f"{stored.kind} {stored.key} is being deleted and takes no new finalizer")
    if finalizer in stored.finalizers:
        return stored
    return replace(stored, finalizers=(*stored.finalizers, finalizer))


def without_finalizer(stored: Document, finalizer: str) -> Document:
    """One finalizer less."""
    return replace(stored, finalizers=tuple(f for f in stored.finalizers if f != finalizer))


def is_over(document: Document) -> bool:
    """Whether nothing holds a record back that is being deleted."""
    return document.deleted_at is not None and not document.finalizers


def check_uid(stored: Document, uid: str) -> None:
    """Raise Conflict where a uid is given and it is another record's."""
    if uid and uid != stored.uid:
        raise Conflict(f"{stored.kind} {stored.key} is another record of that name: read it again")


def check_version(stored: Document, version: str) -> None:
    """Raise Conflict where a version is given and it is a stale one."""
    if version and version != str(stored.revision):
        raise Conflict(
            f"{stored.kind} {stored.key} has changed (it is at {stored.revision}, "
            "the write came from an older view): read it again"
        )


def check_generation(stored: Document, generation: int) -> None:
    """Raise Conflict where the record is of another generation."""
    if stored.generation != generation:
        raise Conflict(
            f"{stored.kind} {stored.key} is at generation {stored.generation} and no longer at {generation}: "
            "read it again"
        )


def check_status(stored: Document, resource: Resource, before: Model) -> None:
    """Raise Conflict where the status is not the one that the writer started from."""
    if getattr(resource, "status", None) != before:
        raise Conflict(
            f"the status of {stored.kind} {stored.key} was written by somebody else: read it again"
        )


def _check_mutable(stored: Document, wanted: Document) -> None:
    if stored.kind != "Secret" or not stored.body.get("immutable"):
        return
    # A type that is left out and one that says the default are the same type.
    kept = stored.values == wanted.values and _secret_type(stored) == _secret_type(wanted)
    if not kept or not wanted.body.get("immutable"):
        message = "is immutable: delete the Secret and create another"
        raise Invalid(f"Secret {stored.key} {message}", (("immutable", message),))


def _secret_type(document: Document) -> object:
    return document.body.get("type", "Opaque")
