"""The table of all rows, as text and as the page docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.performance.row import Row, broken

_HEAD = ("name", "ours", "ideal", "ratio", "bound")

_LAWS = frozenset(f"P{number}" for number in range(1, 10))

_PAGE = """\
# Benchmarks

What Berth costs, by counts and ratios rather than by seconds: a count is the same on every machine, and a
ratio nearly so. `make bench` measures all of it anew in some minutes and writes this page; `make test`
asserts the counts and the ratios in virtual time at smaller numbers.

- **P1** sessions at rest, **P2** the steps of a session's life, **P3** events of one key, **P4** a restart,
  **P5** one session that fails among many: counts of calls to Dokploy, of writes to the records and of
  passes, exact. The audit, which reads each session's application once in `poll.audit` (15 minutes), comes
  on top of P1 and is not in its window.
- **P6** bursts and **P7** waits: seconds of virtual time, beside what the calls (50 ms each) and the
  containers take. A create is seven calls: two volumes, a route, and one look at the tasks. No more
  sessions are worked on at a time than the controller has workers (16), however many calls may be in
  flight.
- **P8** CPU of the process, the least of several tries with the garbage collector off, and bytes that the
  controller holds. *Decoding* is the two listings' way from bytes to typed rows.
- **P9** the SQL store beside a bare SQLAlchemy transaction of the same rows: milliseconds of one run,
  printed and not asserted. Postgres runs beside it without waiting for the disk.
- **R** real processes, as `berth up` starts them: the ideal is the bound that a release has to keep. Memory
  is what the programs take together (their proportional share of each page), in brackets what each shows
  alone; seconds and percents are of this machine and printed.

*Ratio* is ours over the ideal. *Bound* is what `make bench` fails beyond; *exact* means equal to the ideal,
*printed* that nothing is asserted.

Measured on {machine}.

"""


@dataclass(slots=True)
class Table:
    """Rows in the order in which they were measured."""

    rows: list[Row] = field(default_factory=list)

    def take(self, rows: Iterable[Row]) -> None:
        """Show rows and keep them; fails for one whose bound is not kept."""
        new = list(rows)
        for row in new:
            print("  " + " | ".join(row.cells()), flush=True)
        self.rows += new
        assert broken(new) == []

    @property
    def is_whole(self) -> bool:
        """Whether it has rows of every law: the page is not replaced by a part."""
        return {row.law for row in self.rows} >= _LAWS

    def text(self) -> str:
        """The table in Markdown, by law."""
        ordered = sorted(self.rows, key=lambda row: row.law)
        lines = [_HEAD, *(row.cells() for row in ordered)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
        shown = [_line(line, widths) for line in lines]
        return "\n".join([shown[0], _line(["-" * width for width in widths], widths), *shown[1:]])


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    return f"| {' | '.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))} |"


def machine() -> str:
    """Cores, processor, memory, Python and system, in one line."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{os.cpu_count()} cores of {_processor()}, {memory:.0f} GiB of memory, Python "
        f"{platform.python_version()}, {platform.system()} {platform.release().split('-')[0]}"
    )


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        for line in listed.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def write(table: Table, page: Path) -> None:
    """Replace the page by this table."""
    page.write_text(_PAGE.format(machine=machine()) + table.text() + "\n", "utf-8")
