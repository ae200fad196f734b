"""The addresses that previews are seen under: each holds a key of its port.

A page in the sandbox sends no cookie when it asks its own server, so what lets it in is that it
knows where it is. The keys are drawn anew at each start of the container, and an address is told
only to who may enter the app.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from enum import Enum

from container.refusal import Refusal, Why

PREFIX = "/preview"
MAX_PORT = 65_535
_PORT = re.compile(r"[1-9][0-9]{0,4}")


class Passing(Enum):
    """Which part of an address reaches the program."""

    SHORT = "short"
    """What comes after the prefix: for a program that believes to be at the top of its server."""
    WHOLE = "whole"
    """All of it: for a program that was told the prefix, as by ``vite --base``."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What an address leads to; ``prefix`` is what it begins with, and ends in ``/``."""

    port: int
    passing: Passing
    prefix: str


class Addresses:
    """Makes addresses, and knows those it made."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def of(self, port: int, passing: Passing) -> str:
        """Where a port is seen: a path of the app that ends in ``/``. Raises Refusal for no port."""
        if not 1 <= port <= MAX_PORT:
            raise Refusal(Why.INVALID, "port", f"must be from 1 to {MAX_PORT}")
        return f"{PREFIX}/{port}/{self._key(port, passing)}/"

    def find(self, path: str) -> Seen | None:
        """What a path of the app leads to; None where it is no address that was made."""
        match path.split("/", 4):
            case ["", "preview", port, key, _] if _PORT.fullmatch(port) and key.isascii():
                for passing in Passing:
                    if hmac.compare_digest(self._key(int(port), passing), key):
                        return Seen(int(port), passing, f"{PREFIX}/{port}/{key}/")
        return None

    def _key(self, port: int, passing: Passing) -> str:
        return hmac.new(self._secret, f"{port} {passing.value}".encode(), hashlib.sha256).hexdigest()[:32]
