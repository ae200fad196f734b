"""What a procedure gives back, and how it becomes bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from pydantic_core import to_json


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. ``media`` is empty for an empty body."""

    status: int
    body: bytes = field(repr=False)
    media: str = "application/json"


@dataclass(frozen=True, slots=True)
class Serialised:
    """A result that is JSON text already."""

    body: bytes = field(repr=False)


class Empty:
    """A result without a body: ``deploy``, ``redeploy``, ``cleanQueues`` and the like (FACTS 4)."""


EMPTY: Final = Empty()


def encoded(value: Any) -> bytes:
    """JSON as JavaScript writes it."""
    return to_json(value)


def succeeded(result: Any) -> Answer:
    """200."""
    if isinstance(result, Empty):
        return Answer(200, b"", "")
    if isinstance(result, Serialised):
        return Answer(200, result.body)
    return Answer(200, encoded(result))


def refused(status: int, body: Any) -> Answer:
    """An error with a JSON body."""
    return Answer(status, encoded(body))


def refused_text(status: int, text: str) -> Answer:
    """An error of the framework below Dokploy: plain text."""
    return Answer(status, text.encode(), "text/plain; charset=utf-8")
