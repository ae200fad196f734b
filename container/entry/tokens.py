"""Entry tokens, made and read. Pure: the time is an argument, in seconds since 1970.

The algorithm is pinned, and a token serves at this session and for its one use alone. Expiry is
looked at here and not by the library, which would take the time from the machine.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass

import jwt

from container.contract import ENTRY_ALGORITHM, ENTRY_ISSUER, ENTRY_SECONDS, EntryUse, entry_claims
from container.entry.refusal import Refused, Why

LEEWAY = 30
"""Seconds by which the clocks of Berth and of this container may differ."""

SHORTEST_KEY = 32
"""Bytes: what HS256 asks for (RFC 7518, 3.2)."""

_LONGEST = 2048
"""Characters; ours have some 300."""
_REQUIRED = ["iss", "aud", "sub", "use", "iat", "exp", "jti"]
_JTI_BYTES = 16


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was read: signed with our key, for this session, and not expired."""

    use: EntryUse
    owner: str
    id: str
    issued: int
    expires: int


class Tokens:
    """Makes and reads the tokens of one session."""

    def __init__(self, key: bytes, session_id: str) -> None:
        self._key = key
        self._session_id = session_id

    def make(self, use: EntryUse, *, owner: str, now: int) -> str:
        """A token for an owner."""
        jti = secrets.token_urlsafe(_JTI_BYTES)
        claims = entry_claims(use, session_id=self._session_id, owner=owner, now=now, jti=jti)
        return jwt.encode(dict(claims), self._key, algorithm=ENTRY_ALGORITHM)

    def read(self, text: str, *, uses: Collection[EntryUse], now: int) -> Token:
        """The token if it is good for one of ``uses`` now; raises Refused."""
        token = _checked(self._decoded(text), uses)
        if token.issued > now + LEEWAY:
            raise Refused(
                Why.INVALID,
                f"the token was made in the future: the clocks of Berth and of this container differ by more "
                f"than {LEEWAY} seconds",
            )
        if token.expires + LEEWAY <= now:
            raise Refused(Why.EXPIRED, "the token has expired; open the session from Berth again")
        return token

    def _decoded(self, text: str) -> dict[str, object]:
        if len(text) > _LONGEST:
            raise _invalid()
        try:
            found: dict[str, object] = jwt.decode(
                text,
                self._key,
                algorithms=[ENTRY_ALGORITHM],
                audience=self._session_id,
                issuer=ENTRY_ISSUER,
                options={
                    "require": _REQUIRED,
                    "strict_aud": True,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except (jwt.InvalidTokenError, ValueError):
            raise _invalid() from None
        return found


def _checked(claims: dict[str, object], uses: Collection[EntryUse]) -> Token:
    """The claims as a token, if they are of our making."""
    use, owner, jti = claims["use"], claims["sub"], claims["jti"]
    issued, expires = claims["iat"], claims["exp"]
    if not (isinstance(use, str) and isinstance(owner, str) and isinstance(jti, str)) or use not in uses:
        raise _invalid()
    # `type`, since True is an int to isinstance.
    if type(issued) is not int or type(expires) is not int:
        raise _invalid()
    kind = EntryUse(use)
    if not 0 < expires - issued <= ENTRY_SECONDS[kind]:
        raise _invalid()
    return Token(kind, owner, jti, issued, expires)


def _invalid() -> Refused:
    return Refused(Why.INVALID, "the token is none of this session's; open the session from Berth")
