"""The keys under which secrets are sealed at rest, and the file they live in.

One key a line, ``<id> <32 bytes in base64>``; the first seals, all open. The ring follows its
file: a server that runs while keys are rotated neither loses a value nor seals under a key that
is about to go.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from records.errors import KeyFileInvalid, Unreadable

VARIABLE = "BERTH_ENCRYPTION_KEYS"
"""Holds the keys in place of a file: lines as in the file, or the same parted by commas."""

_ID = re.compile(r"[a-z0-9]{1,32}")
_KEY_BYTES = 32
_NONCE_BYTES = 12
_PRIVATE = 0o600
_HEADER = "# Keys of Berth's secrets. Keep a copy: without it no secret can be read.\n"


@dataclass(frozen=True, slots=True)
class RingKey:
    """One AES-256 key and the name that sealed values bear."""

    id: str
    key: bytes = field(repr=False)

    @classmethod
    def draw(cls) -> Self:
        """A new one, by chance."""
        return cls(secrets.token_hex(4), secrets.token_bytes(_KEY_BYTES))

    @classmethod
    def parse(cls, line: str, *, origin: str, number: int) -> Self:
        """Read one line; raise KeyFileInvalid, which shows nothing of it."""
        parts = line.split()
        try:
            name, text = parts
            key = base64.b64decode(text, validate=True)
        except (ValueError, binascii.Error):
            raise KeyFileInvalid(f"{origin}, line {number}: expected '<id> <key in base64>'") from None
        if not _ID.fullmatch(name):
            raise KeyFileInvalid(f"{origin}, line {number}: an id is 1 to 32 of a-z and 0-9")
        if len(key) != _KEY_BYTES:
            raise KeyFileInvalid(f"{origin}, line {number}: a key is {_KEY_BYTES} bytes in base64")
        return cls(name, key)

    def line(self) -> str:
        """As it stands in the file."""
        return f"{self.id} {base64.b64encode(self.key).decode()}\n"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A value under a key: nonce and AES-GCM ciphertext, in base64."""

    key_id: str
    text: str


class KeyRing:
    """Seals under the first key and opens with all."""

    def __init__(self, keys: Iterable[RingKey], *, path: Path | None = None) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._keys = _by_id(keys, origin=str(path or "the key ring"))

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._keys)})"

    @classmethod
    def load(cls, path: Path, env: Mapping[str, str]) -> Self:
        """The keys from the variable, or else from the file, which the first start makes.

        Raises:
            KeyFileInvalid: others may read the file, or it is none of ours.
        """
        if text := env.get(VARIABLE, "").strip():
            return cls(_parse(text.replace(",", "\n"), origin=VARIABLE))
        if not path.exists():
            _make(path)
        return cls(_read(path), path=path)

    @classmethod
    def drawn(cls) -> Self:
        """A ring of one key that no file holds: for a store that does not outlive its owner."""
        return cls([RingKey.draw()])

    @classmethod
    def rotate(cls, path: Path) -> Self:
        """Put a new key before the others in the file.

        :meth:`records.sql.SqlRecords.reseal` then seals all values under it; until it has, the
        old keys open them.
        """
        keys = _read(path)
        _write(path, [RingKey.draw(), *keys])
        return cls(_read(path), path=path)

    @classmethod
    def retire(cls, path: Path, *, in_use: Iterable[str]) -> Self:
        """Drop from the file the keys that seal nothing any more; never the first."""
        first, *rest = _read(path)
        needed = set(in_use)
        _write(path, [first, *(key for key in rest if key.id in needed)])
        return cls(_read(path), path=path)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, the current one first."""
        self._follow()
        return tuple(self._keys)

    def seal(self, value: bytes, *, name: str) -> Sealed:
        """Encrypt under the current key; ``name`` is authenticated, so that no value can be moved."""
        self._follow()
        key = next(iter(self._keys.values()))
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + AESGCM(key.key).encrypt(nonce, value, name.encode())
        return Sealed(key.id, base64.b64encode(sealed).decode())

    def open(self, sealed: Sealed, *, name: str) -> bytes:
        """Decrypt; raise Unreadable without the key, or where value or name were changed."""
        if sealed.key_id not in self._keys:
            self._follow()
        key = self._keys.get(sealed.key_id)
        if key is None:
            raise Unreadable(
                f"a secret is sealed under the key {sealed.key_id!r}, which is not in the key ring: "
                "put the key file of this database back"
            )
        raw = base64.b64decode(sealed.text)
        try:
            return AESGCM(key.key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError):
            raise Unreadable(
                f"a secret sealed under the key {sealed.key_id!r} was changed or damaged"
            ) from None

    def _follow(self) -> None:
        """Read the file again if it is another than the one seen last."""
        if self._path is None:
            return
        seen = _fingerprint(self._path)
        if seen is not None and seen != self._seen:
            self._keys = _by_id(_read(self._path), origin=str(self._path))
            self._seen = seen


def _fingerprint(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        # What was read at the start goes on serving; the next start will say that it is gone.
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _by_id(keys: Iterable[RingKey], *, origin: str) -> dict[str, RingKey]:
    found: dict[str, RingKey] = {}
    for key in keys:
        if key.id in found:
            raise KeyFileInvalid(f"{origin}: the id {key.id!r} is there twice")
        found[key.id] = key
    if not found:
        raise KeyFileInvalid(f"{origin}: holds no key")
    return found


def _parse(text: str, *, origin: str) -> list[RingKey]:
    lines = enumerate(text.splitlines(), start=1)
    return [
        RingKey.parse(line, origin=origin, number=number)
        for number, line in lines
        if line.strip() and not line.lstrip().startswith("#")
    ]


def _read(path: Path) -> list[RingKey]:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise KeyFileInvalid(f"the key file {path} cannot be read: {reason}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileInvalid(
            f"the key file {path} may be read by others (mode {stat.S_IMODE(mode):04o}): chmod 600 {path}"
        )
    return list(_by_id(_parse(text, origin=str(path)), origin=str(path)).values())


def _write(path: Path, keys: Iterable[RingKey]) -> None:
    """Replace the file at once: a crash leaves the old keys or the new ones, never half a line."""
    temporary = _temporary(path, keys)
    try:
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise KeyFileInvalid(f"the key file {path} cannot be written: {error.strerror}") from None


def _make(path: Path) -> None:
    """Make the file with one key. Of two processes that start at once, one makes it and both read it."""
    temporary: Path | None = None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = _temporary(path, [RingKey.draw()])
        # A link fails where the file exists, so that the second process cannot replace the first's.
        os.link(temporary, path)
    except FileExistsError:
        pass
    except OSError as error:
        raise KeyFileInvalid(f"the key file {path} cannot be made: {error.strerror}") from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _temporary(path: Path, keys: Iterable[RingKey]) -> Path:
    # mkstemp makes the file with mode 0600 from the first instant.
    try:
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(number, "w", encoding="ascii") as file:
            os.fchmod(number, _PRIVATE)
            file.write(_HEADER + "".join(key.line() for key in keys))
            file.flush()
            os.fsync(number)
    except OSError as error:
        raise KeyFileInvalid(f"the key file {path} cannot be written: {error.strerror}") from None
    return Path(name)
