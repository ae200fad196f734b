"""``python -m records rotate-keys``: put a new key in use, while Berth runs or not.

Where things are comes from the environment, ``BERTH_DATABASE_URL`` and ``BERTH_KEY_FILE``: a URL
may hold a password, which must not stand among a program's arguments.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from records.errors import RecordsError
from records.sql import rotate_keys

_USAGE = "usage: BERTH_DATABASE_URL=… BERTH_KEY_FILE=… python -m records rotate-keys"
_BAD_USAGE = 2


def main() -> int:
    """Rotate; the exit code is 0, 1 for a failure, 2 for a call that is none."""
    url, path = os.environ.get("BERTH_DATABASE_URL"), os.environ.get("BERTH_KEY_FILE")
    if sys.argv[1:] != ["rotate-keys"] or not url or not path:
        sys.stderr.write(_USAGE + "\n")
        return _BAD_USAGE
    try:
        count = asyncio.run(rotate_keys(url, Path(path)))
    except RecordsError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{count} secret values are sealed under a new key; the old keys are gone from {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
