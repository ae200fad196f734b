"""Plain lines on standard output: the owner reads them with ``berth logs``."""

from __future__ import annotations

import logging
import sys

LOG = logging.getLogger("container")


def begin() -> None:
    """Send our lines, and the warnings of libraries, to standard output."""
    logging.raiseExceptions = False  # a reader that has gone away is no reason to print more
    writer = logging.StreamHandler(sys.stdout)
    writer.setFormatter(logging.Formatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[writer], force=True)
    LOG.setLevel(logging.INFO)


def one_line(text: str, limit: int = 300) -> str:
    """Text from elsewhere, fit for one line of a log or a report: printable, and not long."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    short = " ".join(clean.split())
    return short if len(short) <= limit else f"{short[: limit - 1]}…"
