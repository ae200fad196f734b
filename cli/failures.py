"""What can go wrong for a person at the command line: the words, the remedy, the exit code.

This is the one place where a problem, ours or the server's, becomes lines on stderr::

    error: spec.env[2].name: must be a name of letters, digits and underscores
      try: berth apply --help

Exit codes are part of the interface: scripts rely on them, so a number never changes its meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """What a script may rely on."""

    OK = 0
    NOT_MET = 1
    USAGE = 2
    INVALID = 3
    NOT_FOUND = 4
    CONFLICT = 5
    NOT_AUTHORISED = 6
    UNREACHABLE = 7
    SERVER_FAILED = 8
    BUG = 70
    INTERRUPTED = 130
    READER_GONE = 141


MEANING: Mapping[ExitCode, str] = {
    ExitCode.OK: "done",
    ExitCode.NOT_MET: "a wait ran out of time, or `diff` found differences",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.INVALID: "the input is invalid: a file, a document, a field",
    ExitCode.NOT_FOUND: "there is no such record",
    ExitCode.CONFLICT: "the record exists already, was changed meanwhile, or holds unsaved work or may",
    ExitCode.NOT_AUTHORISED: "the token is missing, wrong, or not allowed to do this",
    ExitCode.UNREACHABLE: "Berth is not running or does not answer",
    ExitCode.SERVER_FAILED: "Berth answered that it failed",
    ExitCode.BUG: "a fault of the command line itself; `--debug` shows where",
    ExitCode.INTERRUPTED: "interrupted with Ctrl-C",
    ExitCode.READER_GONE: "whatever read the output went away, as with `| head`",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason, with the path of the field where there is one."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class Failure(Exception):
    """An error for the person at the command line.

    ``causes`` take the place of ``message`` where they say more; ``remedy`` is what to do next.
    """

    def __init__(
        self,
        message: str,
        *,
        code: ExitCode,
        remedy: str = "",
        causes: Sequence[Cause] = (),
        reason: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.remedy = remedy
        self.causes = tuple(causes)
        self.reason = reason
        self._subject = ""

    def about(self, subject: str) -> None:
        """Say which of several it is about."""
        self._subject = f"{subject}: "

    def lines(self) -> list[str]:
        """What is written on stderr."""
        said = [f"error: {self._subject}{what}" for what in self.causes or (self.message,)]
        return [*said, f"  try: {self.remedy}"] if self.remedy else said


class Failures:
    """What failed of several things that one command was asked for: the others are done all the same."""

    def __init__(self) -> None:
        self._found: list[Failure] = []

    @contextmanager
    def collected(self, subject: str = "") -> Iterator[None]:
        """Keep a failure of this one, and go on; a server that is not there fails all of them at once."""
        try:
            yield
        except Failure as failure:
            if subject:
                failure.about(subject)
            self._found.append(failure)
            if failure.code is ExitCode.UNREACHABLE:
                self.raise_found()

    def raise_found(self) -> None:
        """Raise what was kept, if anything: one failure that says all, with the code of the first."""
        if len(self._found) == 1:
            raise self._found[0]
        if self._found:
            raise FailedSeveral(self._found)


class FailedSeveral(Failure):
    """Several failures at once."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__("several failed", code=failures[0].code)
        self._failures = tuple(failures)

    def lines(self) -> list[str]:
        """Those of each."""
        return [line for failure in self._failures for line in failure.lines()]


_BY_REASON: Mapping[str, ExitCode] = {
    "NotFound": ExitCode.NOT_FOUND,
    "AlreadyExists": ExitCode.CONFLICT,
    "Conflict": ExitCode.CONFLICT,
    "WorkUnsaved": ExitCode.CONFLICT,
    "InUse": ExitCode.CONFLICT,
    "WorkUnknown": ExitCode.CONFLICT,
    "Invalid": ExitCode.INVALID,
    "TooLarge": ExitCode.INVALID,
    "UnsupportedMediaType": ExitCode.INVALID,
    "Unauthorized": ExitCode.NOT_AUTHORISED,
    "Forbidden": ExitCode.NOT_AUTHORISED,
    "Unavailable": ExitCode.SERVER_FAILED,
    "Expired": ExitCode.SERVER_FAILED,
    "Internal": ExitCode.SERVER_FAILED,
}

_BY_STATUS: Mapping[int, ExitCode] = {
    400: ExitCode.INVALID,
    401: ExitCode.NOT_AUTHORISED,
    403: ExitCode.NOT_AUTHORISED,
    404: ExitCode.NOT_FOUND,
    409: ExitCode.CONFLICT,
    412: ExitCode.CONFLICT,
    413: ExitCode.INVALID,
    415: ExitCode.INVALID,
    422: ExitCode.INVALID,
}

_REMEDY: Mapping[str, str] = {
    "AlreadyExists": "berth apply changes what exists; berth delete removes it",
    "WorkUnsaved": "save the work in the session (commit and push), or lose it with --force",
    "InUse": "berth delete its sessions; or --force, and then each of them with --orphan",
    "WorkUnknown": "try again once its container answers (berth why NAME), or give its work up with --force",
    "Unauthorized": "set BERTH_TOKEN to the token of this Berth, or BERTH_HOME to its directory",
    "Unavailable": "wait a moment and try again; `berth version` tells when it answers",
    "Internal": "look into the server's log; berth version shows which server answered",
}


def from_problem(status: int, problem: Mapping[str, Any] | None) -> Failure:
    """The failure that an answer tells: RFC 9457 problem details, or a bare status.

    A body that is not a problem is never shown: it may be anything, from anyone.
    """
    if problem is None:
        return Failure(
            f"the server answered {status} without saying why",
            code=_BY_STATUS.get(status, ExitCode.SERVER_FAILED),
            remedy="check with `berth config` that this is a Berth",
        )
    reason = str(problem.get("reason") or "")
    message = str(problem.get("detail") or problem.get("title") or f"the server answered {status}")
    causes = [
        Cause(str(cause.get("field") or ""), str(cause.get("message") or ""))
        for cause in problem.get("causes") or ()
        if isinstance(cause, Mapping) and cause.get("message")
    ]
    code = _BY_REASON.get(reason) or _BY_STATUS.get(status, ExitCode.SERVER_FAILED)
    return Failure(message, code=code, causes=causes, reason=reason, remedy=_REMEDY.get(reason, ""))
