"""What is going on, on stderr, while a command waits: a spinner on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cli.output import visible

if TYPE_CHECKING:
    from rich.status import Status


class Progress:
    """One line that changes; where there is no terminal, a new line at each change."""

    def __init__(self) -> None:
        self._last = ""
        self._status: Status | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console  # noqa: PLC0415 - only where there is a terminal

            self._status = Console(stderr=True).status("", spinner="dots")
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def show(self, line: str) -> None:
        """Say what is going on now; the same words again say nothing."""
        line = visible(line)
        if line == self._last:
            return
        self._last = line
        if self._status is not None:
            from rich.markup import escape  # noqa: PLC0415 - loaded with the spinner

            self._status.update(escape(line))
        else:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
