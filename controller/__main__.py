"""``python -m controller``: see :mod:`controller.program`."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    # Before all else: structlog and httpx load rich wherever it is installed, and with it pygments,
    # for consoles that a server has not. Named None, it counts as absent: 3 MB and 0.1 s less.
    sys.modules["rich"] = None  # type: ignore[assignment]
    from container import signals
    from controller.program import main

    signals.begin()
    sys.exit(main())
