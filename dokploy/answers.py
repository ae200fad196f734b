"""What a usable answer looks like: a shape reads the body of a 200, and raises ValueError."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

from pydantic import ConfigDict, JsonValue, TypeAdapter

_T = TypeVar("_T")

Shape = Callable[[bytes], _T]

_true_or_object = TypeAdapter[object](
    Literal[True] | dict[str, JsonValue], config=ConfigDict(hide_input_in_errors=True)
)
_json = TypeAdapter[object](JsonValue, config=ConfigDict(hide_input_in_errors=True))


def acknowledged(body: bytes) -> None:
    """``true``, or the object that was changed, which is not kept: it holds secrets (FACTS 9)."""
    _true_or_object.validate_json(body)


def accepted(body: bytes) -> None:
    """Nothing at all, as of ``deploy`` and ``removeVolume`` (FACTS 4), or any JSON."""
    if body:
        _json.validate_json(body)


def remembering(shape: Shape[_T]) -> Shape[_T]:
    """A shape that does not read again an answer which is byte for byte the one before it.

    For the listings, which come every few seconds, are long, and at rest are always the same: equal
    answers give the same value, not just an equal one. They hold no secrets, and one of each is kept.
    """
    last: tuple[bytes, _T] | None = None

    def read(body: bytes) -> _T:
        nonlocal last
        if last is None or last[0] != body:
            last = body, shape(body)
        return last[1]

    return read
