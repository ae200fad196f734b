"""Input checks that fail in the words of zod, the library Dokploy checks its input with.

Only what Dokploy checks is checked, and as weakly: a port of 99999 or a memory limit of ``64m``
passes here as it does there (FACTS 4).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from dokploy.local.refusals import InvalidInput, Issue

_MISSING = object()


class Kind(ABC):
    """What a value may be."""

    __slots__ = ()

    @abstractmethod
    def problem(self, value: Any) -> Issue | None:
        """The issue without its path, or None."""

    def clean(self, value: Any) -> Any:
        """The value as Dokploy stores it."""
        return value


def _word(value: Any) -> str:
    """JavaScript's word for the type of a JSON value."""
    if value is _MISSING:
        return "undefined"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def wrong_type(expected: str, value: Any) -> Issue:
    """``Invalid input: expected string, received number``."""
    message = f"Invalid input: expected {expected}, received {_word(value)}"
    return {"expected": expected, "code": "invalid_type", "message": message}


def _bound(origin: str, *, big: bool, limit: int, message: str) -> Issue:
    code, key = ("too_big", "maximum") if big else ("too_small", "minimum")
    return {"origin": origin, "code": code, key: limit, "inclusive": True, "message": message}


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """A string; ``pattern`` with the message shown when it does not match."""

    least: int = 0
    most: int | None = None
    pattern: re.Pattern[str] | None = None
    mismatch: str = ""
    too_small: str = ""

    def problem(self, value: Any) -> Issue | None:
        """See :meth:`Kind.problem`."""
        if not isinstance(value, str):
            return wrong_type("string", value)
        if len(value) < self.least:
            message = self.too_small or f"Too small: expected string to have >={self.least} characters"
            return _bound("string", big=False, limit=self.least, message=message)
        if self.most is not None and len(value) > self.most:
            message = f"Too big: expected string to have <={self.most} characters"
            return _bound("string", big=True, limit=self.most, message=message)
        if self.pattern is not None and not self.pattern.search(value):
            shown = f"/{self.pattern.pattern}/"
            return {
                "origin": "string",
                "code": "invalid_format",
                "format": "regex",
                "pattern": shown,
                "message": self.mismatch or f"Invalid string: must match pattern {shown}",
            }
        return None


@dataclass(frozen=True, slots=True)
class Number(Kind):
    """A number; ``lenient`` takes a string of digits as well, as ``replicas`` does."""

    least: int | None = None
    most: int | None = None
    lenient: bool = False
    too_small: str = ""
    too_big: str = ""

    def problem(self, value: Any) -> Issue | None:
        """See :meth:`Kind.problem`."""
        if isinstance(value, str) and self.lenient:
            if not re.fullmatch(r"\s*-?\d+(\.\d+)?\s*", value):
                message = "Invalid input: expected number, received NaN"
                return {"expected": "number", "code": "invalid_type", "received": "NaN", "message": message}
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return wrong_type("number", value)
        if self.least is not None and value < self.least:
            message = self.too_small or f"Too small: expected number to be >={self.least}"
            return _bound("number", big=False, limit=self.least, message=message)
        if self.most is not None and value > self.most:
            message = self.too_big or f"Too big: expected number to be <={self.most}"
            return _bound("number", big=True, limit=self.most, message=message)
        return None

    def clean(self, value: Any) -> Any:
        """A number, whole where it can be."""
        number = float(value) if isinstance(value, str) else value
        return int(number) if number == int(number) else number


@dataclass(frozen=True, slots=True)
class Boolean(Kind):
    """true or false."""

    def problem(self, value: Any) -> Issue | None:
        """See :meth:`Kind.problem`."""
        return None if isinstance(value, bool) else wrong_type("boolean", value)


@dataclass(frozen=True, slots=True)
class OneOf(Kind):
    """One of a few words."""

    words: tuple[str, ...]

    def problem(self, value: Any) -> Issue | None:
        """See :meth:`Kind.problem`."""
        if isinstance(value, str) and value in self.words:
            return None
        message = "Invalid option: expected one of " + "|".join(f'"{word}"' for word in self.words)
        return {"code": "invalid_value", "values": list(self.words), "message": message}


@dataclass(frozen=True, slots=True)
class ListOf(Kind):
    """An array of one kind."""

    item: Kind

    def problem(self, value: Any) -> Issue | None:
        """See :meth:`Kind.problem`."""
        if not isinstance(value, list):
            return wrong_type("array", value)
        for index, item in enumerate(value):
            issue = self.item.problem(item)
            if issue is not None:
                return {**issue, "path": [index]}
        return None


@dataclass(frozen=True, slots=True)
class Strict(Kind):
    """An object; a key that is not named is refused, and ``required`` ones must be there."""

    parts: Mapping[str, Kind]
    required: tuple[str, ...] = ()

    def problem(self, value: Any) -> Issue | None:
        """See :meth:`Kind.problem`."""
        if not isinstance(value, dict):
            return wrong_type("object", value)
        for name, kind in self.parts.items():
            if name in value or name in self.required:
                issue = kind.problem(value.get(name, _MISSING))
                if issue is not None:
                    return {**issue, "path": [name, *issue.get("path", ())]}
        unknown = [name for name in value if name not in self.parts]
        if unknown:
            message = f'Unrecognized key: "{unknown[0]}"'
            return {"code": "unrecognized_keys", "keys": unknown, "message": message}
        return None


@dataclass(frozen=True, slots=True)
class Anything(Kind):
    """An object or a list that is kept as it comes."""

    def problem(self, value: Any) -> Issue | None:
        """See :meth:`Kind.problem`."""
        return None if isinstance(value, dict | list) else wrong_type("object", value)


class Presence(Enum):
    """Whether a field must be there, and the words used when it is not."""

    REQUIRED = "required"
    NONOPTIONAL = "nonoptional"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a procedure's input."""

    kind: Kind
    presence: Presence = Presence.OPTIONAL
    nullable: bool = False
    default: Any = field(default=_MISSING)

    def problem(self, value: Any) -> Issue | None:
        """The issue without its path, or None."""
        if value is None and self.nullable:
            return None
        if value is _MISSING:
            if self.presence is Presence.OPTIONAL:
                return None
            if self.presence is Presence.NONOPTIONAL:
                message = "Invalid input: expected nonoptional, received undefined"
                return {"code": "invalid_type", "expected": "nonoptional", "message": message}
        return self.kind.problem(value)


Fields = Mapping[str, Field]


def checked(fields: Fields, given: Mapping[str, Any]) -> dict[str, Any]:
    """The known fields of ``given``, defaults filled in; unknown ones are dropped, as zod does.

    Raises:
        InvalidInput: naming every field that is wrong, in the order of ``fields``.
    """
    issues: list[Issue] = []
    clean: dict[str, Any] = {}
    for name, rule in fields.items():
        value = given.get(name, _MISSING)
        if value is _MISSING and rule.presence is Presence.OPTIONAL:
            if rule.default is not _MISSING:
                clean[name] = rule.default
            continue
        issue = rule.problem(value)
        if issue is not None:
            inner = issue.get("path", ())
            rest = {key: part for key, part in issue.items() if key not in ("path", "message")}
            issues.append({**rest, "path": [name, *inner], "message": issue["message"]})
        else:
            clean[name] = value if value is None else rule.kind.clean(value)
    if issues:
        raise InvalidInput(issues)
    return clean
