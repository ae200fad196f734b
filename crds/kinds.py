"""The registry of kinds, and how a record is read from and written to plain data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from crds.base import DECLARED, Model, Resource
from crds.errors import InvalidObject, Problem, path_of, problems_of
from crds.event import Event
from crds.secret import Secret
from crds.session import Session, SessionTemplate
from crds.target import Target
from crds.user import User

KINDS: tuple[type[Resource], ...] = (Session, SessionTemplate, Target, Secret, User, Event)

MAX_SPEC = 256 * 1024
"""Bytes of a spec as JSON: room for every true one, and far below what a store takes."""

_BY_KIND = {kind.KIND: kind for kind in KINDS}
_BY_NAME = {name.lower(): kind for kind in KINDS for name in (kind.KIND, kind.PLURAL, *kind.SHORT_NAMES)}


def by_kind(kind: str) -> type[Resource] | None:
    """The class of a kind, ``Session``."""
    return _BY_KIND.get(kind)


def by_plural(plural: str) -> type[Resource] | None:
    """The class of a plural, ``sessions``."""
    return next((kind for kind in KINDS if plural == kind.PLURAL), None)


def by_name(name: str) -> type[Resource] | None:
    """The class of any name people use: kind, singular, plural or short, in any case."""
    return _BY_NAME.get(name.lower())


def parse(document: Mapping[str, Any]) -> Resource:
    """A record from plain data, as a person declared it; raises InvalidObject with every problem.

    A field that is null counts as left out. Fields are named as on the wire, in camelCase.
    """
    name = document.get("kind")
    kind = by_kind(name) if isinstance(name, str) else None
    if kind is None:
        raise InvalidObject([Problem("kind", _unknown_kind(name))])
    expected = kind.model_fields["api_version"].default
    if document.get("apiVersion", expected) != expected:
        raise InvalidObject([Problem("apiVersion", f"{kind.KIND} is served as {expected}")])
    _check_size(document)
    _check_text(document)
    try:
        # By the names of the wire alone: what a cluster would refuse is refused here.
        return kind.model_validate(dict(document), context=DECLARED, by_alias=True, by_name=False)
    except ValidationError as error:
        raise InvalidObject(problems_of(error, kind)) from None


def _unknown_kind(name: object) -> str:
    known = f"one of: {', '.join(_BY_KIND)}"
    if name is None:
        return f"required; {known}"
    near = get_close_matches(str(name).lower(), _BY_NAME, n=1)
    return (
        f"there is no such kind; did you mean {_BY_NAME[near[0]].KIND}? {known}"
        if near
        else (f"there is no such kind; {known}")
    )


def _check_size(document: Mapping[str, Any]) -> None:
    """Refuse a spec that would burden every listing of its kind."""
    try:
        size = len(to_json(document.get("spec")))
    except (PydanticSerializationError, ValueError):
        return  # what is no JSON is told field by field
    if size > MAX_SPEC:
        raise InvalidObject(
            [Problem("spec", f"has {size:,} bytes as JSON, and at most {MAX_SPEC:,} are taken")]
        )


_NUL, _HALF = re.compile("\0"), re.compile("[\ud800-\udfff]")
_BYTES = frozenset({"data", "stringData"})
"""The values of a Secret: any bytes, so NUL may be among them."""


def _check_text(document: Mapping[str, Any]) -> None:
    """Refuse text that cannot be carried on, by the path of its field.

    NUL, which no environment holds and Postgres does not store, and halves of a character (lone
    surrogates, as JSON cut in the middle makes them), which have no UTF-8.
    """
    declared = {name: value for name, value in document.items() if name != "status"}
    text = {name: value for name, value in declared.items() if name not in _BYTES}
    found = [Problem(path_of(place), "may not hold the character NUL") for place in _places(_NUL, text)]
    found += [
        Problem(path_of(place), "holds half of a character (a lone surrogate), which is no text")
        for place in _places(_HALF, declared)
    ]
    if found:
        raise InvalidObject(found)


def _places(
    pattern: re.Pattern[str], value: object, place: tuple[int | str, ...] = ()
) -> Iterator[tuple[int | str, ...]]:
    """Where in a document the pattern occurs, in values and in names."""
    if isinstance(value, str):
        if pattern.search(value):
            yield place
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if pattern.search(str(name)):
                yield place
            else:
                yield from _places(pattern, item, (*place, str(name)))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _places(pattern, item, (*place, index))


def dump(resource: Model) -> dict[str, Any]:
    """Plain data as it was declared.

    What was never set is left out, so that a template's or a target's value still shows through
    when the record is read back.
    """
    data: dict[str, Any] = resource.model_dump(
        mode="json", by_alias=True, exclude_unset=True, exclude_none=True
    )
    if isinstance(resource, Resource):
        data = {"apiVersion": resource.api_version, "kind": resource.KIND, **data}
    return data
