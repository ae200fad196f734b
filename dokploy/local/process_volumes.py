"""Volumes of the local Dokploy: directories under its home, held while a container uses them."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path

from dokploy.local.process_home import Home
from dokploy.local.runtime import VolumeBusy

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}", re.ASCII)


class BadVolumeName(ValueError):
    """Docker would refuse the name, and no other may reach a path."""


class Volumes:
    """The named volumes of one home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._holders: Counter[str] = Counter()

    def names(self) -> tuple[str, ...]:
        """All of them, sorted."""
        return tuple(sorted(entry.name for entry in self._home.volumes.iterdir() if entry.is_dir()))

    def hold(self, name: str) -> Path:
        """Make the volume where it is missing, and keep it from being removed until released."""
        directory = self._directory(name)
        directory.mkdir(mode=0o700, exist_ok=True)
        self._holders[name] += 1
        return directory

    def release(self, name: str) -> None:
        """End one hold."""
        self._holders[name] -= 1
        if self._holders[name] <= 0:
            del self._holders[name]

    async def remove(self, name: str) -> None:
        """Delete it with all it holds. Raises KeyError when there is none, VolumeBusy when held."""
        try:
            directory = self._directory(name)
        except BadVolumeName:
            raise KeyError(name) from None
        if not directory.is_dir():
            raise KeyError(name)
        if self._holders[name]:
            raise VolumeBusy(name)
        await asyncio.to_thread(self._home.discard, directory)

    def _directory(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise BadVolumeName(f"{name!r} is no name for a volume: use letters, digits and _ . -")
        return self._home.volumes / name
