"""Names of files as text and back, and paths taken apart. Pure.

A file's name is any bytes but two, and text in JSON is Unicode. A byte that is no UTF-8 is told as
the character U+F700 + byte, of the private use area; so is each byte of a character that is itself
one of these 128. So every name has one text, and a text that we told leads back to its name.
"""

from __future__ import annotations

import re

from container.refusal import Refusal, Why

MAX_PATH_BYTES = 4096
MAX_NAME_BYTES = 255
_BASE = 0xF700
_FIRST, _LAST = chr(_BASE + 0x80), chr(_BASE + 0xFF)
_ESCAPED = re.compile(f"[\udc80-\udcff{_FIRST}-{_LAST}]")
_TOLD = re.compile(f"[{_FIRST}-{_LAST}]")

Parts = tuple[bytes, ...]
"""A path from the top of the workspace: names, none of them ``.`` or ``..``; none for the top."""


def text_of(name: bytes) -> str:
    """A name, or a path, as it is told."""
    return _ESCAPED.sub(_escape, name.decode("utf-8", "surrogateescape"))


def bytes_of(text: str) -> bytes:
    """The name that was told so; raises UnicodeEncodeError for what no name is told as."""
    return _TOLD.sub(lambda match: chr(0xDC00 + ord(match[0]) - _BASE), text).encode(
        "utf-8", "surrogateescape"
    )


def path_of(parts: Parts) -> str:
    """A path as it is told."""
    return text_of(b"/".join(parts))


def parts_of(path: str, field: str = "path") -> Parts:
    """A path that was told, taken apart; raises Refusal for one that is no path in the workspace."""
    if not path:
        return ()
    if any("\udc00" <= character <= "\udfff" or "\ud800" <= character <= "\udbff" for character in path):
        raise Refusal(Why.INVALID, field, "is no text: it holds half a character")
    whole = bytes_of(path)
    if len(whole) > MAX_PATH_BYTES:
        raise Refusal(Why.INVALID, field, f"is longer than {MAX_PATH_BYTES} bytes")
    if b"\0" in whole:
        raise Refusal(Why.INVALID, field, "holds a zero byte")
    if whole.startswith(b"/"):
        raise Refusal(
            Why.INVALID, field, "must be relative to the workspace: leave out the / at its beginning"
        )
    parts = tuple(whole.split(b"/"))
    for part in parts:
        if part in {b"", b".", b".."}:
            raise Refusal(Why.INVALID, field, "must hold no empty name, no . and no ..")
        if len(part) > MAX_NAME_BYTES:
            raise Refusal(Why.INVALID, field, f"holds a name of more than {MAX_NAME_BYTES} bytes")
    return parts


def in_git(parts: Parts) -> bool:
    """Whether it is, or lies in, what git keeps for itself."""
    return any(part.lower() == b".git" for part in parts)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if "\udc80" <= character <= "\udcff":
        return chr(_BASE + ord(character) - 0xDC00)
    return "".join(chr(_BASE + byte) for byte in character.encode())
