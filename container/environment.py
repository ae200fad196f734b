"""What the container is told by its environment, read once and checked.

A bad value is never a crash: it is replaced by a default where one serves, and told in
:attr:`Settings.problems`, which ``/healthz`` and the page show. Secrets are apart
(:mod:`container.given`), so that settings can be passed around and printed.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from container import contract
from container.addresses import address_of
from container.given import Problem, is_secret

_MAX_PORT = 65_535
_MAX_START = 3600
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ORIGIN = re.compile(r"https?://(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?")
_UNFIT_IN_AUTHOR = re.compile(r"[<>]")
_UNFIT_IN_REF = re.compile(r"\.\.|@\{|[\\ ~^:?*\[\x00-\x1f\x7f]")
"""As in :mod:`crds.git`, which this package may not know; a test holds the two equal."""


@dataclass(frozen=True, slots=True)
class Repository:
    """What is cloned into the workspace; ``depth`` in commits, None for all of them."""

    url: str
    ref: str | None = None
    depth: int | None = None


@dataclass(frozen=True, slots=True)
class Author:
    """Who commits: a name and an address."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Settings:
    """All that is no secret."""

    session: str
    name: str
    namespace: str
    title: str
    revision: str
    workspace: Path
    database: Path
    port: int
    """0 for a free one."""
    bind: str
    """The address that is listened on."""
    console_origin: str | None
    repository: Repository | None
    author: Author | None
    """As declared."""
    agent_provider: str | None
    agent_command: tuple[str, ...]
    agent_auto_approve: bool
    agent_start_seconds: int
    """How long the agent may do nothing before it has answered at its start."""
    problems: tuple[Problem, ...]
    take_logins: str = ""
    """The order to take newer login files: :data:`container.contract.TAKE_LOGINS`."""

    @property
    def data(self) -> Path:
        """The data volume."""
        return self.database.parent

    @property
    def home(self) -> Path:
        """The home of agents and tools: on the data volume, so that a login outlives the container."""
        return self.data / "home"

    def problem_of(self, *variables: str) -> Problem | None:
        """The first problem with one of these variables."""
        return next((problem for problem in self.problems if problem.variable in variables), None)


def child_environment(settings: Settings) -> dict[str, str]:
    """The environment of what is started in the container: ours, with the home of agents."""
    return {
        **{name: value for name, value in os.environ.items() if not is_secret(name)},
        "HOME": str(settings.home),
    }


def with_system_path(environ: Mapping[str, str], *, first: bool = False) -> dict[str, str]:
    """The environment for programs that we need ourselves, such as git: they are found under any PATH.

    What is declared for a person's programs goes before the system's directories, and may leave out
    where git is; ``first`` puts these before it, since a declared directory may be one of a repository.
    """
    parts = [environ.get("PATH"), _SYSTEM_PATH]
    return {**environ, "PATH": os.pathsep.join(filter(None, reversed(parts) if first else parts))}


def read_settings(environ: Mapping[str, str], *, first: bool) -> Settings:
    """Read the contract's variables.

    ``first`` tells that we are the first of our own process namespace: then all addresses are
    listened on, since a container is reached from outside; on a plain machine only the loopback
    one is, unless :data:`container.contract.BIND_ADDRESS` says otherwise.
    """
    reader = _Reader(environ)
    session = environ.get(contract.SESSION_ID, "")
    name = environ.get(contract.SESSION_NAME) or session
    values = {
        "workspace": reader.path(contract.WORKSPACE_PATH, contract.DEFAULT_WORKSPACE),
        "database": reader.path(contract.DATABASE_PATH, contract.DEFAULT_DATABASE),
    }
    return Settings(
        session=session,
        name=name,
        namespace=environ.get(contract.SESSION_NAMESPACE, ""),
        title=environ.get(contract.SESSION_TITLE) or name or "A session",
        revision=environ.get(contract.REVISION, ""),
        port=reader.port(),
        bind=reader.bind("0.0.0.0" if first else "127.0.0.1"),  # noqa: S104 - see above
        console_origin=reader.origin(),
        repository=reader.repository(),
        author=reader.author(),
        agent_provider=environ.get(contract.AGENT_PROVIDER) or None,
        agent_command=reader.command(),
        agent_auto_approve=environ.get(contract.AGENT_AUTO_APPROVE) == "1",
        agent_start_seconds=reader.start_seconds(),
        problems=(*reader.problems, *_unexpanded(environ)),
        take_logins=environ.get(contract.TAKE_LOGINS, ""),
        **values,
    )


def _unexpanded(environ: Mapping[str, str]) -> list[Problem]:
    """Variables that refer to themselves, as in a shell: nobody expands them, and the old value is gone."""
    return [
        Problem(name, f"holds ${name}, which is not expanded in spec.env: write the whole value")
        for name, value in sorted(environ.items())
        if re.search(rf"\$\{{?{re.escape(name)}(?![A-Za-z0-9_])", value) and not is_secret(name)
    ]


