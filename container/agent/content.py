"""ACP's content as pieces of an item, bounded. Pure.

One text holds at most :data:`MAX_TEXT` characters, all pieces of one item twice that; more is counted
and left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from container.agent.items import Diff, Image, Link, Piece, TerminalRef, Text

if TYPE_CHECKING:
    from acp import schema

    Block = (
        schema.TextContentBlock
        | schema.ImageContentBlock
        | schema.AudioContentBlock
        | schema.ResourceContentBlock
        | schema.EmbeddedResourceContentBlock
    )
    ToolContent = (
        schema.ContentToolCallContent | schema.FileEditToolCallContent | schema.TerminalToolCallContent
    )

MAX_TEXT = 200_000
MAX_OUTPUT = 64_000
MAX_LINE = 1000
"""Characters of a title, a path, a name, a plan's step."""
MAX_INPUT = 4000
MAX_PIECES = 50
MAX_IMAGE = 400_000
"""Characters of base64 of one image that is kept."""


def line(text: str, limit: int = MAX_LINE) -> str:
    """A text that is meant to be short."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def end_of(text: str, limit: int = MAX_OUTPUT) -> tuple[str, int]:
    """The end of a text, and how many characters were left out before it."""
    omitted = max(0, len(text) - limit)
    return text[omitted:], omitted


def begin_of(text: str, limit: int) -> tuple[str, int]:
    """The beginning of a text, and how many characters were left out after it."""
    return text[:limit], max(0, len(text) - limit)


def text_of(block: Block) -> str | None:
    """What a block adds to the text of a message; None where it is no text."""
    return block.text if block.type == "text" else None


def piece_of(block: Block, room: int) -> Piece:
    """A content block as a piece of at most ``room`` characters."""
    match block.type:
        case "text":
            return Text(*begin_of(block.text, min(room, MAX_TEXT)))
        case "image" | "audio":
            data = block.data if len(block.data) <= min(MAX_IMAGE, room) else ""
            return Image(line(block.mime_type, 100), data, len(block.data) * 3 // 4)
        case "resource_link":
            return Link(line(block.uri), line(block.title or block.name))
        case "resource":
            resource = block.resource
            text = getattr(resource, "text", None)
            if isinstance(text, str):
                return Text(*begin_of(text, min(room, MAX_TEXT)))
            return Link(line(resource.uri), line(resource.uri.rsplit("/", 1)[-1]))


def pieces_of(contents: Iterable[ToolContent]) -> tuple[tuple[Piece, ...], int]:
    """A tool call's content, and how many characters were left out of it."""
    room, omitted = 2 * MAX_TEXT, 0
    pieces: list[Piece] = []
    for content in contents:
        if len(pieces) == MAX_PIECES:
            break
        piece, cost, lost = _tool_piece(content, room)
        pieces.append(piece)
        room, omitted = room - cost, omitted + lost
    return tuple(pieces), omitted


def _tool_piece(content: ToolContent, room: int) -> tuple[Piece, int, int]:
    match content.type:
        case "terminal":
            return TerminalRef(line(content.terminal_id)), 0, 0
        case "diff":
            old, old_lost = begin_of(content.old_text or "", room // 2)
            new, new_lost = begin_of(content.new_text, room // 2)
            lost = old_lost + new_lost
            piece = Diff(line(content.path), None if content.old_text is None else old, new, lost)
            return piece, len(old) + len(new), lost
        case "content":
            found = piece_of(content.content, room)
            match found:
                case Text():
                    return found, len(found.text), found.omitted
                case Image():
                    return found, len(found.data), 0
                case _:
                    return found, 0, 0


def as_json(value: Any) -> str:
    """Raw input or output of a tool as text, shortened; a text stays as it is."""
    if value is None:
        return ""
    if isinstance(value, str):
        return line(_whole(value), MAX_INPUT)
    try:
        return line(_whole(json.dumps(value, ensure_ascii=False, indent=1)), MAX_INPUT)
    except (TypeError, ValueError, RecursionError):
        return ""


def raw_output(value: Any) -> str:
    """The text in a tool's raw output, where it is a text or holds one by a usual name."""
    if isinstance(value, dict):
        for name in ("formatted_output", "aggregated_output", "output", "stdout"):
            if isinstance(value.get(name), str):
                return _whole(str(value[name]))
    return _whole(value) if isinstance(value, str) else as_json(value)


def _whole(text: str) -> str:
    """Text without halves of a character: JSON can write those, and nothing else can."""
    return text.encode(errors="replace").decode()
