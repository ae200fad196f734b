"""Who asks. Every operation is given an :class:`Identity`; this is the one place that makes one.

In this form there is one: whoever holds the token that was made at the first start is ``admin``.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Literal

from api.problems import Problem, Reason

_CHALLENGE = (("WWW-Authenticate", 'Bearer realm="berth"'),)


@dataclass(frozen=True, slots=True)
class Identity:
    """A person or program that was recognised."""

    name: str
    role: Literal["admin", "member"]


class Gate:
    """Recognises whoever asks by their bearer token."""

    def __init__(self, token: str) -> None:
        self._digest = _digest(token)

    def recognize(self, authorization: str | None) -> Identity:
        """The identity behind an ``Authorization`` header; raises Problem Unauthorized."""
        scheme, _, token = (authorization or "").partition(" ")
        # Digests are compared, not tokens: equal lengths, and a time that tells nothing of either.
        known = hmac.compare_digest(_digest(token.strip()), self._digest)
        if scheme.lower() != "bearer" or not known:
            detail = "give the header 'Authorization: Bearer <token>' with the token of this Berth"
            raise Problem(Reason.UNAUTHORIZED, detail, headers=_CHALLENGE)
        return Identity("admin", "admin")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
