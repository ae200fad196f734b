"""``python -m api``: see :mod:`api.program`."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    # Before all else: structlog and httpx load rich wherever it is installed, and with it pygments,
    # for consoles that a server has not. Named None, it counts as absent: 3 MB and 0.1 s less.
    sys.modules["rich"] = None  # type: ignore[assignment]
    from api.program import main
    from container import signals

    signals.begin()
    sys.exit(main())
