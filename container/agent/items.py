"""What a transcript is made of: frozen items, in the order in which they began.

Every text is bounded where it comes in (:mod:`container.agent.content`); ``omitted`` counts the
characters that were left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal, TypeAlias


class Outcome(StrEnum):
    """How a prompt stands."""

    WORKING = "Working"
    COMPLETED = "Completed"
    """The agent ended its turn by itself."""
    CANCELLED = "Cancelled"
    """By a person."""
    INTERRUPTED = "Interrupted"
    """The agent or the container ended meanwhile; the prompt is not given again."""
    CUT_SHORT = "CutShort"
    """A limit of one turn was reached: tokens or requests. *Continue* is a good next prompt."""
    REFUSED = "Refused"
    """The agent will not go on with this."""
    LIMIT_REACHED = "LimitReached"
    """The provider's usage limit is reached."""
    LOGIN_NEEDED = "LoginNeeded"
    FAILED = "Failed"


class Decision(StrEnum):
    """How a permission request stands."""

    PENDING = "Pending"
    ANSWERED = "Answered"
    CANCELLED = "Cancelled"
    """The turn ended, or was cancelled, before anybody answered."""


@dataclass(frozen=True, slots=True)
class Text:
    """Markdown."""

    text: str
    omitted: int = 0
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class Diff:
    """A change of a file; ``old`` is None for a new one."""

    path: str
    old: str | None
    new: str
    omitted: int = 0
    type: Literal["diff"] = "diff"


@dataclass(frozen=True, slots=True)
class Image:
    """An image or a sound; ``data`` is base64, and empty for one that is too large to keep."""

    mime: str
    data: str
    bytes: int
    type: Literal["image"] = "image"


@dataclass(frozen=True, slots=True)
class Link:
    """A file or a page."""

    uri: str
    name: str
    type: Literal["link"] = "link"


@dataclass(frozen=True, slots=True)
class TerminalRef:
    """Stands where a command's output belongs: the item's ``output``."""

    terminal: str
    type: Literal["terminal"] = "terminal"


Piece: TypeAlias = Text | Diff | Image | Link | TerminalRef


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file given with a prompt.

    ``path`` is relative to the workspace; empty for an upload, which is at
    ``/api/agent/attachments/<prompt>/<name>``.
    """

    name: str
    mime: str
    bytes: int
    path: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a person asked, given to the agent, and what became of it."""

    prompt: str
    text: str
    attachments: tuple[Attachment, ...] = ()
    outcome: Outcome = Outcome.WORKING
    message: str = ""
    """Why it ended as it did."""
    ended: str = ""
    """RFC 3339; empty while it is under way."""
    kind: Literal["prompt"] = "prompt"


@dataclass(frozen=True, slots=True)
class Message:
    """What the agent says: Markdown, and what is no text after it."""

    text: str
    pieces: tuple[Piece, ...] = ()
    omitted: int = 0
    message: str = ""
    """The agent's id of it, where it has one."""
    kind: Literal["message"] = "message"


@dataclass(frozen=True, slots=True)
class Thought:
    """What the agent thinks aloud."""

    text: str
    omitted: int = 0
    message: str = ""
    kind: Literal["thought"] = "thought"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan: ``pending``, ``in_progress`` or ``completed``; priority high, medium, low."""

    content: str
    status: str
    priority: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The agent's plan of the turn; it is replaced as a whole."""

    steps: tuple[Step, ...]
    omitted: int = 0
    kind: Literal["plan"] = "plan"


@dataclass(frozen=True, slots=True)
class Location:
    """A place that a tool call works at; ``line`` counts from 1."""

    path: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool call.

    ``status``: ``pending``, ``in_progress``, ``completed``, ``failed`` as ACP has them, and
    ``interrupted`` for one whose turn was cut off.
    """

    call: str
    title: str
    tool: str = "other"
    """ACP's kind: read, edit, delete, move, search, execute, think, fetch, switch_mode, other."""
    status: str = "pending"
    locations: tuple[Location, ...] = ()
    pieces: tuple[Piece, ...] = ()
    input: str = ""
    """JSON, shortened."""
    output: str = ""
    """The end of what its command prints, or of its raw output."""
    exit_code: int | None = None
    omitted: int = 0
    kind: Literal["tool"] = "tool"


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to a permission request: allow_once, allow_always, reject_once, reject_always."""

    id: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Permission:
    """The agent asks leave for a tool call."""

    request: str
    call: str
    title: str
    options: tuple[Option, ...]
    decision: Decision = Decision.PENDING
    chosen: str = ""
    """The option's id."""
    by: Literal["", "person", "auto-approve"] = ""
    kind: Literal["permission"] = "permission"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about the agent that a person should know."""

    message: str
    level: Literal["Normal", "Warning"] = "Normal"
    kind: Literal["notice"] = "notice"


Body: TypeAlias = Prompt | Message | Thought | Plan | Tool | Permission | Notice


@dataclass(frozen=True, slots=True)
class Item:
    """One entry. ``id`` orders items; ``revision`` is that of its last change."""

    id: int
    at: str
    body: Body
    revision: int = 0

    def with_body(self, body: Body) -> Item:
        """The same entry, changed."""
        return replace(self, body=body)
