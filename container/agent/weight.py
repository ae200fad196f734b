"""How much an item holds, for the bounds of a transcript. Pure."""

from __future__ import annotations

from container.agent.items import (
    Body,
    Diff,
    Image,
    Link,
    Message,
    Notice,
    Permission,
    Piece,
    Plan,
    Prompt,
    TerminalRef,
    Text,
    Thought,
    Tool,
)


def weight(body: Body) -> int:
    """About how many characters it holds."""
    match body:
        case Prompt():
            return len(body.text) + len(body.message)
        case Message():
            return len(body.text) + sum(map(_weight, body.pieces))
        case Thought():
            return len(body.text)
        case Plan():
            return sum(len(step.content) for step in body.steps)
        case Tool():
            return len(body.title) + len(body.input) + len(body.output) + sum(map(_weight, body.pieces))
        case Permission():
            return len(body.title)
        case Notice():
            return len(body.message)


def _weight(piece: Piece) -> int:
    match piece:
        case Text():
            return len(piece.text)
        case Diff():
            return len(piece.old or "") + len(piece.new)
        case Image():
            return len(piece.data)
        case Link():
            return len(piece.uri)
        case TerminalRef():
            return 0
