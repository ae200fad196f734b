"""The rules of git URLs and refs.

A URL is never repeated in an error: what is wrong with it may be the password inside.
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from crds.rules import Rule, matching

SCHEMES = ("https", "http", "ssh", "git+ssh", "ssh+git", "git", "file")
_OF_SSH = frozenset({"ssh", "git+ssh", "ssh+git"})

_MAX_URL = 2048
_MAX_REF = 255

# A leading hyphen would make an option of a user or host. An ssh user may be an e-mail address.
_WORD = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_SSH_USER = r"[A-Za-z0-9_][A-Za-z0-9._%+~@=-]*"
_ADDRESS = r"\[[A-Za-z0-9:._%-]+\]"
_SHORT_PATH = r"(/[^/\s]\S*|[^\s:/-]\S*)"
# Without a user, an '@' in the first part of the path would be behind a password: user:password@host:path.
_SHORT_PATH_WITHOUT_USER = r"(/[^/\s]\S*|[^\s:/@-][^\s/@]*(/\S*)?)"
_SHORT_FORM = (
    rf"({_SSH_USER}@({_WORD}|{_ADDRESS}):{_SHORT_PATH}|({_WORD}|{_ADDRESS}):{_SHORT_PATH_WITHOUT_USER})"
)
_SHORT = re.compile(_SHORT_FORM)
_SHORT_WITH_PASSWORD = re.compile(r"[^/@\s]+:[^/@\s]*@[^/\s]+:\S*")

_UNFIT_IN_REF = re.compile(r"\.\.|@\{|//|[\\ ~^:?*\[\x00-\x1f\x7f]")

# Tokens are put where a user's name belongs: those of the large forges by their beginnings, others by
# their look.
_TOKEN = re.compile(
    r"gh[a-z]_\S+|github_pat_\S+|gl[a-z]{2,6}-\S+|ATBB\S+|ATCTT\S+|ATATT\S+|hf_\S+|[0-9a-f]{32,}"
    r"|(?=\S*[0-9])(?=\S*[A-Za-z])[A-Za-z0-9_-]{40,}"
)

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
    # A user, but no password: a cluster, too, keeps none in a spec.
    "pattern": rf"^(https?://([^/:@\s]+@)?[^/@\s]+/\S+|git://[^/@\s]+/\S+"
    rf"|(ssh|git\+ssh|ssh\+git)://({_SSH_USER}@)?[A-Za-z0-9_\[][^/@\s]*/\S+"
    rf"|file:///\S+|{_SHORT_FORM})$",
    "examples": ["https://github.com/acme/app"],
}

_NO_CREDENTIALS = (
    "no credentials in a URL: put them into a Secret and name it in source.credentialsSecret; "
    "a user name without a password may stay"
)
_FORMS = (
    "a git URL begins with https://, http://, ssh://, git:// or file://, "
    "or is [user@]host:path, the short form of ssh"
)


def check_git_url(value: str) -> str:
    """A URL in any form that git clones from over the network, or of a file; raises ValueError.

    The error names the form to write.
    """
    if len(value) > _MAX_URL:
        raise ValueError(f"a git URL has at most {_MAX_URL} characters")
    if any(character.isspace() or not character.isprintable() for character in value):
        raise ValueError("a git URL has no spaces or control characters; write a space in a path as %20")
    scheme, mark, _ = value.partition("://")
    if not mark:
        return _check_short(value)
    if scheme not in SCHEMES:
        remedy = f"; write {scheme.lower()}:// in lower case" if scheme.lower() in SCHEMES else ""
        raise ValueError(f"{_FORMS}{remedy}")
    parts = _split(value)
    # Also an empty one: nobody writes the colon for nothing.
    if parts.password is not None or (parts.username is not None and not _may_be_user(parts)):
        raise ValueError(_NO_CREDENTIALS)
    if parts.scheme == "file":
        _check_file(parts)
    else:
        _check_remote(parts)
    return value


def _check_short(value: str) -> str:
    if _SHORT_WITH_PASSWORD.fullmatch(value):
        raise ValueError(_NO_CREDENTIALS)
    host = value.rpartition("@")[2].partition(":")[0]
    # "https:/host/x" is a slip, and git would look for a host of that name.
    if _SHORT.fullmatch(value) and host not in SCHEMES:
        return value
    if value.startswith("/"):
        raise ValueError(f"a repository on the machine is written file://{value}")
    raise ValueError(_FORMS)


def _may_be_user(parts: SplitResult) -> bool:
    """Whether what stands before the ``@`` is a user's name, and no token in its place."""
    user = parts.username or ""
    if parts.scheme in _OF_SSH:
        return True
    return parts.scheme in {"https", "http"} and bool(user) and not _TOKEN.fullmatch(user)


def _split(value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
    except ValueError:
        # "from None", and in our own words: the library's would show the URL.
        raise ValueError("not a URL: its host or port cannot be read") from None
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        remedy = ""
        if parts.scheme in _OF_SSH and parts.password is None:
            remedy = "; after ssh://host: stands a number, and the short form user@host:path has no ssh://"
        raise ValueError(f"not a URL: its host or port cannot be read{remedy}")
    return parts


def _check_file(parts: SplitResult) -> None:
    if parts.netloc or not parts.path.strip("/"):
        raise ValueError("a file URL has three slashes and an absolute path: file:///srv/repo.git")


def _check_remote(parts: SplitResult) -> None:
    user, host = parts.username, parts.hostname or ""
    if user is not None and parts.scheme in _OF_SSH and not re.fullmatch(_SSH_USER, user):
        raise ValueError("the user of an ssh URL has letters, digits and '. _ % + ~ @ = -', no hyphen first")
    if not host.isascii():
        raise ValueError("the host of a git URL is written in ASCII: its form that begins with xn--")
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
        {
            "maxLength": _MAX_URL,
            "pattern": r"^https?://([A-Za-z0-9._~%+-]+@)?[A-Za-z0-9._~:%+\[\]-]+/[A-Za-z0-9._~:/@%+\[\]-]+$",
        },
    ),
]
"""Where Dokploy clones from to build."""

GitRef = Annotated[str, Rule(check_git_ref, _REF_SCHEMA)]
"""Branch, tag or commit."""

BuildRef = Annotated[
    str, Rule(check_build_ref, {"minLength": 1, "maxLength": _MAX_REF, "pattern": r"^[A-Za-z0-9._/+-]+$"})
]
"""Branch or tag that Dokploy builds."""

# git writes "name <address>": neither may hold what parts the two, nor a line break.
AuthorName = Annotated[
    str,
    matching(
        r"[^\s<>\x00-\x1f\x7f]([^<>\x00-\x1f\x7f]*[^\s<>\x00-\x1f\x7f])?",
        "a name on one line, without < and >",
        most=200,
    ),
]
"""The name of who commits."""

AuthorEmail = Annotated[
    str,
    matching(
        r"[^\s<>@\x00-\x1f\x7f]+@[^\s<>@\x00-\x1f\x7f]+",
        "an address such as ann@example.com, without < and >",
        most=254,
    ),
]
"""The address of who commits."""
