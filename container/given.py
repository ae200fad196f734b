"""The secrets a container is given: token key, git credentials, login files; read and never shown."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from container import contract

_AUTH_FILE = re.compile(
    r"(?P<provider>[A-Z][A-Z0-9_]*)_AUTH_FILE_(?P<index>[1-9][0-9]{0,3})(?P<more>_NAME|_PART_[1-9][0-9]*)?"
)
_LIKE_AUTH_FILE = re.compile(r"(^|_)AUTH_FILE_")
_SECRET = frozenset({contract.TOKEN_KEY, contract.GIT_USERNAME, contract.GIT_PASSWORD})
_DEFAULT_USERNAME = "x-access-token"
"""What the large forges take beside a token."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A variable with a value that cannot be used, and what to do about it."""

    variable: str
    message: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a git server is told when it asks."""

    username: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuthFile:
    """A login file as it was given: not yet decoded, and its name not yet trusted."""

    provider: str
    index: int
    name: str
    content: str = field(repr=False)
    """Base64."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must be in no environment, log, report or argument."""

    git: Credentials | None = None
    auth_files: tuple[AuthFile, ...] = ()
    problems: tuple[Problem, ...] = ()
    token_key: str | None = field(default=None, repr=False)
    """Signs and checks who may enter."""


def is_secret(variable: str) -> bool:
    """Whether a variable has to leave the environment before anything is served.

    Generous on purpose: a misspelt ``CODEX_AUTH_FILE_ONE`` holds a login all the same.
    """
    return variable in _SECRET or bool(_LIKE_AUTH_FILE.search(variable))


def read_secrets(environ: Mapping[str, str]) -> Secrets:
    """Read the variables that :func:`is_secret` names."""
    problems: list[Problem] = []
    return Secrets(
        git=_credentials(environ, problems),
        auth_files=tuple(_auth_files(environ, problems)),
        problems=tuple(problems),
        token_key=environ.get(contract.TOKEN_KEY) or None,
    )


def _credentials(environ: Mapping[str, str], problems: list[Problem]) -> Credentials | None:
    if not environ.get(contract.GIT_PASSWORD):
        return None
    found = {contract.GIT_USERNAME: environ.get(contract.GIT_USERNAME) or _DEFAULT_USERNAME}
    found[contract.GIT_PASSWORD] = environ[contract.GIT_PASSWORD]
    values = {variable: contract.without_line_end(value) for variable, value in found.items()}
    for variable, value in values.items():
        wrong = contract.wrong_with_credential(value)
        if wrong is not None:
            message = f"{wrong}, so the git server gets no login; correct the credentials secret"
            problems.append(Problem(variable, message))
            return None
    return Credentials(values[contract.GIT_USERNAME], values[contract.GIT_PASSWORD])


def _auth_files(environ: Mapping[str, str], problems: list[Problem]) -> Iterable[AuthFile]:
    found: list[AuthFile] = []
    for variable in sorted(filter(_LIKE_AUTH_FILE.search, environ)):
        match = _AUTH_FILE.fullmatch(variable)
        if match is None:
            problems.append(
                Problem(variable, "is no name of a login file; it must end in _AUTH_FILE_<number>")
            )
        elif not match["more"]:
            provider = match["provider"].lower().replace("_", "-")
            name = environ.get(f"{variable}_NAME", "")
            found.append(AuthFile(provider, int(match["index"]), name, "".join(_parts(variable, environ))))
    return sorted(found, key=lambda file: (file.provider, file.index))


def _parts(variable: str, environ: Mapping[str, str]) -> Iterable[str]:
    """The parts of one file's content, in their order: :func:`container.contract.auth_file_variables`."""
    yield environ[variable]
    for number in itertools.count(2):
        part = environ.get(f"{variable}_PART_{number}")
        if part is None:
            return
        yield part
