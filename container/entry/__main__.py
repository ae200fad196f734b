"""``python -m container.entry``: a token for a container that was started by hand, without a Berth.

It reads the key and the session's id as the container does, so it is run with the same variables:
``BERTH_TOKEN_KEY=… SESSION_ID=… python -m container.entry``. With ``tool`` the token is one for the
requests of a program. Inside a container there is no key in the environment, and it makes nothing.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping

from container.contract import SESSION_ID, TOKEN_KEY, EntryUse
from container.entry.tokens import SHORTEST_KEY, Tokens

_USES = {(): EntryUse.ENTER, ("tool",): EntryUse.TOOL}
_USAGE = "usage: BERTH_TOKEN_KEY=... SESSION_ID=... python -m container.entry [tool]"


def main(words: tuple[str, ...], environ: Mapping[str, str]) -> int:
    """Print a token; return the exit code."""
    key, session_id = environ.get(TOKEN_KEY, "").encode("utf-8", "surrogateescape"), environ.get(SESSION_ID)
    use = _USES.get(words)
    if use is None or not session_id or len(key) < SHORTEST_KEY:
        sys.stderr.write(f"{_USAGE}; the key has at least {SHORTEST_KEY} characters\n")
        return os.EX_USAGE
    token = Tokens(key, session_id).make(use, owner="", now=int(time.time()))
    sys.stdout.write(f"{token}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:]), os.environ))
