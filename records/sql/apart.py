"""Migrates in a program that ends with the work, so that whoever asks for it stays light."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from records.errors import Unavailable
from records.sql.whole import whole

URL_VARIABLE = "BERTH_DATABASE_URL"
"""Names the database to the program: a URL may hold a password, which must not be an argument."""

FAILED = 1
"""The program's exit code where it failed and says why, on stderr and in our own words."""


_PACKAGES = Path(__file__).resolve().parents[2]


def python() -> tuple[str, ...]:
    """Starts a program of ours; not from where the person stands: an ``api`` of their own may lie there."""
    return (sys.executable, "-P")


def import_path() -> str:
    """PYTHONPATH for a program of ours: it is imported from where this one is, installed or not."""
    return os.pathsep.join(filter(None, (str(_PACKAGES), os.environ.get("PYTHONPATH"))))


@whole
async def migrate_apart(url: str) -> None:
    """Run ``python -m records migrate`` and wait for its end.

    Raises:
        Unavailable: it failed; the message says why, and the database is as it was.
    """
    program = await asyncio.create_subprocess_exec(
        *(*python(), "-m", "records", "migrate"),
        env={**os.environ, "PYTHONPATH": import_path(), URL_VARIABLE: url},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await program.communicate()
    if program.returncode == 0:
        return
    words = said.decode(errors="replace").strip()
    if program.returncode == FAILED and words.startswith("error: "):
        raise Unavailable(words.removeprefix("error: "))
    # A bug, or a signal: what it said is for whoever mends it, and goes where ours would.
    sys.stderr.write(f"{words}\n")
    raise Unavailable(f"the migration of the database ended with code {program.returncode}: see the log")
