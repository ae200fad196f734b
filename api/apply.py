"""What an apply makes of a record. Pure: the store is asked elsewhere.

Labels, annotations and spec are replaced as they are given; finalizers, status and the rest of the
metadata stay as they are stored, whatever the body says of them.
"""

from __future__ import annotations

import base64
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from api.deletion import how_to_wait
from api.problems import Problem, Reason
from crds.base import Key, ObjectMeta, Resource
from crds.secret import Secret

R = TypeVar("R", bound=Resource)

_APART = {"api_version", "kind", "metadata", "status", "data", "string_data"}


class Result(StrEnum):
    """What became of an apply."""

    CREATED = "created"
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"


class Mode(StrEnum):
    """Whether an apply is stored, or only thought through."""

    STORE = "Store"
    DRY_RUN = "DryRun"


def as_new(given: R, *, uid: str = "", now: datetime | None = None) -> R:
    """The record as it is given to the store; with uid and time, as it would be stored."""
    meta = given.metadata
    fresh = ObjectMeta(
        name=meta.name,
        namespace=meta.namespace,
        labels=meta.labels,
        annotations=meta.annotations,
        uid=uid,
        generation=1 if uid else 0,
        creation_timestamp=now,
    )
    update: dict[str, object] = {"metadata": fresh}
    if "status" in type(given).model_fields:
        update["status"] = type(given).model_fields["status"].get_default(call_default_factory=True)
    return _merged_data(given.model_copy(update=update))


def as_replacement(stored: R, given: R) -> R:
    """The stored record with what is declared replaced; its generation as it would become."""
    merged = _merged_data(given)
    meta = stored.metadata
    moved = _declared(stored) != _declared(merged)
    update: dict[str, object] = {
        "metadata": meta.model_copy(
            update={
                "labels": given.metadata.labels,
                "annotations": given.metadata.annotations,
                "generation": meta.generation + 1 if moved else meta.generation,
            }
        )
    }
    status = getattr(stored, "status", None)
    if status is not None:
        update["status"] = status
    return merged.model_copy(update=update)


def would_change(stored: R, wanted: R) -> bool:
    """Whether the store would find a difference."""
    old, new = stored.metadata, wanted.metadata
    same = old.labels == new.labels and old.annotations == new.annotations
    return not same or _declared(stored) != _declared(wanted)


def check_expected(stored: Resource, *, version: str, uid: str) -> None:
    """Raise Problem Conflict where the request supposes another version or another record."""
    meta = stored.metadata
    if uid and uid != meta.uid:
        detail = f"{stored.KIND} {stored.key} is another record of that name by now; read it again"
        raise Problem(Reason.CONFLICT, detail)
    if version and version != meta.resource_version:
        detail = (
            f"{stored.KIND} {stored.key} has changed: it is at {meta.resource_version}, "
            f"the request supposes {version}; read it again, or leave resourceVersion out"
        )
        raise Problem(Reason.CONFLICT, detail)


def check_absent(kind: type[Resource], key: Key, *, version: str) -> None:
    """Raise Problem Conflict where the request supposes a record that does not exist."""
    if version:
        detail = f"{kind.KIND} {key} does not exist any more; leave resourceVersion out to create it anew"
        raise Problem(Reason.CONFLICT, detail)


def check_not_deleting(stored: Resource) -> None:
    """Raise Problem Conflict where a record is on its way out: what is declared now would be lost."""
    if stored.metadata.deletion_timestamp is not None:
        detail = f"{stored.KIND} {stored.key} is being deleted; {how_to_wait(stored)}"
        raise Problem(Reason.CONFLICT, detail)


def _merged_data(resource: R) -> R:
    if not isinstance(resource, Secret):
        return resource
    text = {key: base64.b64encode(value.encode()).decode() for key, value in resource.string_data.items()}
    return resource.model_copy(update={"data": {**resource.data, **text}, "string_data": {}})


def _declared(resource: Resource) -> object:
    """What was declared and no more: a field left open is not one that says its default."""
    body = resource.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=_APART)
    return body, resource.data if isinstance(resource, Secret) else None
