"""How Dokploy says no: the error bodies as recorded (FACTS 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

_CODES: Final[Mapping[int, str]] = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    415: "UNSUPPORTED_MEDIA_TYPE",
    500: "INTERNAL_SERVER_ERROR",
}

Issue = Mapping[str, Any]


class Refusal(Exception):
    """An answer other than 200. Raised by procedures, worded by :meth:`body`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def body(self, procedure: str) -> dict[str, Any]:
        """The JSON answer."""
        code = _CODES[self.status]
        data = {"code": code, "httpStatus": self.status, "path": procedure, "zodError": None}
        return {"message": self.message, "code": code, "data": data}


class InvalidInput(Refusal):
    """400 in the shape of a failed zod check; ``issues`` in the order they were found."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        super().__init__(400, "Input validation failed")
        self.issues = tuple(issues)

    def body(self, procedure: str) -> dict[str, Any]:
        """The JSON answer, with the issues twice, as Dokploy sends them."""
        answer = super().body(procedure)
        fields: dict[str, list[str]] = {}
        for issue in self.issues:
            fields.setdefault(str(issue["path"][0]), []).append(issue["message"])
        answer["data"]["zodError"] = {"formErrors": [], "fieldErrors": fields}
        answer["issues"] = list(self.issues)
        return answer


def not_found(what: str) -> Refusal:
    """``Application not found``."""
    return Refusal(404, f"{what} not found")


def no_access() -> Refusal:
    """What a member without access to an application is told."""
    return Refusal(401, "You don't have access to this service")


def forbidden_resource(resource: str) -> Refusal:
    """What a member without a permission is told: 401, not 403."""
    return Refusal(401, f'unauthorized to access resource "{resource}"')


UNKNOWN_PROCEDURE: Final[Mapping[str, Any]] = {
    "message": "Not found",
    "code": "NOT_FOUND",
    "data": {"code": "NOT_FOUND", "httpStatus": 404, "zodError": None},
}
"""An unknown procedure, or a known one by the wrong method."""

UNAUTHORIZED: Final[Mapping[str, Any]] = {"message": "Unauthorized"}
"""No key, a wrong key, a revoked key and a throttled key: all alike (FACTS 5, FACTS 6). At the edge of a
limit the procedure answers with its name and the mere code (FACTS-2 8)."""
