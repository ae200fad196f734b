"""The newest output of one terminal, by position: what a page that comes back has missed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

SCROLLBACK_BYTES = 1024 * 1024
"""Bytes kept of each terminal."""
_CONTINUES, _CONTINUATION, _LONGEST = 0xC0, 0x80, 3


@dataclass(frozen=True, slots=True)
class Piece:
    """Output from ``position`` on, a byte offset since the terminal was opened.

    ``lost`` bytes before it were asked for and are no longer kept.
    """

    position: int
    data: bytes
    lost: int = 0

    @property
    def end(self) -> int:
        """The position after it: what to ask for next."""
        return self.position + len(self.data)


class Scrollback:
    """The newest :data:`SCROLLBACK_BYTES` of what was printed."""

    def __init__(self, most: int = SCROLLBACK_BYTES) -> None:
        self._most = most
        self._kept = bytearray()
        self.start = 0
        """The position of the oldest byte that is kept."""

    @property
    def end(self) -> int:
        """The position after the newest byte."""
        return self.start + len(self._kept)

    def append(self, data: bytes) -> None:
        """Add output; the oldest beyond the bound falls out."""
        self._kept += data
        excess = len(self._kept) - self._most
        if excess > 0:
            del self._kept[:excess]
            self.start += excess

    def read(self, after: int, most: int) -> Piece:
        """Up to ``most`` bytes from a position on; raises ValueError for one that was never reached."""
        if not 0 <= after <= self.end:
            raise ValueError(f"must be a position from 0 to {self.end}")
        begin = max(after, self.start)
        if begin > after:
            begin += self._within_character(begin - self.start)
        offset = begin - self.start
        return Piece(begin, bytes(self._kept[offset : offset + most]), begin - after)

    def _within_character(self, offset: int) -> int:
        """How many bytes there belong to a character whose beginning has fallen out."""
        head = self._kept[offset : offset + _LONGEST]
        return next(
            (index for index, byte in enumerate(head) if byte & _CONTINUES != _CONTINUATION), len(head)
        )
