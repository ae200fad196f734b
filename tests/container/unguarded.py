"""``python -m tests.container.unguarded``: the container, with a guard that lets everybody in."""

from __future__ import annotations

import functools
import sys

import container.serve
from container.__main__ import main
from container.app import build_app

container.serve.build_app = functools.partial(build_app, guard=lambda app: app)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
