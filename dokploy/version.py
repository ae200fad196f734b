"""Which Dokploy answers, and what came with which (FACTS 10)."""

from __future__ import annotations

import re

from dokploy.errors import Unsupported
from dokploy.procedures import VERSION

Version = tuple[int, int, int]

OLDEST: Version = (0, 25, 0)
"""Before it, an application was created in a project, not in an environment."""
HAS_OVERVIEW: Version = (0, 30, 0)
"""The first with ``overview.services``."""

_VERSION = re.compile(r"v?(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:[-+].*)?")


def parse_version(text: str) -> Version:
    """Parse ``v0.30.2``; raise Unsupported for what Berth does not work with."""
    found = _VERSION.fullmatch(text.strip())
    if found is None:
        raise Unsupported(
            VERSION.name, f"Dokploy tells no version that Berth can read; it needs {told(OLDEST)}"
        )
    version = (int(found[1]), int(found[2]), int(found[3]))
    if version < OLDEST:
        raise Unsupported(
            VERSION.name,
            f"this is Dokploy {told(version)}, which has no environments to create applications in; "
            f"update it to {told(OLDEST)} or newer",
        )
    return version


def told(version: Version) -> str:
    """A version as Dokploy writes it."""
    return "v" + ".".join(map(str, version))
