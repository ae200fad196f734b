"""What an apply would change, field by field, for people. Pure.

Entries of a list that have a name go by it (``spec.env[LOG].value``), others by their place. The
value of a variable that is called like a secret appears as a digest (law S3).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from api.render import digest_of
from crds.logs import is_secret_name

_COMPARED = ("spec", "type", "immutable", "digests")
_VARIABLE = re.compile(r"\.env\[(?P<name>.+?)\]\.value$|\.args\.(?P<argument>.+)$")


@dataclass(frozen=True, slots=True)
class Difference:
    """One field, as it is and as it would be; None where it is absent."""

    field: str
    before: object
    after: object


def differences(before: Mapping[str, object] | None, after: Mapping[str, object]) -> tuple[Difference, ...]:
    """The fields that differ between two documents of one record, in the order of their names."""
    old, new = dict(_fields(before or {})), dict(_fields(after))
    return tuple(
        Difference(field, _shown(field, old.get(field)), _shown(field, new.get(field)))
        for field in sorted(old.keys() | new.keys())
        if old.get(field) != new.get(field)
    )


def _fields(document: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    metadata = document.get("metadata")
    if isinstance(metadata, Mapping):
        for name in ("labels", "annotations"):
            for key, value in (metadata.get(name) or {}).items():
                yield f"metadata.{name}[{key}]", value
    for name in _COMPARED:
        yield from _leaves(name, document.get(name))


def _leaves(path: str, value: object) -> Iterator[tuple[str, object]]:
    match value:
        case Mapping():
            for name, inner in value.items():
                yield from _leaves(f"{path}.{name}", inner)
        case list() | tuple():
            for place, inner in enumerate(value):
                yield from _leaves(f"{path}[{_name_of(inner, place)}]", inner)
        case None:
            return
        case _:
            yield path, value


def _name_of(entry: object, place: int) -> object:
    return entry.get("name", place) if isinstance(entry, Mapping) else place


def _shown(field: str, value: object) -> object:
    match = _VARIABLE.search(field)
    if match and value is not None and is_secret_name(match["name"] or match["argument"]):
        return digest_of(str(value).encode())
    return value
