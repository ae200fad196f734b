r"""What the command line writes, with nothing in it that acts on a terminal.

Names, messages and logs come from containers and from Dokploy: data of others, in which an escape
sequence could move the cursor, hide a line, change the window's title or write to the clipboard. All
output goes through here, which shows such characters as what they are: ``\x1b``, ``\r``, ``\u202e``.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

import typer

_KINDS = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Control characters (of C0, with ESC and CR, and of C1, with CSI and OSC), surrogates, other line ends."""
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn the text around them, so that it reads as something else."""
_TAGS = range(0xE0000, 0xE0080)
"""Characters that no terminal shows."""
_NAMED: Mapping[str, str] = MappingProxyType({"\r": "\\r", "\n": "\\n", "\t": "\\t"})
_COLOURS = re.compile(r"(\x1b\[[0-9;:]*m)")
"""Select Graphic Rendition (ECMA-48, 8.3.117): colours and weight, which change nothing but looks."""
_RESET = "\x1b[0m"
_SPECIAL = re.compile(r"[^\x20-\x7e]")
_BYTE, _BASIC = 0x100, 0x10000


def visible(text: str, *, kept: str = "\n\t") -> str:
    """The text with each character that acts on a terminal written out; those in ``kept`` stay."""
    return _SPECIAL.sub(lambda found: found[0] if found[0] in kept else _written(found[0]), text)


def visible_json(text: str) -> str:
    """JSON with the same value, and nothing in it that acts on a terminal."""
    return _SPECIAL.sub(
        lambda found: json.dumps(found[0])[1:-1] if found[0] != "\n" and _acts(found[0]) else found[0], text
    )


def log_line(line: str, *, colours: bool) -> str:
    """A line of a log without its line end; its colours stay where they are wanted.

    What it colours and does not end does not colour what follows.
    """
    pieces = _COLOURS.split(line.rstrip("\r\n"))  # every second one is a colour
    if not colours:
        return visible("".join(pieces[::2]), kept="\t")
    pieces[::2] = [visible(text, kept="\t") for text in pieces[::2]]
    return "".join(pieces) + (_RESET if len(pieces) > 1 else "")


def say(text: str, *, err: bool = False, nl: bool = True, fg: str | None = None) -> None:
    """Write a text of one or more lines; ``fg`` is a colour that is given to all of it."""
    typer.secho(visible(text), err=err, nl=nl, fg=fg)


def say_log(line: str) -> None:
    """Write a line of a log, with its colours where stdout is a terminal."""
    sys.stdout.write(log_line(line, colours=sys.stdout.isatty()) + "\n")


def say_data(text: str, *, nl: bool) -> None:
    """Write what programs read: as it is, but on a terminal, where a person reads it.

    Halves of a character, which JSON can hold and UTF-8 cannot, are written as ``?``.
    """
    shown = visible(text) if sys.stdout.isatty() else text.encode(errors="replace").decode()
    sys.stdout.write(shown + ("\n" if nl else ""))


def _written(character: str) -> str:
    if not _acts(character):
        return character
    if character in _NAMED:
        return _NAMED[character]
    code = ord(character)
    if code < _BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < _BASIC else f"\\U{code:08x}"


def _acts(character: str) -> bool:
    """Whether it does something on a terminal, or hides there."""
    return unicodedata.category(character) in _KINDS or character in _BIDI or ord(character) in _TAGS
