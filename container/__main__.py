"""``python -m container``: the entry point of a session's container.

The order matters: secrets leave the environment before anything else is done; the first program
of a container divides into itself and the app while it is still small; the app alone loads the
rest.
"""

from __future__ import annotations

import os
import sys

from container import signals
from container.environment import read_settings
from container.first import divide, is_first
from container.given import read_secrets
from container.handover import FLAG, holds_secrets, receive, start_anew

_USAGE = (
    "usage: python -m container   (all settings come from the environment; see docs/concepts/container.md)"
)


def main(words: list[str]) -> int:
    """Start the container's app; return its exit code."""
    signals.begin()
    handed = _handed_over(words)
    if handed is None and words:
        sys.stderr.write(f"{_USAGE}\n")
        return os.EX_USAGE
    if handed is None and holds_secrets(os.environ):
        start_anew(os.environ)
    first = is_first()
    if first:
        divide(private=[] if handed is None else [handed])
    values = {} if handed is None else receive(handed)
    settings = read_settings(os.environ, first=first)
    secrets = read_secrets(values)
    from container.serve import serve  # noqa: PLC0415 - the first program of a container stays small

    return serve(settings, secrets)


def _handed_over(words: list[str]) -> int | None:
    match words:
        case [flag, number] if flag == FLAG and number.isdigit():
            return int(number)
        case _:
            return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
