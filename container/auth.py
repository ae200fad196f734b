"""Login files: decoded and put where each provider looks for them, never over a refreshed one.

The refresh tokens of Codex and Claude are single-use. Once a login has been refreshed in here, the
copy that the container was started with is dead, and writing it again would log the agent out.
So a small list on the data volume remembers (by SHA-256) what was ever injected, and a file is
written only where there is none, or where the one there is still exactly what an earlier injection
wrote and something else was given since. Whoever wants a newer login to take the place of a
refreshed one says so (:data:`container.contract.TAKE_LOGINS`), once for each time it is said.

The same list tells which files came from outside. One that is no longer given is removed, refreshed
or not: it is the same login. What was never injected was made in here, and stays.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Literal

from container.files import PRIVATE_FILE, make_private_directory, write_private
from container.given import AuthFile
from container.injected import Injected

MANIFEST = "auth-files.json"
_MAX_BYTES = 1024 * 1024
_MAX_NAME_BYTES = 200
_PROVIDER = re.compile(r"[a-z0-9][a-z0-9-]*")


Newer = Literal["take", "leave"]
"""What is done with a newer login where the file in the container was refreshed."""


class Placement(Enum):
    """What became of one login file."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    """The one in the container was refreshed from the given one: it stays."""
    UNUSED = "unused"
    """The one in the container was refreshed or made there, and another one is given: it stays."""
    REMOVED = "removed"
    """It is no longer given."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Placed:
    """One login file; ``message`` says why it is not the given one."""

    provider: str
    name: str
    placement: Placement
    message: str = ""


def provider_home(home: Path, provider: str) -> Path:
    """Where a provider's tool looks for its files: ``~/.codex``, ``~/.claude``, ``~/.<any other>``."""
    return home / f".{provider}"


def place(files: Iterable[AuthFile], *, home: Path, data: Path, take: str = "") -> tuple[Placed, ...]:
    """Put login files in place, and remove those that are no longer given; told in words, never raised.

    ``take`` asks for newer logins in place of refreshed ones. It is carried out once: what was
    written by it may be refreshed again, and is then the newer one.
    """
    injected = Injected(data / MANIFEST)
    # Without its list nobody knows whether the refreshed file is older or newer than the given one.
    taking = bool(take) and take != injected.taken and injected.readable
    seen: set[tuple[str, str]] = set()
    placed = []
    for file in files:
        try:
            placed.append(_place(file, home, injected, seen, newer="take" if taking else "leave"))
        except _Refused as refused:
            placed.append(Placed(file.provider, _shown(file.name), Placement.REFUSED, str(refused)))
        except OSError as error:
            message = f"{_shown(file.name)} cannot be written: {error.strerror}"
            placed.append(Placed(file.provider, _shown(file.name), Placement.REFUSED, message))
    unnamed = {file.provider for file in placed if (file.provider, file.name) not in seen}
    placed += _remove_others(seen, unnamed, home, injected)
    if take and take != injected.taken:
        with contextlib.suppress(OSError):  # it is then carried out again, which changes nothing
            injected.take(take)
    return tuple(placed)


class _Refused(Exception):
    """A login file that must not be written; the text says why."""


def _place(
    file: AuthFile, home: Path, injected: Injected, seen: set[tuple[str, str]], *, newer: Newer
) -> Placed:
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
        injected.add(key, digest)
        return Placed(file.provider, name, Placement.UNCHANGED)
    known = injected.of(key)
    refreshed = there is not None and there not in known
    if refreshed and (digest in known or newer == "leave"):
        return _left(file.provider, name, digest, known)
    # Remembered first: a start that ends between the two lines must not take its own file for one
    # that was refreshed here.
    injected.add(key, digest)
    write_private(path, content)
    return Placed(file.provider, name, Placement.WRITTEN)


def _left(provider: str, name: str, given: str, known: tuple[str, ...]) -> Placed:
    """The file in the container stays: it was refreshed or made there."""
    if given in known[-1:]:
        return Placed(provider, name, Placement.KEPT, f"{name} was refreshed in the container")
    if given in known:
        message = f"an earlier login was given and is not used: {name} was refreshed in the container since"
    else:
        message = (
            f"a newer login was given and is not used: {name} was refreshed or made in the container; "
            "take the given one with berth restart --take-logins"
        )
    return Placed(provider, name, Placement.UNUSED, message)


def _remove_others(
    given: set[tuple[str, str]], unnamed: set[str], home: Path, injected: Injected
) -> Iterable[Placed]:
    """Remove what was injected and is no longer given.

    Nothing of a provider in ``unnamed``: which of its files was meant by one that has no usable
    name, nobody knows.
    """
    for key in injected.files():
        provider, _, name = key.partition("/")
        if (provider, name) in given or provider in unnamed or not _is_ours(provider, name):
            continue
        try:
            (provider_home(home, provider) / name).unlink(missing_ok=True)
            # Forgotten after: a start that ends in between finds nothing to remove, and forgets it then.
            injected.forget(key)
        except OSError as error:
            message = f"{name} is no longer given and cannot be removed: {error.strerror}"
            yield Placed(provider, name, Placement.REFUSED, message)
            continue
        yield Placed(provider, name, Placement.REMOVED, f"{name} is no longer given and was removed")


def _is_ours(provider: str, name: str) -> bool:
    """Whether a key names a login file: everybody in the container may write to the list."""
    return bool(_PROVIDER.fullmatch(provider)) and name not in {"", ".", ".."} and "/" not in name


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
