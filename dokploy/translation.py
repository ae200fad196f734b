"""Dokploy's refusals in our own words: one place, one error per refusal (FACTS 5 and 6).

A foreign text is looked at and never repeated: it may hold SQL with its parameters, or a command
with its arguments. What a message adds to our words are numbers and names that we sent ourselves.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dokploy import procedures
from dokploy.errors import (
    Ambiguous,
    DokployError,
    Failed,
    Invalid,
    NotFound,
    Unauthorized,
    Unsupported,
    VolumeInUse,
)
from dokploy.keys import KeyHistory, KeyStanding
from dokploy.procedures import Procedure


class NeverRan(NotFound):
    """The application is there, and has no container whose output could be read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came; its body never shows."""

    status: int
    body: bytes = field(repr=False)


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class _Fields(_Lenient):
    field_errors: dict[str, object] = Field(default_factory=dict, alias="fieldErrors")


class _Data(_Lenient):
    path: str | None = None
    zod_error: _Fields | None = Field(default=None, alias="zodError")


class _Refusal(_Lenient):
    message: str = ""
    code: str | None = None
    data: _Data = Field(default_factory=_Data)

    @property
    def fields(self) -> Collection[str]:
        return self.data.zod_error.field_errors if self.data.zod_error else ()


def error_of(
    procedure: Procedure,
    answer: Answer,
    *,
    sent: Collection[str],
    history: KeyHistory,
    after_refusal: bool,
) -> DokployError:
    """The error that an answer other than 200 stands for.

    ``sent`` are the names of our fields; ``after_refusal``: the key was refused before it was sent.
    """
    refusal = _read(answer.body)
    if refusal.code is not None and refusal.data.path is not None and not _is_at_edge(answer.status, refusal):
        # Only someone whose key is known gets as far as a procedure: the bare 401 names none.
        history.accepted(after_refusal=after_refusal)
    return _told(procedure, answer.status, refusal) or _by_status(
        procedure, answer.status, refusal, sent=sent, history=history
    )


def _read(body: bytes) -> _Refusal:
    try:
        return _Refusal.model_validate_json(body)
    except ValidationError:
        return _Refusal()


def _told(procedure: Procedure, status: int, refusal: _Refusal) -> DokployError | None:
    """What only the text tells; measured word for word (FACTS 4 and 5, FACTS-2 2 and 6)."""
    name, text = procedure.name, refusal.message
    match procedure, status:
        case procedures.REMOVE_VOLUME, 500 if "volume is in use" in text:
            return VolumeInUse(name, "a container that is going away still holds the volume")
        case procedures.REMOVE_VOLUME, 500 if "no such volume" in text:
            return NotFound(name, "there is no such volume")
        case procedures.UPDATE, 400 if text == "Error updating application":
            return NotFound(name, "there is no such application")
        case procedures.CREATE_MOUNT, 400 if "Failed query" in text and not refusal.fields:
            # A reference into a table from which the application is gone.
            return NotFound(name, "there is no such application to attach the volume to")
        case procedures.LOGS, 500 if "No container or service found" in text:
            return NeverRan(name, "the application has never run")
        case _:
            return None


def _by_status(
    procedure: Procedure,
    status: int,
    refusal: _Refusal,
    *,
    sent: Collection[str],
    history: KeyHistory,
) -> DokployError:
    name = procedure.name
    match status:
        case HTTPStatus.UNAUTHORIZED if refusal.code is None:
            return _key_refused(name, history.refused())
        case HTTPStatus.UNAUTHORIZED if _is_at_edge(status, refusal):
            return _refused_at_edge(name, history.at_edge())
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            message = "the API key may not do this; Berth needs the key of an owner or an admin"
            return Unauthorized(name, message, throttled=False, of_key=False)
        case HTTPStatus.NOT_FOUND:
            return _not_found(name, refusal)
        case HTTPStatus.BAD_REQUEST:
            return Invalid(name, _refused_fields(refusal, sent))
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return Invalid(
                name, "this is more than the 1 MB that Dokploy takes; make the environment smaller"
            )
        case HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
            return Invalid(name, "Dokploy does not take JSON here")
        case _ if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            message = "the target's URL leads elsewhere; give the address at which Dokploy itself answers"
            return Unsupported(name, message)
        case HTTPStatus.BAD_GATEWAY | HTTPStatus.SERVICE_UNAVAILABLE | HTTPStatus.GATEWAY_TIMEOUT:
            return Failed(name, f"Dokploy does not answer behind its proxy (HTTP {status})", status=status)
        case _:
            return Failed(name, f"Dokploy failed (HTTP {status})", status=status)


def _is_at_edge(status: int, refusal: _Refusal) -> bool:
    """Whether Dokploy let the key in, and then knew nobody: it checks a key twice in each call (FACTS-2 8).

    A missing permission has words of its own; this has none but the code.
    """
    return status == HTTPStatus.UNAUTHORIZED and refusal.code is not None and refusal.message == refusal.code


def _key_refused(name: str, standing: KeyStanding) -> Unauthorized:
    return Unauthorized(name, _REFUSED[standing], throttled=standing is KeyStanding.LIMITED)


def _refused_at_edge(name: str, standing: KeyStanding) -> Unauthorized:
    limited = standing is KeyStanding.LIMITED
    return Unauthorized(name, _REFUSED[standing] if limited else _AT_EDGE, throttled=limited)


_LOOK = (
    "Look in Dokploy under Settings, API keys: if the key is not there, or has expired, create another; "
    "if it is there, create one with rate limiting off"
)
_REFUSED = {
    KeyStanding.NEVER_ACCEPTED: (
        "the API key is not accepted: it is wrong, revoked, disabled or expired, or it is rate limited and "
        f"used up. {_LOOK}"
    ),
    KeyStanding.NO_LONGER_ACCEPTED: (
        "the API key was accepted before and is not any more: it was revoked or disabled, has expired, or is "
        f"rate limited; Dokploy answers alike to all of them. {_LOOK}"
    ),
    KeyStanding.LIMITED: (
        "the API key is rate limited: Dokploy takes it at times and refuses it at others. "
        "Create one with rate limiting off"
    ),
}
_AT_EDGE = (
    "Dokploy knows the API key and refuses the call: the key is at the edge of its rate limit, or its user "
    "is no owner or admin any more. Look in Dokploy at the user's role, and whether the key was created "
    "with rate limiting off"
)


def _not_found(name: str, refusal: _Refusal) -> DokployError:
    """Tell an object that is not there from a call that is not, and from another's 404.

    A proxy answers 404 while Dokploy restarts; it must never be read as "deleted".
    """
    if refusal.code != "NOT_FOUND":
        return Ambiguous(name, "something other than Dokploy answered (HTTP 404)")
    if refusal.message == "Not found" and refusal.data.path is None:
        return Unsupported(name, "this Dokploy does not know the call; update it")
    return NotFound(name, "what was asked for is not there")


def _refused_fields(refusal: _Refusal, sent: Collection[str]) -> str:
    ours = sorted(set(refusal.fields) & set(sent))
    return f"Dokploy refuses the value of {', '.join(ours)}" if ours else "Dokploy refuses the request"
