"""Where repositories are: git's forms of a URL read into one, so that two spellings can be compared. Pure.

git takes ``scheme://[user@]host[:port]/path`` and, as the short form of ssh, ``[user@]host:path``.
Whether a URL may be declared at all is decided in :mod:`crds.git`; here every form that git clones
from is understood, and nothing is refused that is declared there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_FAMILIES = {
    "https": "http",
    "http": "http",
    "ssh": "ssh",
    "git+ssh": "ssh",
    "ssh+git": "ssh",
    "git": "git",
    "file": "file",
}
_PORTS = {"https": 443, "http": 80, "ssh": 22, "git+ssh": 22, "ssh+git": 22, "git": 9418}
_SHORT = re.compile(r"(?:(?P<user>[^:/\s]+)@)?(?P<host>\[[^\]\s/]+\]|[^\[\]:/@\s]+):(?P<path>(?!:)[^\s]+)")


@dataclass(frozen=True, slots=True)
class Address:
    """A repository's place: its server and the path there.

    ``family`` is ``http`` (https, too), ``ssh``, ``git`` or ``file``; ``host`` is in lower case;
    ``port`` is None where it is the scheme's own; ``path`` has no slash at its ends and no ``.git``.
    """

    family: str
    host: str
    port: int | None
    path: str
    user: str | None = None
    has_password: bool = False


def address_of(url: str) -> Address | None:
    """The address that a URL names; None for what is no URL of git's."""
    if "://" not in url:
        return _of_path(url) if url.startswith("/") else _of_short_form(url)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    family = _FAMILIES.get(parts.scheme)
    if family is None or (family != "file" and not host):
        return None
    path = url.partition("://")[2].partition("/")[2]
    return Address(
        family,
        host,
        None if port == _PORTS.get(parts.scheme) else port,
        _plain(path),
        unquote(parts.username) if parts.username else None,
        parts.password is not None,
    )


def same_repository(one: str, other: str) -> bool:
    """Whether two URLs name one repository, however they are spelled.

    Ssh and https of one host and path count as the same: a person may clone by the one and push by
    the other. Ports are compared where both are of one kind, since each kind has its own.
    """
    a, b = address_of(one), address_of(other)
    if a is None or b is None:
        return one == other
    if a.family == b.family:
        return (a.host, a.port, a.path) == (b.host, b.port, b.path)
    return (a.host, a.path) == (b.host, b.path)


def server_of(url: str) -> str | None:
    """The server of an http or https URL as ``scheme://host[:port]``, without the scheme's own port."""
    scheme, mark, rest = url.partition("://")
    if not mark or _FAMILIES.get(scheme) != "http":
        return None
    host = rest.partition("/")[0].rpartition("@")[2].lower()
    return f"{scheme}://{host.removesuffix(f':{_PORTS[scheme]}')}"


def before_path(url: str) -> str:
    """What of a URL or short form stands before the path, with the slash."""
    if "://" in url:
        scheme, _, rest = url.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}/"
    match = _SHORT.fullmatch(url)
    path = match["path"] if match else url
    return url.removesuffix(path) + "/" * path.startswith("/")


def shown(url: str) -> str:
    """A URL as it may be shown: without user and password, if it is one of http."""
    scheme, mark, rest = url.partition("://")
    server, slash, path = rest.partition("/")
    if not mark or "@" not in server or _FAMILIES.get(scheme) == "ssh":
        return url
    return f"{scheme}://{server.rpartition('@')[2]}{slash}{path}"


def _of_short_form(url: str) -> Address | None:
    match = _SHORT.fullmatch(url)
    if match is None:
        return None
    host, path = match["host"].strip("[]").lower(), match["path"]
    # Without a user, an "@" there is behind a password: user:password@host:path.
    has_password = match["user"] is None and "@" in path.partition("/")[0]
    return Address("ssh", host, None, _plain(path), match["user"], has_password)


def _of_path(path: str) -> Address:
    return Address("file", "", None, _plain(path))


def _plain(path: str) -> str:
    """A path as it is compared: decoded, without slashes at its ends and git's own ending."""
    plain = re.sub("/+", "/", unquote(path)).strip("/")
    return plain.removesuffix("/.git").removesuffix(".git").rstrip("/")
