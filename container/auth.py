"""Login files: decoded and put where each provider looks for them, never over a refreshed one.

The refresh tokens of Codex and Claude are single-use. Once a login has been refreshed in here, the
copy that the container was started with is dead, and writing it again would log the agent out.
So a small list on the data volume remembers (by SHA-256) what was ever injected, and a file is
written only where there is none, or where the one there is still exactly what an earlier injection
wrote and something else was given since.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from container.files import PRIVATE_FILE, make_directory, make_private_directory, write_private
from container.given import AuthFile

MANIFEST = "auth-files.json"
_MAX_BYTES = 1024 * 1024
_MAX_NAME_BYTES = 200
_REMEMBERED = 16
"""Injections remembered per file."""


class Placement(Enum):
    """What became of one login file."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    """The one in the container was refreshed or made there: it stays."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Placed:
    """One login file; ``message`` says why it was refused or kept."""

    provider: str
    name: str
    placement: Placement
    message: str = ""


def provider_home(home: Path, provider: str) -> Path:
    """Where a provider's tool looks for its files: ``~/.codex``, ``~/.claude``, ``~/.<any other>``."""
    return home / f".{provider}"


def place(files: Iterable[AuthFile], *, home: Path, data: Path) -> tuple[Placed, ...]:
    """Put login files in place; what cannot be placed is told in words, never raised."""
    manifest = _Manifest(data / MANIFEST)
    seen: set[tuple[str, str]] = set()
    placed = []
    for file in files:
        try:
            placed.append(_place(file, home, manifest, seen))
        except _Refused as refused:
            placed.append(Placed(file.provider, _shown(file.name), Placement.REFUSED, str(refused)))
        except OSError as error:
            message = f"{_shown(file.name)} cannot be written: {error.strerror}"
            placed.append(Placed(file.provider, _shown(file.name), Placement.REFUSED, message))
    return tuple(placed)


class _Refused(Exception):
    """A login file that must not be written; the text says why."""


def _place(file: AuthFile, home: Path, manifest: _Manifest, seen: set[tuple[str, str]]) -> Placed:
    name = _checked_name(file)
    if (file.provider, name) in seen:
        raise _Refused(f"two files are named {name}; the first is used")
    seen.add((file.provider, name))
    content = _decoded(file)
    make_private_directory(home)
    directory = provider_home(home, file.provider)
    make_private_directory(directory)
    path = directory / name
    key, digest = f"{file.provider}/{name}", _digest(content)
    there = _digest_of_file(path)
    if there is not None:
        path.chmod(PRIVATE_FILE)
    if there == digest:
        manifest.add(key, digest)
        return Placed(file.provider, name, Placement.UNCHANGED)
    if there is not None and there not in manifest.of(key):
        return Placed(
            file.provider,
            name,
            Placement.KEPT,
            f"{name} was refreshed in the container and is kept; delete it and restart to use the given one",
        )
    # Remembered first: a start that ends between the two lines must not take its own file for one
    # that was refreshed here.
    manifest.add(key, digest)
    write_private(path, content)
    return Placed(file.provider, name, Placement.WRITTEN)


def _checked_name(file: AuthFile) -> str:
    name = file.name
    variable = f"file {file.index}"
    if not name:
        raise _Refused(f"{variable} has no name; set …_AUTH_FILE_{file.index}_NAME")
    if name in {".", ".."} or "/" in name or "\\" in name or not name.isprintable():
        raise _Refused(f"{variable} has a name that is no plain file name")
    if len(name.encode()) > _MAX_NAME_BYTES:
        raise _Refused(f"{variable} has a name of more than {_MAX_NAME_BYTES} bytes")
    return name


def _decoded(file: AuthFile) -> bytes:
    try:
        content = base64.b64decode("".join(file.content.split()), validate=True)
    except (binascii.Error, ValueError):
        raise _Refused(f"{file.name} is not base64; give the file's content in base64") from None
    if not content:
        raise _Refused(f"{file.name} is empty")
    if len(content) > _MAX_BYTES:
        raise _Refused(f"{file.name} is larger than {_MAX_BYTES // 1024} KiB: no login file is")
    return content


def _shown(name: str) -> str:
    return name if name.isprintable() and len(name) <= _MAX_NAME_BYTES else "a file"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digest_of_file(path: Path) -> str | None:
    """The digest of what is there; None for nothing. A link or a directory is refused."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise _Refused(f"{path.name} in the container is no regular file; it is left as it is")
    return _digest(path.read_bytes())


class _Manifest:
    """Digests of what was ever injected, by provider and file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digests = self._read()

    def of(self, key: str) -> frozenset[str]:
        """What was injected for one file."""
        return frozenset(self._digests.get(key, ()))

    def add(self, key: str, digest: str) -> None:
        """Remember an injection, the newest last; raises OSError."""
        known = self._digests.get(key, [])
        if known[-1:] == [digest]:
            return
        self._digests[key] = [*(other for other in known if other != digest), digest][-_REMEMBERED:]
        make_directory(self._path.parent)
        write_private(self._path, json.dumps(self._digests, indent=1, sort_keys=True).encode())

    def _read(self) -> dict[str, list[str]]:
        """The list; an unreadable one is as good as none, since then nothing is overwritten."""
        try:
            found = json.loads(self._path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(found, dict):
            return {}
        return {
            key: [digest for digest in digests if isinstance(digest, str)]
            for key, digests in found.items()
            if isinstance(digests, list)
        }
