"""The names both sides share: what the controller puts in, and what ``/healthz`` gives back.

This module is all that the controller and the local Dokploy know of a session's container. It
imports nothing but the standard library.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, NotRequired, TypedDict

SESSION_ID = "SESSION_ID"
"""The session's id, as in the marker."""
SESSION_NAME = "BERTH_SESSION_NAME"
SESSION_NAMESPACE = "BERTH_SESSION_NAMESPACE"
SESSION_TITLE = "BERTH_SESSION_TITLE"
WORKSPACE_PATH = "WORKSPACE_PATH"
DATABASE_PATH = "DATABASE_PATH"
PORT = "PORT"
REVISION = "BERTH_REVISION"
"""The desired revision; echoed by ``/healthz``."""
CONSOLE_ORIGIN = "BERTH_CONSOLE_ORIGIN"
TOKEN_KEY = "BERTH_TOKEN_KEY"  # noqa: S105 - the variable's name, not a key
"""The key of the tokens that let somebody into this session; made by :func:`entry_key`."""
BIND_ADDRESS = "BERTH_BIND_ADDRESS"
"""The IP address to listen on. Unset: every one inside a container (as its first program), the
loopback one on a plain machine."""

REPOSITORY_URL = "BERTH_REPOSITORY_URL"
REPOSITORY_REF = "BERTH_REPOSITORY_REF"
REPOSITORY_DEPTH = "BERTH_REPOSITORY_DEPTH"
GIT_USERNAME = "BERTH_GIT_USERNAME"
GIT_PASSWORD = "BERTH_GIT_PASSWORD"  # noqa: S105 - the variable's name, not a password
AUTHOR_NAME = "BERTH_GIT_AUTHOR_NAME"
AUTHOR_EMAIL = "BERTH_GIT_AUTHOR_EMAIL"

AGENT_PROVIDER = "BERTH_AGENT_PROVIDER"
AGENT_COMMAND = "BERTH_AGENT_COMMAND"
"""A JSON list of words."""
AGENT_AUTO_APPROVE = "BERTH_AGENT_AUTO_APPROVE"
AGENT_START_SECONDS = "BERTH_AGENT_START_SECONDS"
DEFAULT_AGENT_START_SECONDS = 60
"""How long an agent may do nothing before it has answered at its start, in seconds."""

TAKE_LOGINS = "BERTH_TAKE_LOGINS"
"""An order to take newer login files in place of refreshed ones: any text, another for each order."""
AUTH_FILE_PART = 96 * 1024
"""Characters of a login file's base64 in one variable; the rest is in ``…_AUTH_FILE_1_PART_2`` and on."""

DEFAULT_WORKSPACE = "/workspace"
DEFAULT_DATABASE = "/data/container.db"
DEFAULT_DATA = "/data"
DEFAULT_PORT = 3000

HEALTH_PATH = "/healthz"
QUESTION = "question"
"""Query parameter of :data:`HEALTH_PATH`: the work is read anew, and the answer waits for it."""
QUESTION_FORM = "[A-Za-z0-9_-]{1,64}"
"""What a question may be: drawn anew each time, so that its echo shows what it was read for."""
QUESTION_SECONDS = 8.0
"""How long a container reads for a question. What takes longer is answered without an echo of it."""
READY_PATH = "/readyz"
ENTER_PATH = "/enter"
"""Takes a token and gives a cookie."""

ENTRY_ALGORITHM = "HS256"
ENTRY_ISSUER = "berth"


class EntryUse(StrEnum):
    """What an entry token (a JWT) is good for; its claim ``use``."""

    ENTER = "enter"
    """To be exchanged for a cookie, or for one request; once."""
    TOOL = "tool"
    """The requests of a program, until it expires; never for a cookie."""
    COOKIE = "cookie"
    """The cookie itself."""


ENTRY_SECONDS: Mapping[EntryUse, int] = MappingProxyType(
    {EntryUse.ENTER: 60, EntryUse.TOOL: 3600, EntryUse.COOKIE: 12 * 3600}
)
"""How long each lasts. A container takes none that was made for longer."""


class EntryClaims(TypedDict):
    """The claims of an entry token; times are in seconds since 1970."""

    iss: str
    aud: str
    """The session's id: a token of one session is worth nothing at another."""
    sub: str
    """For whom it was made: the owner, which is the namespace."""
    use: str
    iat: int
    exp: int
    jti: str
    """Drawn anew for each: what is used once is known by it."""


def entry_claims(use: EntryUse, *, session_id: str, owner: str, now: int, jti: str) -> EntryClaims:
    """The claims of a token made now."""
    return {
        "iss": ENTRY_ISSUER,
        "aud": session_id,
        "sub": owner,
        "use": use.value,
        "iat": now,
        "exp": now + ENTRY_SECONDS[use],
        "jti": jti,
    }


