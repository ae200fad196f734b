"""Which records a listing shows: label requirements and pages, as conditions of SQL."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import Mapped

from crds.base import Key
from records.errors import Invalid
from records.port import Selector

_LABEL = re.compile(r"([a-zA-Z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins: after this key, as of this revision."""

    revision: int
    key: Key

    def token(self) -> str:
        """Text for the caller to bring back, and not to be read by it."""
        raw = _TOKEN.dump_json((self.revision, self.key.namespace, self.key.name))
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    @classmethod
    def parse(cls, token: str) -> Cursor:
        """Read a token back; raise Invalid for text that is none."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            revision, namespace, name = _TOKEN.validate_json(raw)
        except (binascii.Error, ValueError, ValidationError):
            raise Invalid("continue: is no token of this store: list from the beginning") from None
        return cls(revision, Key(namespace, name))


_TOKEN: TypeAdapter[tuple[int, str, str]] = TypeAdapter(tuple[int, str, str])


def selected(label: Callable[[str], ColumnElement[Any]], selector: Selector) -> list[ColumnElement[bool]]:
    """The requirements, all of which must hold; ``label`` gives a label's value, or NULL."""
    found: list[ColumnElement[bool]] = []
    for name, operator, values in selector.requirements:
        if not _LABEL.fullmatch(name):
            raise Invalid(f"labelSelector: {name!r} is no name of a label")
        value = label(name)
        match operator:
            case "In":
                found.append(value.in_(values))
            case "NotIn":
                # As in Kubernetes: what has no such label is not in the list either.
                found.append(or_(value.is_(None), value.not_in(values)))
            case "Exists":
                found.append(value.is_not(None))
            case "DoesNotExist":
                found.append(value.is_(None))
    return found


def beyond(namespace: Mapped[str], name: Mapped[str], key: Key) -> ColumnElement[bool]:
    """What comes after a key, by namespace and name."""
    return or_(namespace > key.namespace, and_(namespace == key.namespace, name > key.name))
