"""How the lines of a text end: the editor knows one way alone, and a file has to keep its own. Pure."""

from __future__ import annotations

from enum import Enum


class Ending(Enum):
    """What stands between two lines."""

    LF = "\n"
    CRLF = "\r\n"
    CR = "\r"

    def edited(self, text: str) -> str:
        """A file's text as the editor has it."""
        return text.replace(self.value, "\n")

    def kept(self, text: str) -> str:
        """The editor's text as the file has it."""
        return text.replace("\n", self.value)


def ending_of(text: str) -> Ending | None:
    """The one way in which all lines end; None where they end in several ways."""
    for ending in (Ending.CRLF, Ending.CR, Ending.LF):
        if ending.value in text:
            edited = ending.edited(text)
            return ending if "\r" not in edited and ending.kept(edited) == text else None
    return Ending.LF