def entry_key(store_key: bytes, session_id: str) -> str:
    """The session's own key, from the store's: 43 characters of base64url.

    The controller hands it to the container and the API signs with it, and neither stores it. It is
    HKDF's second step (RFC 5869, one block) over a key that is random already. The label sets it
    apart from the digests that are made with the same key, which begin with a bracket.
    """
    block = hmac.new(store_key, f"berth entry key\0{session_id}\x01".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(block).rstrip(b"=").decode()


def without_line_end(credential: str) -> str:
    """A credential that is one line, without the one line end that a pipe or a file gives it.

    The one rule for a git user name, password and token and for a target's API key, in the
    controller, the API and the container. Login files and other values are taken as they are.
    """
    return credential.removesuffix("\n").removesuffix("\r")


def wrong_with_credential(credential: str) -> str | None:
    """Why a credential cannot be used, to follow its name in a sentence; None where nothing is wrong.

    For what :func:`without_line_end` returned. git's credential protocol is made of lines: a value
    with a line break could say more than it is asked.
    """
    if not credential:
        return "is empty"
    if any(character in credential for character in "\r\n\0"):
        return "holds a line break or NUL within it"
    return None


def auth_file_variable(provider: str, index: int) -> str:
    """``CODEX_AUTH_FILE_1``: base64 of a login file's content."""
    return f"{provider.upper().replace('-', '_')}_AUTH_FILE_{index}"


def auth_file_name_variable(provider: str, index: int) -> str:
    """``CODEX_AUTH_FILE_1_NAME``: the login file's name under the provider's home."""
    return f"{auth_file_variable(provider, index)}_NAME"


def auth_file_variables(provider: str, index: int, content: str) -> dict[str, str]:
    """A login file's content (base64) as variables: in parts, since Linux takes none above 128 KiB."""
    name = auth_file_variable(provider, index)
    parts = [content[start : start + AUTH_FILE_PART] for start in range(0, len(content), AUTH_FILE_PART)]
    rest = {f"{name}_PART_{number}": part for number, part in enumerate(parts[1:], start=2)}
    return {name: parts[0] if parts else "", **rest}


class WorkspaceState(StrEnum):
    """How far the workspace is."""

    PREPARING = "Preparing"
    READY = "Ready"
    EMPTY = "Empty"
    """Ready, with no repository declared."""
    FAILED = "Failed"


class WorkspaceReport(TypedDict):
    """The workspace. ``reason`` is CamelCase, ``message`` for people, both without secrets."""

    state: str
    reason: str
    message: str


class AgentState(StrEnum):
    """How the agent's program stands."""

    NOT_STARTED = "NotStarted"
    STARTING = "Starting"
    READY = "Ready"
    FAILED = "Failed"
    NOT_INSTALLED = "NotInstalled"


class Attention(StrEnum):
    """What the agent wants of its owner; the words of ``Session.status.attention``."""

    WORKING = "Working"
    """Nothing: it works."""
    NEEDS_INPUT = "NeedsInput"
    """A look at what it did, or a word on how to go on."""
    NEEDS_APPROVAL = "NeedsApproval"
    """Leave to do something."""
    IDLE = "Idle"
    """Something to do."""
    LIMIT_REACHED = "LimitReached"
    """Its provider's limit is used up."""
    UNKNOWN = "Unknown"
    """There is no agent, or the records were not read yet."""


class AgentReport(TypedDict):
    """The agent: an :class:`AgentState`, and the message for people, without secrets."""

    state: str
    message: str


class AuthReport(TypedDict):
    """One provider's login: ``LoggedIn``, ``Expired``, ``Revoked``, ``Absent``, ``Invalid``."""

    provider: str
    state: str
    message: str
    note: NotRequired[str]
    """What a person should know although it serves: that a newer one was given and is not used."""


class WorkReport(TypedDict):
    """Whether the work is saved elsewhere: ``Clean``, ``Unsaved``, ``NoRemote``, ``Unknown``."""

    state: str
    uncommitted: int
    unpushed: int
    readAt: NotRequired[str]
    """RFC 3339: when it was read, by the container's clock; older images do not tell."""
    question: NotRequired[str]
    """The question for which it was read: the reading began after the question came. Absent in an
    answer to nobody's question, and where the reading took too long."""


class ActivityReport(TypedDict):
    """The newest activity: RFC 3339 time and ``agent``, ``person``, ``terminal``, ``git``."""

    at: str
    source: str


NOT_AS_DECLARED = frozenset({"SubmodulesMissing", "LargeFilesMissing", "OtherRepository", "NotARepository"})
"""Reasons of a workspace that can be worked in and is not wholly what was declared."""


class NoticeSource(StrEnum):
    """Parts of the container that notices are about."""

    WORKSPACE = "workspace"
    """What is in the workspace's own report, too."""


class NoticeReport(TypedDict):
    """Something a person should know: ``source`` is a part of the container or a variable's name."""

    source: str
    message: str


class HealthReport(TypedDict):
    """The body of ``/healthz``; no field ever holds a secret."""

    session: str
    revision: str
    boot: str
    """Drawn at each start: tells a restarted container from the one before it."""
    status: Literal["ok", "degraded"]
    workspace: WorkspaceReport
    agent: AgentReport
    auth: list[AuthReport]
    attention: str
    """An :class:`Attention`."""
    activity: ActivityReport | None
    work: WorkReport
    version: str
    notices: NotRequired[list[NoticeReport]]
    """What is wrong beside the above: a variable that cannot be used, a database set aside."""
