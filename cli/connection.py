"""Where the running Berth is: named by hand, or found in its home.

``--server`` or ``BERTH_URL`` with ``BERTH_TOKEN`` name one anywhere; otherwise ``BERTH_HOME`` (by
default the platform's place for a user's data) holds ``api.json`` and ``token`` of the one that
runs there. The token of a home is sent to the server of that home alone: a URL given by hand must
come with its own, or a mistyped one would be handed the key.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cli.failures import ExitCode, Failure

START = "start it with: berth up"
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy")


@dataclass(frozen=True, slots=True)
class Connection:
    """One server: where, with which token, and how we know of it (for error messages)."""

    url: str
    token: str = field(repr=False)
    found: str
    pid: int | None = None
    proxy: str | None = field(default=None, repr=False)
    """URL of the proxy that leads to it; never used for a server of this machine."""
    unused_proxy: str | None = None
    """A variable that names a proxy for others, such as HTTPS_PROXY; None if there is none."""

    @property
    def local(self) -> bool:
        """Whether it is on this machine, so that no proxy stands between."""
        from container.outgoing import is_here  # noqa: PLC0415 - brings the HTTP library with it

        return is_here(urlsplit(self.url).hostname or "")


def home(environment: Mapping[str, str]) -> Path:
    """The directory that holds all state of a Berth: ``BERTH_HOME``, or the platform's place."""
    declared = environment.get("BERTH_HOME")
    if declared:
        return Path(declared).expanduser()
    from platformdirs import user_data_dir  # noqa: PLC0415 - not needed when the home is named

    return Path(user_data_dir("berth"))


def locate(environment: Mapping[str, str], *, server: str | None = None) -> Connection:
    """The server to talk to.

    Raises:
        Failure: none is named and none runs in the home, or its token is missing.
    """
    named = server or environment.get("BERTH_URL")
    running = _running(home(environment))
    if named:
        source = "--server" if server else "BERTH_URL"
        return _named(named, source=source, environment=environment, running=running)
    place = home(environment)
    if running is None:
        raise Failure(
            f"no Berth runs here: there is no {place / 'api.json'}",
            code=ExitCode.UNREACHABLE,
            remedy=f"{START} (or set BERTH_URL and BERTH_TOKEN, or BERTH_HOME, to one that runs elsewhere)",
        )
    url, pid = running
    token = environment.get("BERTH_TOKEN") or _token(place)
    return Connection(url=url, token=token, found=str(place / "api.json"), pid=pid)


def alive(pid: int) -> bool:
    """Whether a process of this id runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _named(
    url: str, *, source: str, environment: Mapping[str, str], running: tuple[str, int | None] | None
) -> Connection:
    url = url.rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise Failure(
            f"{source} is not the URL of a server",
            code=ExitCode.USAGE,
            remedy="https://berth.example.com or http://127.0.0.1:PORT, without user or password",
        )
    token = environment.get("BERTH_TOKEN")
    if not token and running is not None and running[0] == url:
        token = _token(home(environment))
    if not token:
        raise Failure(
            f"no token for the server that {source} names",
            code=ExitCode.NOT_AUTHORISED,
            remedy="set BERTH_TOKEN to its token",
        )
    proxy = environment.get("BERTH_PROXY") or None
    unused = next((name for name in _PROXIES if environment.get(name)), None)
    return Connection(url=url, token=token, found=source, proxy=proxy, unused_proxy=None if proxy else unused)


def _running(place: Path) -> tuple[str, int | None] | None:
    path = place / "api.json"
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    url, pid = (said.get("url"), said.get("pid")) if isinstance(said, dict) else (None, None)
    if not isinstance(url, str):
        raise Failure(f"{path} names no url", code=ExitCode.UNREACHABLE, remedy=START)
    return url.rstrip("/"), pid if isinstance(pid, int) else None


def _token(place: Path) -> str:
    path = place / "token"
    try:
        token = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        token = ""
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if not token:
        raise Failure(f"{path} holds no token", code=ExitCode.NOT_AUTHORISED, remedy="set BERTH_TOKEN")
    return token


def _unreadable(path: Path, error: Exception) -> Failure:
    words = error.strerror if isinstance(error, OSError) and error.strerror else "it is not what Berth writes"
    return Failure(f"{path} cannot be read: {words}", code=ExitCode.UNREACHABLE, remedy=START)
