"""``python -m records migrate`` and ``rotate-keys``: what is done to a database now and then.

``migrate`` brings the schema up to this version; API and controller run it where it is needed, when
they start. ``rotate-keys`` puts a new key in use, while Berth runs or not. Where things are comes
from the environment, ``BERTH_DATABASE_URL`` and ``BERTH_KEY_FILE``: a URL may hold a password, which
must not stand among a program's arguments.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from records.errors import RecordsError
from records.sql.apart import FAILED, URL_VARIABLE

_USAGE = f"""usage: {URL_VARIABLE}=… python -m records migrate
       {URL_VARIABLE}=… BERTH_KEY_FILE=… python -m records rotate-keys
"""
_BAD_USAGE = 2


def main() -> int:
    """Do what is asked; the exit code is 0, 1 for a failure, 2 for a call that is none."""
    url, path = os.environ.get(URL_VARIABLE), os.environ.get("BERTH_KEY_FILE")
    try:
        match sys.argv[1:]:
            # Each loads what it needs: a first start waits for the migration.
            case ["migrate"] if url:
                from records.sql.migration import migrate  # noqa: PLC0415

                asyncio.run(migrate(url))
                done = "the schema is the newest"
            case ["rotate-keys"] if url and path:
                from records.sql.rotation import rotate_keys  # noqa: PLC0415

                count = asyncio.run(rotate_keys(url, Path(path)))
                done = f"{count} secret values are sealed under a new key; the old keys are gone from {path}"
            case _:
                sys.stderr.write(_USAGE)
                return _BAD_USAGE
    except RecordsError as error:
        sys.stderr.write(f"error: {error}\n")
        return FAILED
    sys.stdout.write(f"{done}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
