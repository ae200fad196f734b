"""From a typed record to its document and back.

What a person declared is kept, and no more: a field left open stays open when it is read again.
A status is kept whole, so that equal statuses are equal documents.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from crds.base import Key, Model, Resource
from crds.event import Event
from crds.secret import Secret
from records.errors import Invalid, NotFound
from records.sql.document import Document

R = TypeVar("R", bound=Resource)

BODY_LIMIT = 1 << 20
"""Bytes of one record, without its status; the bound that a cluster's store would set, too."""

_APART = {"api_version", "kind", "metadata", "status", "data", "string_data"}

log = structlog.get_logger(__name__)


def document_of(resource: Resource) -> Document:
    """Take a record apart; raise Invalid where it cannot be stored. Its status is left behind."""
    meta = resource.metadata
    document = Document(
        kind=resource.KIND,
        key=resource.key,
        labels=dict(meta.labels),
        annotations=dict(meta.annotations),
        finalizers=tuple(dict.fromkeys(meta.finalizers)),
        body=_dump(resource, exclude=_APART),
        uid=meta.uid,
        values=_values(resource) if isinstance(resource, Secret) else None,
    )
    _check_storable(document)
    return document


def status_of(kind: type[Resource], status: Model) -> dict[str, Any]:
    """The wire form of a status; raise Invalid for one that is not this kind's."""
    declared = kind.model_fields.get("status")
    expected = declared.annotation if declared else None
    if not isinstance(expected, type) or not isinstance(status, expected):
        raise Invalid(f"{kind.KIND} has no status of type {type(status).__name__}")
    dumped: dict[str, Any] = status.model_dump(mode="json", by_alias=True)
    _refuse_nul(("status", path) for path in _nul_paths(dumped))
    return dumped


def resource_of(kind: type[R], document: Document) -> R:
    """Put a record together; raise Invalid where its document no longer fits its type."""
    return decode(kind, document.snapshot(), document.values)


def decode(kind: type[R], snapshot: Mapping[str, Any], values: Mapping[str, str] | None) -> R:
    """Put a record together from a snapshot and, for a Secret, its values."""
    wire: dict[str, Any] = {"kind": kind.KIND, "apiVersion": kind.model_fields["api_version"].default}
    wire.update(snapshot)
    if values is not None:
        wire["data"] = values
    try:
        return kind.model_validate(wire)
    except ValidationError as error:
        causes = tuple(
            (".".join(map(str, e["loc"])), f"no longer fits its type ({e['type']})")
            # Without the input: what is stored may be what must not be shown.
            for e in error.errors(include_url=False, include_context=False, include_input=False)
        )
        name = snapshot["metadata"].get("name")
        raise Invalid(
            f"the stored {kind.KIND} {name!r} does not fit this version: write it anew", causes
        ) from None


def decode_or_log(
    kind: type[R], snapshot: Mapping[str, Any], values: Mapping[str, str] | None = None
) -> R | None:
    """Put a record together; one that does not fit is logged by its name, and None."""
    try:
        return decode(kind, snapshot, values)
    except Invalid as error:
        fields = [field for field, _ in error.causes]
    metadata = snapshot["metadata"]
    log.error(
        "a stored record does not fit its type and is left out",
        kind=kind.KIND,
        namespace=metadata.get("namespace"),
        name=metadata.get("name"),
        fields=fields,
    )
    return None


def found(document: Document | None, kind: str, key: Key) -> Document:
    """The document that was looked for; raise NotFound where there is none."""
    if document is None:
        raise NotFound(f"there is no {kind} {key}")
    return document


def check_writable(kind: type[Resource], key: Key) -> None:
    """Raise Invalid for an event, which is recorded and not written, and for a key out of its scope."""
    if issubclass(kind, Event):
        raise Invalid("events are recorded, not written: record_event")
    check_scope(kind, key)


def check_scope(kind: type[Resource], key: Key) -> None:
    """Raise Invalid where a key lacks its namespace, or has one it should not."""
    if not key.name:
        raise Invalid("metadata.name: is required", (("metadata.name", "is required"),))
    if kind.NAMESPACED and not key.namespace:
        message = f"is required: a {kind.KIND} lives in a namespace"
    elif not kind.NAMESPACED and key.namespace:
        message = f"must be left out: a {kind.KIND} lives in no namespace"
    else:
        return
    raise Invalid(f"metadata.namespace: {message}", (("metadata.namespace", message),))


def _dump(resource: Resource, exclude: set[str]) -> dict[str, Any]:
    try:
        return resource.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=exclude)
    except PydanticSerializationError:
        raise Invalid(f"{resource.KIND} {resource.key} holds a value that is no JSON") from None


def _values(secret: Secret) -> dict[str, str]:
    """A Secret's data with its string data merged in, which is how core/v1 does it."""
    values: dict[str, str] = {}
    for name, value in secret.data.items():
        try:
            # Encoded anew: there are several ways to write the same bytes, and they are no change.
            values[name] = base64.b64encode(base64.b64decode(value, validate=True)).decode()
        except (binascii.Error, ValueError):
            # "from None": the error's text would show the value.
            raise Invalid(f"data[{name}]: is not base64", ((f"data[{name}]", "is not base64"),)) from None
    values.update(
        {name: base64.b64encode(text.encode()).decode() for name, text in secret.string_data.items()}
    )
    return values


def _check_storable(document: Document) -> None:
    parts = {"metadata": {"labels": document.labels, "annotations": document.annotations}, **document.body}
    size = len(to_json(parts)) + sum(map(len, (document.values or {}).values()))
    if size > BODY_LIMIT:
        message = f"is {size} bytes; {BODY_LIMIT} is the most a record may hold"
        raise Invalid(f"{document.kind} {document.key} {message}", (("", message),))
    whole = {"name": document.key.name, "namespace": document.key.namespace, **parts}
    whole["data"] = list(document.values or {})
    _refuse_nul(("", path) for path in _nul_paths(whole))


def _refuse_nul(found: Iterator[tuple[str, str]]) -> None:
    """Postgres cannot hold the character NUL in text, so neither database is given one."""
    causes = tuple((prefix + path, "may not hold the character NUL") for prefix, path in found)
    if causes:
        raise Invalid(f"{causes[0][0].lstrip('.')}: {causes[0][1]}", causes)


def _nul_paths(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, str):
        if "\0" in value:
            yield path
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _nul_paths(name, path)
            yield from _nul_paths(item, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _nul_paths(item, f"{path}[{index}]")
