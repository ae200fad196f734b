"""Errors as RFC 9457 problem details: one shape, one closed list of reasons.

A problem's words are ours and name the remedy; nothing of a foreign answer, of a database's
message or of a secret is ever in one (law S3).
"""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from types import MappingProxyType

from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import Response

from crds.errors import InvalidObject
from dokploy import errors as dokploy
from records import errors as records

MEDIA_TYPE = "application/problem+json"

RETRY_AFTER = 2
"""Seconds after which a client may ask again when the records or a target do not answer."""


class Reason(StrEnum):
    """What a program may branch on."""

    NOT_FOUND = "NotFound"
    ALREADY_EXISTS = "AlreadyExists"
    CONFLICT = "Conflict"
    WORK_UNSAVED = "WorkUnsaved"
    IN_USE = "InUse"
    WORK_UNKNOWN = "WorkUnknown"
    INVALID = "Invalid"
    UNAUTHORIZED = "Unauthorized"
    FORBIDDEN = "Forbidden"
    UNAVAILABLE = "Unavailable"
    EXPIRED = "Expired"
    TOO_LARGE = "TooLarge"
    UNSUPPORTED_MEDIA_TYPE = "UnsupportedMediaType"
    INTERNAL = "Internal"


_STATUS = MappingProxyType(
    {
        Reason.NOT_FOUND: HTTPStatus.NOT_FOUND,
        Reason.ALREADY_EXISTS: HTTPStatus.CONFLICT,
        Reason.CONFLICT: HTTPStatus.CONFLICT,
        Reason.WORK_UNSAVED: HTTPStatus.CONFLICT,
        Reason.IN_USE: HTTPStatus.CONFLICT,
        Reason.WORK_UNKNOWN: HTTPStatus.CONFLICT,
        Reason.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
        Reason.UNAUTHORIZED: HTTPStatus.UNAUTHORIZED,
        Reason.FORBIDDEN: HTTPStatus.FORBIDDEN,
        Reason.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
        Reason.EXPIRED: HTTPStatus.GONE,
        Reason.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        Reason.UNSUPPORTED_MEDIA_TYPE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        Reason.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    }
)

_TITLES = MappingProxyType(
    {
        Reason.NOT_FOUND: "There is no such thing",
        Reason.ALREADY_EXISTS: "It exists already",
        Reason.CONFLICT: "It is not as the request supposes",
        Reason.WORK_UNSAVED: "Work would be lost",
        Reason.IN_USE: "Others depend on it",
        Reason.WORK_UNKNOWN: "Work might be lost",
        Reason.INVALID: "The request breaks a rule",
        Reason.UNAUTHORIZED: "Who asks is not known",
        Reason.FORBIDDEN: "This is not allowed",
        Reason.UNAVAILABLE: "It cannot be answered now",
        Reason.EXPIRED: "What was asked for is no longer kept",
        Reason.TOO_LARGE: "The request is too large",
        Reason.UNSUPPORTED_MEDIA_TYPE: "The body's type is not understood",
        Reason.INTERNAL: "Berth made a mistake",
    }
)


class Problem(Exception):
    """An answer other than the one asked for. ``causes`` are (field, message)."""

    def __init__(
        self,
        reason: Reason,
        detail: str,
        *,
        causes: tuple[tuple[str, str], ...] = (),
        status: int | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.causes = causes
        self.status = status if status is not None else _STATUS[reason].value
        self.headers = dict(headers)
        if reason is Reason.UNAVAILABLE:
            self.headers.setdefault("Retry-After", str(RETRY_AFTER))

    def document(self, instance: str) -> dict[str, object]:
        """The problem as it is written; ``instance`` is the path that was asked for."""
        return {
            "type": f"urn:berth:problem:{self.reason.value}",
            "title": _TITLES[self.reason],
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "reason": self.reason.value,
            "causes": [{"field": field, "message": message} for field, message in self.causes],
        }

    def response(self, instance: str) -> Response:
        """The problem as an answer."""
        return Response(
            to_json(self.document(instance)), self.status, headers=self.headers, media_type=MEDIA_TYPE
        )


def problem_of(error: Exception) -> Problem:
    """The problem that an error is to whoever asked; Internal, without a word of it, for a bug."""
    match error:
        case Problem():
            return error
        case InvalidObject():
            causes = tuple((problem.field, problem.message) for problem in error.problems)
            return invalid(causes)
        case records.RecordsError():
            return _of_records(error)
        case dokploy.DokployError():
            return _of_dokploy(error)
        case RequestValidationError():
            return invalid(tuple((str(e["loc"][-1]), str(e["msg"])) for e in error.errors()))
        case HTTPException():
            return _of_http(error)
        case _:
            detail = "an unexpected error; it is in the log of the API under this path and time"
            return Problem(Reason.INTERNAL, detail)


def invalid(causes: tuple[tuple[str, str], ...]) -> Problem:
    """Invalid, with a detail made of the causes."""
    detail = "; ".join(f"{field}: {message}" if field else message for field, message in causes)
    return Problem(Reason.INVALID, detail, causes=causes)


def _of_records(error: records.RecordsError) -> Problem:
    match error:
        case records.Invalid():
            return Problem(Reason.INVALID, str(error), causes=error.causes)
        case records.NotFound():
            return Problem(Reason.NOT_FOUND, str(error))
        case records.AlreadyExists():
            return Problem(Reason.ALREADY_EXISTS, str(error))
        case records.Conflict():
            return Problem(Reason.CONFLICT, f"{error}; read it again, and write what you read")
        case records.Expired():
            return Problem(Reason.EXPIRED, "changes since that revision are no longer kept; list again")
        case records.TooNew():
            return Problem(Reason.UNAVAILABLE, "the records were written by a newer Berth; run that one")
        case _:
            # Our own words, which tell a full disk from a lost connection; no driver's text is in them.
            return Problem(
                Reason.UNAVAILABLE, f"the records cannot be had now: {error}; try again in a moment"
            )


def _of_dokploy(error: dokploy.DokployError) -> Problem:
    if isinstance(error, dokploy.NotFound):
        detail = "Dokploy no longer has what the session's record names; look again in a moment"
        return Problem(Reason.NOT_FOUND, detail)
    return Problem(Reason.UNAVAILABLE, f"Dokploy gave no usable answer: {error}")


def _of_http(error: HTTPException) -> Problem:
    headers = tuple((error.headers or {}).items())
    if error.status_code == HTTPStatus.NOT_FOUND:
        return Problem(Reason.NOT_FOUND, "there is nothing at this path", headers=headers)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = "this path does not take that method"
        return Problem(Reason.INVALID, detail, status=error.status_code, headers=headers)
    return Problem(Reason.INVALID, "the request is malformed", status=error.status_code, headers=headers)
