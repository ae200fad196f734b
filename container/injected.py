"""The list of login files that were ever injected: digests alone, on the data volume."""

from __future__ import annotations

import json
from pathlib import Path

from container.files import make_directory, write_private

_REMEMBERED = 16
"""Injections remembered per file."""
_TAKEN = "taken"
"""The one key that is no file's: those have a slash."""


class Injected:
    """Digests (SHA-256) of what was injected, the newest last, by ``provider/file``.

    A list that cannot be read is as good as none: nothing that was refreshed is then overwritten,
    and nothing removed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.readable = True
        """Whether there is none yet, or one that could be read."""
        self._digests = self._read()

    @property
    def taken(self) -> str:
        """The last order to take newer logins that was carried out; empty where there was none."""
        return next(iter(self._digests.get(_TAKEN, ())), "")

    def files(self) -> tuple[str, ...]:
        """The files on the list, as ``provider/file``."""
        return tuple(key for key in sorted(self._digests) if key != _TAKEN)

    def of(self, key: str) -> tuple[str, ...]:
        """What was injected for one file, the newest last."""
        return tuple(self._digests.get(key, ()))

    def add(self, key: str, digest: str) -> None:
        """Remember an injection; raises OSError."""
        known = self._digests.get(key, [])
        if known[-1:] == [digest]:
            return
        self._digests[key] = [*(other for other in known if other != digest), digest][-_REMEMBERED:]
        self._write()

    def forget(self, key: str) -> None:
        """Take a file off the list; raises OSError."""
        if self._digests.pop(key, None) is not None:
            self._write()

    def take(self, order: str) -> None:
        """Remember an order as carried out; raises OSError."""
        self._digests[_TAKEN] = [order]
        self._write()

    def _write(self) -> None:
        make_directory(self._path.parent)
        write_private(self._path, json.dumps(self._digests, indent=1, sort_keys=True).encode())

    def _read(self) -> dict[str, list[str]]:
        try:
            found = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            self.readable = False
            return {}
        return {
            key: [digest for digest in digests if isinstance(digest, str)]
            for key, digests in found.items()
            if isinstance(digests, list)
        }
