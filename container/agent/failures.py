"""What an agent's end or error means, and what a person can do about it. Pure.

Sources, read in their repositories: claude-agent-acp answers ``auth_required`` (-32000) and else an
internal error with the words of Claude (*Claude AI usage limit reached*, *You've hit your limit ·
resets 3pm*); codex-acp an internal error with ``codexErrorInfo`` (in the Rust one
``codex_error_info``), such as ``usageLimitExceeded`` or ``unauthorized``.
"""

from __future__ import annotations

import re
import signal
import traceback
from collections.abc import Callable, Iterator
from enum import Enum, auto
from itertools import islice
from pathlib import Path

from container.agent.items import Outcome
from container.log import one_line

AUTH_REQUIRED = -32000
"""ACP's code of ``auth_required``."""
_MAX_MESSAGE = 600
_MAX_RAW = 20_000
"""Characters of an error that are looked at; it is cut to its length only after it was masked."""
_DEPTH = 4
_WORDS = frozenset({"message", "details", "detail"})

_LIMIT = re.compile(
    r"usage[ _-]?limit|limit (has been )?(reached|exceeded)"
    r"|(hit|reached|exceeded) (your|the) [\w -]{0,30}limit|rate[ _-]?limit|quota|too many requests"
    r"|credit balance|out of credits",
    re.IGNORECASE,
)
_CONTEXT = re.compile(r"context[ _-]?(window|length)|prompt is too long", re.IGNORECASE)
_LOGIN = re.compile(
    r"/login\b|not logged in|logged out|log ?in again|unauthori[sz]ed|authentication (required|failed|error)"
    r"|authentication_error|invalid (x-)?api[ -]key|token (has )?expired|refresh_token_(reused|expired)",
    re.IGNORECASE,
)


class Kind(Enum):
    """What happens next."""

    NOT_INSTALLED = auto()
    """Nothing, until a person acts."""
    LOGIN = auto()
    """Nothing, until somebody has logged in."""
    LIMIT = auto()
    """Nothing, until the limit is lifted; the program is well."""
    MODE = auto()
    """Nothing, until a person acts: it cannot be brought to ask, or to ask nothing, as is declared."""
    ERROR = auto()
    """The turn failed; the program is well."""
    ENDED = auto()
    """The program ended, is silent or speaks no ACP: it is started again, after a pause."""


class AgentFailure(Exception):
    """Why the agent does not do what was asked; the message is for people."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message

    def masked(self, mask: Callable[[str], str]) -> AgentFailure:
        """The same without secrets, on one line: masked first, so that no cut leaves half of one."""
        return AgentFailure(self.kind, one_line(mask(self.message), _MAX_MESSAGE))

    @property
    def outcome(self) -> Outcome:
        """What it makes of the prompt that was under way."""
        return _OUTCOMES[self.kind]


_OUTCOMES = {
    Kind.NOT_INSTALLED: Outcome.FAILED,
    Kind.LOGIN: Outcome.LOGIN_NEEDED,
    Kind.LIMIT: Outcome.LIMIT_REACHED,
    Kind.MODE: Outcome.FAILED,
    Kind.ERROR: Outcome.FAILED,
    Kind.ENDED: Outcome.INTERRUPTED,
}

_STOPS: dict[str, tuple[Outcome, str]] = {
    "end_turn": (Outcome.COMPLETED, ""),
    "cancelled": (Outcome.CANCELLED, ""),
    "max_tokens": (Outcome.CUT_SHORT, "the most tokens of one turn were reached"),
    "max_turn_requests": (Outcome.CUT_SHORT, "the most requests of one turn were reached"),
    "refusal": (Outcome.REFUSED, "the agent refuses to go on with this"),
}


_CODES = {
    0: ", as if it had nothing more to do",
    126: ": a program that it needs cannot be executed",
    127: ": a program that it needs was not found",
}
"""What shells mean by an exit code."""


def of_stop(reason: str) -> tuple[Outcome, str]:
    """What a stop reason of ACP makes of a prompt, and why.

    ``max_tokens`` bounds one turn and is no usage limit: the next prompt is taken at once.
    """
    return _STOPS.get(reason, (Outcome.COMPLETED, ""))


def of_error(code: int, message: str, data: object) -> AgentFailure:
    """What an error answer of the agent means."""
    words = [word.strip() for word in _texts(data)]
    detail = next(filter(None, words), "")
    told = message if not detail or detail in message else f"{message}: {detail}"
    everything = " ".join((message, *words))[:_MAX_RAW]
    told = told[:_MAX_RAW]
    if code == AUTH_REQUIRED:
        return AgentFailure(Kind.LOGIN, told)
    if _CONTEXT.search(everything):
        return AgentFailure(Kind.ERROR, told)
    if _LIMIT.search(everything):
        return AgentFailure(Kind.LIMIT, told)
    return AgentFailure(Kind.LOGIN if _LOGIN.search(everything) else Kind.ERROR, told)


def of_end(code: int | None, last_words: str, *, trouble: str = "") -> AgentFailure:
    """What the end of the program means: its exit code, None for one that runs on; what it said of it."""
    if trouble:
        told = trouble
    elif code is None:
        told = "it closed its output"
    elif code < 0:
        told = f"it was ended by {_signal(-code)}"
    else:
        told = f"it ended with exit code {code}{_CODES.get(code, '')}"
        if not last_words and code not in _CODES:
            told += ", and did not say why"
    return AgentFailure(Kind.ENDED, f"{told}; it said: {last_words}" if last_words else told)


def _signal(number: int) -> str:
    if number == signal.SIGKILL:
        return "SIGKILL, as happens where the memory runs out (spec.resources.memory)"
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def of_defect(error: Exception) -> AgentFailure:
    """A defect of ours, by its type and place: its own words may hold anything."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return AgentFailure(Kind.ERROR, f"a defect of Berth's own ({type(error).__name__}{place})")


def _texts(data: object, depth: int = 0) -> Iterator[str]:
    """The texts in an error's data, those first that are meant for people."""
    if isinstance(data, str):
        yield data
    elif depth < _DEPTH and isinstance(data, dict | list):
        values = data
        if isinstance(data, dict):
            values = [data[name] for name in sorted(data, key=lambda name: name not in _WORDS)]
        for value in islice(values, 50):
            yield from _texts(value, depth + 1)
