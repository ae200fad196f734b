"""The cookie that entry leaves in a browser. Pure."""

from __future__ import annotations

import hashlib

from container.contract import ENTRY_SECONDS, EntryUse

_DIGEST_LENGTH = 8


def cookie_names(session_id: str, *, https: bool) -> tuple[str, ...]:
    """The names that are read, the best first.

    One of plain http is not believed where we are reached by https: anybody on the way could have
    set it. The session is part of the name because cookies know no ports: two sessions on one
    machine would take each other's place.
    """
    mark = hashlib.sha256(session_id.encode()).hexdigest()[:_DIGEST_LENGTH]
    best, plain = f"__Host-berth-{mark}", f"berth-{mark}"
    return (best,) if https else (best, plain)


def set_cookie(session_id: str, value: str, *, trustworthy: bool) -> str:
    """The ``Set-Cookie`` header.

    Where the browser trusts the connection it is one for frames of other sites too, kept apart by
    the site around the frame (CHIPS); elsewhere it cannot be, and serves in a tab alone.
    """
    *_, plain = names = cookie_names(session_id, https=False)
    name = names[0] if trustworthy else plain
    scope = "Secure; SameSite=None; Partitioned" if trustworthy else "SameSite=Lax"
    age = ENTRY_SECONDS[EntryUse.COOKIE]
    return f"{name}={value}; Path=/; Max-Age={age}; HttpOnly; {scope}"
