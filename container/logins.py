"""Which providers are logged in, by what lies in their homes. Nothing of a login is ever printed.

What a file tells is its own claim: a login that the provider revoked looks like any other until it
is used.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from container.auth import Placed, Placement, provider_home
from container.contract import AuthReport, wrong_with_credential

_MAX_BYTES = 1024 * 1024


class Login(Enum):
    """How a provider's login stands."""

    LOGGED_IN = "LoggedIn"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    ABSENT = "Absent"


@dataclass(frozen=True, slots=True)
class Standing:
    """A login and what a person should know of it; ``note`` is what they should know although it serves."""

    login: Login
    message: str
    note: str = ""


_KEYS = {
    "codex": ("OPENAI_API_KEY", "CODEX_API_KEY"),
    "claude": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"),
}
"""Variables that stand for a login."""


def logins(
    providers: Iterable[str],
    placed: Iterable[Placed],
    *,
    home: Path,
    environ: Mapping[str, str],
    now: datetime,
) -> list[AuthReport]:
    """One report for each provider, sorted by name.

    Told are ``providers``, those that a file was given for, and those that somebody logged in here.
    """
    given: dict[str, list[Placed]] = {}
    for file in placed:
        if file.placement is Placement.REMOVED:
            continue
        given.setdefault(file.provider, []).append(file)
    reports: list[AuthReport] = []
    here = [name for name, (file, _) in _READERS.items() if (provider_home(home, name) / file).is_file()]
    for provider in sorted({*providers, *given, *here}):
        standing = _standing(provider, given.get(provider, []), home, environ, now)
        report: AuthReport = {
            "provider": provider,
            "state": standing.login.value,
            "message": standing.message,
        }
        reports.append({**report, "note": standing.note} if standing.note else report)
    return reports


def _standing(
    provider: str, given: list[Placed], home: Path, environ: Mapping[str, str], now: datetime
) -> Standing:
    refused = [file.message for file in given if file.placement is Placement.REFUSED]
    if refused:
        return Standing(Login.INVALID, "; ".join(refused))
    kept = (file.message for file in given if file.placement is Placement.KEPT)
    unused = "; ".join(file.message for file in given if file.placement is Placement.UNUSED)
    found = _found(provider, given, provider_home(home, provider), now)
    if found.login is not Login.LOGGED_IN:
        key = next((name for name in _KEYS.get(provider, ()) if environ.get(name)), None)
        if key is not None:
            return _by_key(key, environ[key])
    return Standing(found.login, "; ".join(filter(None, (found.message, *kept, unused))), unused)


def _by_key(name: str, value: str) -> Standing:
    wrong = wrong_with_credential(value)
    if wrong is not None:
        return Standing(Login.INVALID, f"the variable {name} {wrong}; correct it or its secret")
    return Standing(Login.LOGGED_IN, f"by the variable {name}")


def _found(provider: str, given: list[Placed], directory: Path, now: datetime) -> Standing:
    known = _READERS.get(provider)
    if known is None:
        if given and all((directory / file.name).is_file() for file in given):
            return Standing(
                Login.LOGGED_IN, "its files are in place; whether they still serve only a use tells"
            )
        return Standing(Login.ABSENT, "no login file was given")
    name, read = known
    try:
        with (directory / name).open("rb") as file:
            content = json.loads(file.read(_MAX_BYTES))
    except FileNotFoundError:
        return Standing(Login.ABSENT, f"there is no {name}; log in, or give the login file")
    except OSError as error:
        return Standing(Login.INVALID, f"{name} cannot be read: {error.strerror}")
    except (ValueError, RecursionError):
        return Standing(Login.INVALID, f"{name} is no JSON; log in again")
    if not isinstance(content, dict):
        return Standing(Login.INVALID, f"{name} is no login file; log in again")
    return read(content, name, now)


def _codex(content: dict[str, Any], name: str, now: datetime) -> Standing:
    if _text(content.get("OPENAI_API_KEY")):
        return Standing(Login.LOGGED_IN, "by an API key")
    tokens = content.get("tokens")
    tokens = tokens if isinstance(tokens, dict) else {}
    access = _text(tokens.get("access_token"))
    return _by_tokens(name, access, _text(tokens.get("refresh_token")), _jwt_expiry(access), now)


def _claude(content: dict[str, Any], name: str, now: datetime) -> Standing:
    login = content.get("claudeAiOauth")
    login = login if isinstance(login, dict) else {}
    milliseconds = login.get("expiresAt")
    expiry = _time(milliseconds / 1000) if isinstance(milliseconds, int | float) else None
    return _by_tokens(name, _text(login.get("accessToken")), _text(login.get("refreshToken")), expiry, now)


def _by_tokens(name: str, access: str, refresh: str, expiry: datetime | None, now: datetime) -> Standing:
    if refresh:
        # An access token lives for hours; with a refresh token the agent renews it by itself.
        return Standing(Login.LOGGED_IN, "renews itself when it is used")
    if not access:
        return Standing(Login.INVALID, f"{name} holds no token; log in again")
    if expiry is None:
        return Standing(Login.LOGGED_IN, "it does not tell when it ends")
    ends = f"{expiry:%Y-%m-%d %H:%M} UTC"
    if expiry <= now:
        return Standing(Login.EXPIRED, f"it ended at {ends} and cannot renew itself; log in again")
    return Standing(Login.LOGGED_IN, f"until {ends}")


_READERS: dict[str, tuple[str, Callable[[dict[str, Any], str, datetime], Standing]]] = {
    "codex": ("auth.json", _codex),
    "claude": (".credentials.json", _claude),
}
"""The login file of each provider that we know, and how it is read."""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _jwt_expiry(token: str) -> datetime | None:
    """The ``exp`` of a JSON Web Token (RFC 7519, 4.1.4); its signature is not ours to check."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - head, claims, signature
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    expiry = claims.get("exp") if isinstance(claims, dict) else None
    return _time(expiry) if isinstance(expiry, int | float) else None


def _time(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
