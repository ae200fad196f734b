r"""The last of a container's output, within a cap, stamped line by line as Docker does it.

As measured (FACTS-2 6): a line is stamped when it is complete, one over 16 KiB is cut into pieces
that all bear the first stamp, stdout and stderr are one stream, colours and ``\r`` pass unchanged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from dokploy.local.runtime import LogLine

MAX_LINES = 10_000
MAX_BYTES = 4 * 1024 * 1024
PIECE = 16 * 1024
"""Bytes after which a line is cut."""


class Output:
    """A ring of lines."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lines: deque[tuple[LogLine, int]] = deque()
        self._bytes = 0
        self._rest = b""
        self._stamp: float | None = None
        """Of the line that is under way, once a piece of it was cut off."""

    def feed(self, data: bytes) -> None:
        """Take what was written."""
        *complete, rest = (self._rest + data).split(b"\n")
        for line in complete:
            self._finish(line)
        while len(rest) >= PIECE:
            rest = self._cut(rest)
        self._rest = rest

    def close(self) -> None:
        """The stream has ended: what is left is a line too."""
        if self._rest:
            self._finish(self._rest)
        self._rest = b""

    def note(self, text: str) -> None:
        """Add a line of the runtime's own."""
        self._append(text.encode(), self._now())

    def lines(self) -> tuple[LogLine, ...]:
        """All that is kept, the oldest first."""
        return tuple(line for line, _ in self._lines)

    def _finish(self, line: bytes) -> None:
        while len(line) > PIECE:
            line = self._cut(line)
        self._append(line, self._now() if self._stamp is None else self._stamp)
        self._stamp = None

    def _cut(self, line: bytes) -> bytes:
        if self._stamp is None:
            self._stamp = self._now()
        self._append(line[:PIECE], self._stamp)
        return line[PIECE:]

    def _append(self, line: bytes, at: float) -> None:
        self._lines.append((LogLine(at, line.decode(errors="replace")), len(line)))
        self._bytes += len(line)
        while len(self._lines) > MAX_LINES or self._bytes > MAX_BYTES:
            _, dropped = self._lines.popleft()
            self._bytes -= dropped
