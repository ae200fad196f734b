"""Leads a browser to an address that no other user of the machine may read.

What a browser is started with is a process argument, and those are everybody's to read. So it is
started with a file that its owner alone can read, and that file leads on, as Jupyter does it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from html import escape
from pathlib import Path

from cli.failures import ExitCode, Failure

_KEPT_SECONDS = 120.0
"""Longer than any token in such a file lasts."""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={link}"><title>Opening a session</title></head>
<body><p><a href="{link}">Open the session</a></p></body></html>
"""


def page_leading_to(link: str, directory: Path) -> str:
    """Write the page and return its ``file:`` URL; older ones go.

    Raises:
        Failure: it cannot be written.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        _tidy(directory)
        descriptor, name = tempfile.mkstemp(suffix=".html", dir=directory)  # mode 0600
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(_PAGE.format(link=escape(link)))
    except OSError as error:
        raise Failure(
            f"the page that opens the session cannot be written to {directory}: {error.strerror}",
            code=ExitCode.NOT_MET,
            remedy="berth open NAME --print gives the link to open by hand",
        ) from None
    return Path(name).absolute().as_uri()


def _tidy(directory: Path) -> None:
    oldest = time.time() - _KEPT_SECONDS
    for path in directory.glob("*.html"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < oldest:
                path.unlink()
