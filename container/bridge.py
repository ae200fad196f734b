"""The words between a session's page, in a frame, and the console's page around it.

They go by ``postMessage`` as ``{"berth": 1, "type": …, …fields}``, each to one named origin and from
one named origin. What is not told here word for word is ignored: other versions, types, directions
and fields that are no such text. ``static/bridge.js`` speaks them on both sides; its table of
messages is :func:`vocabulary`, and a test holds the two equal.

This module imports nothing but the standard library: the console uses it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from types import MappingProxyType
from typing import Literal, NewType, TypedDict, get_args, get_type_hints

VERSION = 1

LONGEST_TEXT = 2000
"""Characters in a field; a message with more is ignored."""

PagePath = NewType("PagePath", str)
"""A place within the page that is told to go there: ``/`` and more, never another host."""


class Side(StrEnum):
    """Who says it."""

    SESSION = "session"
    """The session's page, in the frame."""
    CONSOLE = "console"
    """The page around it."""


class Ready(TypedDict):
    """The session's page listens; whether it wants a token, or is open already."""

    entry: Literal["wanted", "open"]


class Auth(TypedDict):
    """A one-time token, to be exchanged for the cookie."""

    token: str


class Error(TypedDict):
    """The session's page cannot go on; ``message`` is for people."""

    reason: str
    """CamelCase: a reason of entry, or ``CookieBlocked`` where the browser keeps no cookie in the frame."""
    message: str


class Title(TypedDict):
    """What the session is called by now."""

    title: str


class Attention(TypedDict):
    """What the agent wants of its owner, as in ``/healthz``."""

    attention: Literal["Working", "NeedsInput", "NeedsApproval", "Idle", "LimitReached", "Unknown"]


class Navigate(TypedDict):
    """From the console: go there. From the session's page: this is where it is now."""

    path: PagePath


@dataclass(frozen=True, slots=True)
class Word:
    """One type of message: who may say it, and its fields."""

    said_by: frozenset[Side]
    fields: type


_SESSION, _CONSOLE = frozenset({Side.SESSION}), frozenset({Side.CONSOLE})

WORDS: Mapping[str, Word] = MappingProxyType(
    {
        "ready": Word(_SESSION, Ready),
        "auth": Word(_CONSOLE, Auth),
        "error": Word(_SESSION, Error),
        "title": Word(_SESSION, Title),
        "attention": Word(_SESSION, Attention),
        "navigate": Word(_SESSION | _CONSOLE, Navigate),
    }
)
"""All there are, by their type."""

Vocabulary = dict[str, dict[str, list[str] | dict[str, str | list[str]]]]


def vocabulary() -> Vocabulary:
    """All messages as data: who says each, and of each field ``text``, ``path``, or the words it may be."""
    return {
        name: {
            "said_by": sorted(side.value for side in word.said_by),
            "fields": {field: _kind(hint) for field, hint in get_type_hints(word.fields).items()},
        }
        for name, word in WORDS.items()
    }


def script() -> str:
    """The module of JavaScript that both pages load."""
    return resources.files("container").joinpath("static", "bridge.js").read_text(encoding="utf-8")


def _kind(hint: object) -> str | list[str]:
    if hint is PagePath:
        return "path"
    return list(get_args(hint)) or "text"
