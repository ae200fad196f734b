"""Items and views as JSON and back."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from container.agent.items import Item

T = TypeVar("T")


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}
"""By type: to make one takes a while."""


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def encode(value: Any) -> bytes:
    """A frozen dataclass, or several of one kind, as JSON."""
    return _adapter(type(value)).dump_json(value)


def encode_all(items: tuple[Item, ...]) -> bytes:
    """Items as a JSON list."""
    return _adapter(tuple[Item, ...]).dump_json(items)


def as_data(value: Any) -> Any:
    """A frozen dataclass as what :mod:`json` can write."""
    return _adapter(type(value)).dump_python(value, mode="json")


def decode(kind: type[T], text: str | bytes) -> T | None:
    """The value; None for what is no such thing, as after a change of its form."""
    try:
        found: T = _adapter(kind).validate_json(text)
    except ValidationError:
        return None
    return found
