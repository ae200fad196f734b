"""The rules of git URLs and refs.

A URL is never repeated in an error: what is wrong with it may be the password inside.
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from crds.rules import Rule

SCHEMES = ("https", "http", "ssh", "git", "file")

_MAX_URL = 2048
_MAX_REF = 255

# A leading hyphen would make an option of a user or host.
_WORD = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_SHORT = re.compile(rf"{_WORD}@{_WORD}:(?!/)[^\s:]+")
_UNFIT_IN_URL = re.compile(r"[\s\x00-\x1f\x7f]")

_UNFIT_IN_REF = re.compile(r"\.\.|@\{|//|[\\ ~^:?*\[\x00-\x1f\x7f]")

# Dokploy's builds are run by a shell on the host (FACTS-2 1): nothing that a shell would take for
# more than a part of a word gets there.
_PLAIN_URL = re.compile(r"[A-Za-z0-9._~:/@%+\[\]-]+")
_PLAIN_REF = re.compile(r"[A-Za-z0-9._/+-]+")

_REF_SCHEMA = {
    "minLength": 1,
    "maxLength": _MAX_REF,
    "pattern": r"^[^-/.\s~^:?*\[\\][^\s~^:?*\[\\]*$",
}

_URL_SCHEMA = {
    "maxLength": _MAX_URL,
    # No user but that of ssh: a cluster, too, keeps no password in a spec.
    "pattern": rf"^((https?|git)://[^/@\s]+/\S+|ssh://({_WORD}@)?[A-Za-z0-9_\[][^/@\s]*/\S+"
    rf"|file:///\S+|{_WORD}@{_WORD}:\S+)$",
    "examples": ["https://github.com/acme/app"],
}


def check_git_url(value: str) -> str:
    """A URL that git clones from, or the short form of ssh; raises ValueError with the remedy."""
    if len(value) > _MAX_URL:
        raise ValueError(f"a git URL has at most {_MAX_URL} characters")
    if _UNFIT_IN_URL.search(value):
        raise ValueError("a git URL has no spaces or control characters")
    if _SHORT.fullmatch(value):
        return value
    parts = _split(value)
    if parts.scheme not in SCHEMES:
        raise ValueError("a git URL begins with https://, http://, ssh://, git://, file:// or user@host:")
    # The user of ssh is no secret; that of https is where tokens are put.
    if parts.password is not None or (parts.username is not None and parts.scheme != "ssh"):
        raise ValueError(
            "no credentials in a URL: put them into a Secret and name it in source.credentialsSecret"
        )
    if parts.scheme == "file":
        _check_file(parts)
    else:
        _check_remote(parts)
    return value


def _split(value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        # "from None", and in our own words: the library's would show the URL.
        raise ValueError("not a URL: its host or port cannot be read") from None
    if port == 0:
        raise ValueError("not a URL: its host or port cannot be read")
    return parts


def _check_file(parts: SplitResult) -> None:
    if parts.netloc or not parts.path.strip("/"):
        raise ValueError("a file URL has three slashes and an absolute path: file:///srv/repo.git")


def _check_remote(parts: SplitResult) -> None:
    user, host = parts.username, parts.hostname or ""
    if user is not None and not re.fullmatch(_WORD, user):
        raise ValueError("the user of an ssh URL has letters, digits, '.', '_' and '-', no hyphen first")
    # An IPv6 address was read by the split.
    if not (re.fullmatch(_WORD, host) or ":" in host) or not parts.path.strip("/"):
        raise ValueError("a git URL names a host and a path: https://github.com/acme/app")


def check_build_url(value: str) -> str:
    """A URL that Dokploy builds from; raises ValueError."""
    check_git_url(value)
    if not value.startswith(("https://", "http://")):
        # FACTS 13: everything else is taken for ssh and wants a key that Berth does not manage.
        raise ValueError("Dokploy builds from https:// and http:// repositories only")
    if not _PLAIN_URL.fullmatch(value):
        raise ValueError("a URL to build from has letters, digits and . _ ~ : / @ % + - [ ] only")
    return value


def check_build_ref(value: str) -> str:
    """A branch or tag that Dokploy builds; raises ValueError."""
    check_git_ref(value)
    if not _PLAIN_REF.fullmatch(value):
        raise ValueError("a ref to build has letters, digits and . _ / + - only")
    return value


def check_git_ref(value: str) -> str:
    """The name of a branch, tag or commit, by the rules of git-check-ref-format; raises ValueError."""
    parts = value.split("/")
    if (
        len(value) > _MAX_REF
        or value.startswith("-")
        or value.endswith(".")
        or value == "@"
        or _UNFIT_IN_REF.search(value)
        or any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
    ):
        raise ValueError("not the name of a git branch, tag or commit, such as main or v1.2")
    return value


GitUrl = Annotated[str, Rule(check_git_url, _URL_SCHEMA)]
"""Where a repository is cloned from."""

BuildUrl = Annotated[
    str,
    Rule(
        check_build_url,
        {"maxLength": _MAX_URL, "pattern": r"^https?://[A-Za-z0-9._~:%+\[\]-]+/[A-Za-z0-9._~:/@%+\[\]-]+$"},
    ),
]
"""Where Dokploy clones from to build."""

GitRef = Annotated[str, Rule(check_git_ref, _REF_SCHEMA)]
"""Branch, tag or commit."""

BuildRef = Annotated[
    str, Rule(check_build_ref, {"minLength": 1, "maxLength": _MAX_REF, "pattern": r"^[A-Za-z0-9._/+-]+$"})
]
"""Branch or tag that Dokploy builds."""