class _Reader:
    """Reads single variables and notes what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[Problem] = []

    def _refuse(self, variable: str, message: str) -> None:
        self.problems.append(Problem(variable, message))

    def path(self, variable: str, default: str) -> Path:
        text = self._environ.get(variable) or default
        if text.startswith("/") and "\0" not in text:
            return Path(text)
        self._refuse(variable, f"must be an absolute path; {default} is used")
        return Path(default)

    def port(self) -> int:
        text = self._environ.get(contract.PORT) or str(contract.DEFAULT_PORT)
        if text.isascii() and text.isdigit() and int(text) <= _MAX_PORT:
            return int(text)
        self._refuse(
            contract.PORT, f"must be a number from 0 to {_MAX_PORT}; {contract.DEFAULT_PORT} is used"
        )
        return contract.DEFAULT_PORT

    def bind(self, default: str) -> str:
        text = self._environ.get(contract.BIND_ADDRESS) or default
        try:
            return str(ipaddress.ip_address(text))
        except ValueError:
            self._refuse(contract.BIND_ADDRESS, f"must be an IP address; {default} is used")
            return default

    def origin(self) -> str | None:
        text = self._environ.get(contract.CONSOLE_ORIGIN)
        if not text:
            return None
        if _ORIGIN.fullmatch(text.rstrip("/")):
            return _as_browsers_say(text.rstrip("/").lower())
        self._refuse(
            contract.CONSOLE_ORIGIN,
            "must be an origin such as https://berth.example.com; only this page itself may frame it",
        )
        return None

    def repository(self) -> Repository | None:
        url = self._environ.get(contract.REPOSITORY_URL)
        if not url:
            return None
        wrong = _wrong_with_url(url)
        if wrong is not None:
            self._refuse(contract.REPOSITORY_URL, wrong)
            return None
        ref = self._environ.get(contract.REPOSITORY_REF) or None
        if ref is not None and not _is_ref(ref):
            self._refuse(contract.REPOSITORY_REF, "must be a branch, a tag or a commit")
            return None
        return Repository(url, ref, self._depth())

    def author(self) -> Author | None:
        name = self._environ.get(contract.AUTHOR_NAME, "").strip()
        email = self._environ.get(contract.AUTHOR_EMAIL, "").strip()
        if not name and not email:
            return None
        for variable, text in ((contract.AUTHOR_NAME, name), (contract.AUTHOR_EMAIL, email)):
            if not text or not text.isprintable() or _UNFIT_IN_AUTHOR.search(text):
                self._refuse(variable, "must be one line without < and >; spec.author is not used")
                return None
        return Author(name, email)

    def _depth(self) -> int | None:
        text = self._environ.get(contract.REPOSITORY_DEPTH)
        if not text:
            return None
        if text.isascii() and text.isdigit() and int(text) > 0:
            return int(text)
        self._refuse(contract.REPOSITORY_DEPTH, "must be a number of commits, 1 or more; all are cloned")
        return None

    def start_seconds(self) -> int:
        default = contract.DEFAULT_AGENT_START_SECONDS
        text = self._environ.get(contract.AGENT_START_SECONDS) or str(default)
        if text.isascii() and text.isdigit() and 0 < int(text) <= _MAX_START:
            return int(text)
        self._refuse(
            contract.AGENT_START_SECONDS, f"must be seconds, from 1 to {_MAX_START}; {default} is used"
        )
        return default

    def command(self) -> tuple[str, ...]:
        text = self._environ.get(contract.AGENT_COMMAND)
        if not text:
            return ()
        try:
            words = json.loads(text)
        except (ValueError, RecursionError):
            words = None
        if isinstance(words, list) and words and all(isinstance(word, str) for word in words):
            return tuple(words)
        self._refuse(contract.AGENT_COMMAND, 'must be a JSON list of words such as ["codex-acp"]')
        return ()


def _as_browsers_say(origin: str) -> str:
    """The origin without the port that its scheme has anyway: what pages are compared with."""
    default = ":443" if origin.startswith("https:") else ":80"
    return origin.removesuffix(default)


def _wrong_with_url(url: str) -> str | None:
    """Why a URL cannot be cloned; the URL itself is not repeated, it may hold a password."""
    address = address_of(url)
    if address is None or url.startswith("/") or any(c.isspace() or not c.isprintable() for c in url):
        return "must be an https, ssh, git or file URL, or user@host:path"
    if address.has_password:
        return "must hold no password; name a secret in spec.source.credentialsSecret"
    if address.host.startswith("-") or (address.user or "").startswith("-"):
        return "names no host"
    return None


def _is_ref(text: str) -> bool:
    """Whether git could have a branch, tag or commit of that name (git-check-ref-format)."""
    parts = text.split("/")
    return not (
        text.startswith("-")
        or text.endswith(".")
        or text == "@"
        or _UNFIT_IN_REF.search(text)
        or any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
    )
