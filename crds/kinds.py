"""The registry of kinds, and how a record is read from and written to plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from crds.base import Model, Resource
from crds.errors import InvalidObject, Problem, problems_of
from crds.event import Event
from crds.secret import Secret
from crds.session import Session, SessionTemplate
from crds.target import Target
from crds.user import User

KINDS: tuple[type[Resource], ...] = (Session, SessionTemplate, Target, Secret, User, Event)

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
    """A record from plain data; raises InvalidObject with every problem."""
    name = document.get("kind")
    kind = by_kind(name) if isinstance(name, str) else None
    if kind is None:
        known = ", ".join(_BY_KIND)
        what = "required" if name is None else "there is no such kind"
        raise InvalidObject([Problem("kind", f"{what}; one of: {known}")])
    expected = kind.model_fields["api_version"].default
    if document.get("apiVersion", expected) != expected:
        raise InvalidObject([Problem("apiVersion", f"{kind.KIND} is served as {expected}")])
    try:
        return kind.model_validate(dict(document))
    except ValidationError as error:
        raise InvalidObject(problems_of(error, kind)) from None


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
