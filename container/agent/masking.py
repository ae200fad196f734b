"""Takes the secrets that we hold out of what an agent's program says of its own end.

Held are the git password, the key of the entry tokens, every text in a login file (as given, and as it
is now: an agent renews its tokens), the environment's variables whose names stand for a secret, and
passwords in its URLs.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from container.given import Secrets

_MASK = "•••"
_MIN_LENGTH = 8
"""A shorter text is too common to be a secret, and could make any sentence unreadable."""
_MAX_BYTES = 1024 * 1024
_MAX_FILES = 20
_MAX_SECRETS = 2000
_NAMES = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_IN_URL = re.compile(r"://[^/@\s:]*:([^/@\s]+)@")
_DEPTH = 10


class Mask:
    """Secrets by value. ``home`` is that of the agents: login files lie in its hidden directories."""

    def __init__(self, given: Secrets, environ: Mapping[str, str], home: Path) -> None:
        self._home = home
        held = {value for name, value in environ.items() if _NAMES.search(name)}
        held.update(found for value in environ.values() for found in _IN_URL.findall(value))
        if given.git is not None:
            held.add(given.git.password)
        if given.token_key is not None:
            held.add(given.token_key)
        for file in given.auth_files:
            held.update(_texts_of(_decoded(file.content)))
        self._held = frozenset(filter(_is_long, held))

    def __call__(self, text: str) -> str:
        """The text with every secret in it replaced, in any form that it is usually written in."""
        held = set(self._held)
        held.update(filter(_is_long, _in_login_files(self._home)))
        # The longest first: one may be a part of another.
        for secret in sorted(held, key=len, reverse=True)[:_MAX_SECRETS]:
            for form in _forms(secret):
                text = text.replace(form, _MASK)
        return text


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield json.dumps(secret)[1:-1]
    yield quote(secret, safe="")
    yield base64.b64encode(secret.encode(errors="replace")).decode().rstrip("=")


def _is_long(value: str) -> bool:
    return len(value) >= _MIN_LENGTH


def _in_login_files(home: Path) -> Iterator[str]:
    try:
        files = [path for path in home.glob(".*/*.json") if path.is_file()]
    except OSError:
        return
    for path in files[:_MAX_FILES]:
        try:
            with path.open("rb") as file:
                yield from _texts_of(file.read(_MAX_BYTES))
        except OSError:
            continue


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode(content)
    except (binascii.Error, ValueError):
        return content.encode(errors="replace")


def _texts_of(content: bytes) -> Iterator[str]:
    """The texts of a JSON file; of any other, its words."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        yield from content.decode(errors="replace").split()
    else:
        yield from _texts(data)


def _texts(data: object, depth: int = 0) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif depth < _DEPTH and isinstance(data, dict | list):
        for value in data.values() if isinstance(data, dict) else data:
            yield from _texts(value, depth + 1)
