"""The token that opens the API: made once, kept in a file that its owner alone can read."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import tempfile
from pathlib import Path

import structlog

from crds.logs import register_secret

log = structlog.get_logger(__name__)

_BYTES = 32
_SHORTEST = 20


class TokenError(Exception):
    """The token's file cannot be used; the message says what to do."""


def read_or_make_token(path: Path) -> str:
    """The token in ``path``; made at the first start. Raises TokenError.

    Two programs that start at once get the same token: the file appears whole, and only once.
    """
    try:
        if not path.exists():
            _make(path)
        token = path.read_text(encoding="utf-8").strip()
        readable_by_others = path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)
    except (OSError, UnicodeDecodeError) as error:
        raise TokenError(f"{path}: the token cannot be read or made: {type(error).__name__}") from error
    if len(token) < _SHORTEST:
        raise TokenError(
            f"{path}: no token of at least {_SHORTEST} characters; delete the file for a new one"
        )
    if readable_by_others:
        log.warning("others can read the token's file; run chmod 600 on it", path=str(path))
    register_secret(token)
    return token


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    part = Path(name)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(part, path)  # unlike a rename, never takes the place of another's token
    finally:
        part.unlink(missing_ok=True)
