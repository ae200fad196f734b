"""What git says when it fails, made into a reason and words a person can act on. Pure."""

from __future__ import annotations

import base64
import re
from urllib.parse import quote

from container.given import Credentials
from container.log import one_line

MASK = "•••"


class GitFailure(Exception):
    """A git command failed.

    ``reason`` is CamelCase, ``message`` for people, ``said`` the end of what git and its hooks
    said; all without secrets.
    """

    def __init__(self, reason: str, message: str, said: str = "") -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.said = said


_REASONS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "NoSpace",
        ("no space left on device", "disk quota exceeded"),
        "there is no room left on the volume; free some, or choose a depth for a smaller clone",
    ),
    (
        "AuthenticationFailed",
        (
            "authentication failed",
            r"could not read (username|password)",
            "access denied",
            r"permission denied \(",
            "returned error: 40[13]",
            "terminal prompts disabled",
            "host key verification failed",
        ),
        "the server wants another login; check spec.source.credentialsSecret and the URL",
    ),
    (
        "RefNotFound",
        (
            "remote branch .* not found",
            "couldn't find remote ref",
            "not our ref",
            "did not match any",
            "reference is not a tree",
            r"not a valid (object|ref)",
            "no such remote ref",
        ),
        "the repository has no such branch, tag or commit; check spec.source.ref",
    ),
    (
        "RepositoryNotFound",
        (
            "repository .* not found",
            "repository not found",
            "does not appear to be a git repository",
            "repository .* does not exist",
            r"returned error: 4(04|10)",
            "no such repository",
            "not exported",
        ),
        "there is no such repository, or the login may not see it; check spec.source.url",
    ),
    (
        "Unreachable",
        (
            "could ?n.t (resolve|connect)",
            "could not (resolve|connect)",
            "(failed|unable) to connect",
            r"connection (refused|reset|timed out)",
            "timed out",
            "network is unreachable",
            "no route to host",
            "operation too slow",
            "early eof",
            "hung up",
            "rpc failed",
            r"returned error: (429|5\d\d)",
            r"\bssl\b",
            "certificate",
            "unexpected disconnect",
        ),
        "the server does not answer as it should",
    ),
)
"""Reason, what git says then (any of these), and what a person can do; the first match counts."""


def classify(stderr: str, credentials: Credentials | None) -> GitFailure:
    """Name the failure. Where git's own words are shown, credentials are taken out of them."""
    whole = scrub(stderr, credentials)
    said = one_line(_last_words(whole))
    for reason, patterns, message in _REASONS:
        if any(re.search(pattern, stderr, re.IGNORECASE) for pattern in patterns):
            return GitFailure(reason, f"{message} (git: {said})" if said else message, whole)
    message = f"git says: {said}" if said else "git failed and does not say why"
    return GitFailure("CloneFailed", message, whole)


def scrub(text: str, credentials: Credentials | None) -> str:
    """Take credentials out of a text, in every form a server or git may repeat them in."""
    if credentials is not None:
        for form in _forms(credentials):
            text = text.replace(form, MASK)
    return re.sub(r"\b([a-z][a-z0-9+.-]{0,20}://)[^/\s@]+@", rf"\1{MASK}@", text)


def _forms(credentials: Credentials) -> list[str]:
    password = credentials.password
    pair = f"{credentials.username}:{password}"
    encoded = [base64.b64encode(text.encode()).decode().rstrip("=") for text in (pair, password)]
    forms = {password, quote(password, safe=""), quote(password), *encoded}
    return sorted((form for form in forms if form), key=len, reverse=True)


def _last_words(stderr: str) -> str:
    """The line that matters: git's last ``fatal:`` or ``error:``; not what the server says of itself."""
    lines = [line.strip() for line in stderr.splitlines()]
    for word in ("fatal:", "error:"):
        for line in reversed(lines):
            if line.startswith(word):
                return line.removeprefix(word)
    return ""
