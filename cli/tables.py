"""Tables: aligned columns as kubectl writes them, coloured on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Literal

from cli.output import say, visible

GAP = "   "
_STYLES: Mapping[str, str] = {
    "Running": "green",
    "True": "green",
    "Creating": "yellow",
    "Pending": "yellow",
    "Stopping": "yellow",
    "Deleting": "yellow",
    "Unknown": "dim",
    "Stopped": "dim",
    "Legacy": "dim",
    "Error": "bold red",
    "Warning": "yellow",
    "NeedsInput": "bold yellow",
    "NeedsApproval": "bold yellow",
    "LimitReached": "bold yellow",
    "Working": "green",
}


class Table:
    """Rows under titles.

    The widths are settled by the first rows written, so that those a watch adds later stand under
    the same titles.
    """

    def __init__(self, titles: Sequence[str], *, headers: Literal["shown", "hidden"] = "shown") -> None:
        self._titles = titles
        self._headers = headers
        self._widths: list[int] = []

    def write(self, rows: Sequence[Sequence[str]]) -> None:
        """Write rows to stdout, the titles before the first."""
        rows = [[visible(cell, kept="") for cell in row] for row in rows]
        if not self._widths:
            shown = [self._titles, *rows] if self._headers == "shown" else rows
            self._widths = [max((len(row[i]) for row in shown), default=0) for i in range(len(self._titles))]
            if sys.stdout.isatty():
                self._write_rich(rows)
                return
            if self._headers == "shown":
                say(self._line(self._titles))
        for row in rows:
            say(self._line(row))
        sys.stdout.flush()

    def _line(self, row: Sequence[str]) -> str:
        return GAP.join(cell.ljust(width) for cell, width in zip(row, self._widths, strict=True)).rstrip()

    def _write_rich(self, rows: Sequence[Sequence[str]]) -> None:
        from rich.console import Console  # noqa: PLC0415 - only where there is a terminal
        from rich.table import Table as RichTable  # noqa: PLC0415 - the same
        from rich.text import Text  # noqa: PLC0415 - the same

        table = RichTable(
            box=None, pad_edge=False, padding=(0, len(GAP), 0, 0), show_header=self._headers == "shown"
        )
        for title in self._titles:
            # Folded, never cut: a name must be there whole to be copied.
            table.add_column(title, header_style="bold", overflow="fold", no_wrap=title in {"NAME", "AGE"})
        for row in rows:
            table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
        Console().print(table)
