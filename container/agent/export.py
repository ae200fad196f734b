"""The transcript as Markdown. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

from container.agent.items import (
    Body,
    Decision,
    Diff,
    Image,
    Item,
    Link,
    Message,
    Notice,
    Outcome,
    Permission,
    Piece,
    Plan,
    Prompt,
    TerminalRef,
    Text,
    Thought,
    Tool,
)

_MAX_COMPARED = 4000
"""Lines; to compare more takes too long."""
_MARKS = {"completed": "x", "in_progress": "~"}


def to_markdown(title: str, items: Iterable[Item]) -> str:
    """The whole, to be read by people: a heading for each prompt, and what followed it."""
    parts = [f"# {_line(title)}"]
    for item in items:
        parts += filter(None, ("".join(section).strip("\n") for section in _sections(item)))
    return "\n\n".join(parts) + "\n"


def _sections(item: Item) -> Iterator[Iterable[str]]:
    body: Body = item.body
    match body:
        case Prompt():
            yield (f"## {item.at}",)
            yield (_quoted(body.text),)
            yield (f"- attached: {_code(file.path or file.name)}\n" for file in body.attachments)
            if body.outcome not in {Outcome.COMPLETED, Outcome.WORKING}:
                yield (f"*{body.outcome}*", f": {_line(body.message)}" if body.message else "")
        case Message():
            yield (body.text, _omitted(body.omitted))
            yield from map(_piece, body.pieces)
        case Thought():
            yield (
                f"<details><summary>Thought</summary>\n\n{body.text}{_omitted(body.omitted)}\n\n</details>",
            )
        case Plan():
            yield (f"- [{_MARKS.get(step.status, ' ')}] {_line(step.content)}\n" for step in body.steps)
        case Tool():
            yield from _tool(body)
        case Permission():
            yield (f"*Leave asked for:* {_line(body.title)}: {decision_of(body)}",)
        case Notice():
            yield (f"> **{body.level}:** {_line(body.message)}",)


def _tool(tool: Tool) -> Iterator[Iterable[str]]:
    yield (f"**{_line(tool.title) or tool.tool}** ({tool.tool}, {tool.status})",)
    yield (f"- {_code(place.path + (f':{place.line}' if place.line else ''))}\n" for place in tool.locations)
    yield from map(_piece, tool.pieces)
    if tool.output:
        yield (_fenced(tool.output),)
    yield (_omitted(tool.omitted),)


def _piece(piece: Piece) -> Iterable[str]:
    match piece:
        case Text():
            return (piece.text, _omitted(piece.omitted))
        case Diff():
            return (_fenced("\n".join(diff_lines(piece)), "diff"), _omitted(piece.omitted))
        case Image():
            return (f"*({_line(piece.mime)}, {piece.bytes} bytes)*",)
        case Link():
            return (f"[{_line(piece.name)}](<{_line(piece.uri)}>)",)
        case TerminalRef():
            return ()


def diff_lines(diff: Diff) -> Iterable[str]:
    """A change of a file as a unified diff."""
    old, new = (diff.old or "").splitlines(), diff.new.splitlines()
    if len(old) + len(new) > _MAX_COMPARED:
        return (
            f"--- {diff.path}",
            f"+++ {diff.path}",
            *(f"-{line}" for line in old),
            *(f"+{line}" for line in new),
        )
    return difflib.unified_diff(old, new, diff.path, diff.path, lineterm="", n=3)


def decision_of(permission: Permission) -> str:
    """What became of a permission request."""
    if permission.decision is not Decision.ANSWERED:
        return permission.decision.value
    name = next((o.name for o in permission.options if o.id == permission.chosen), permission.chosen)
    return f"{_line(name)} (by {permission.by})"


def _omitted(count: int) -> str:
    return f"\n\n*({count} characters left out)*" if count else ""


def _line(text: str) -> str:
    return " ".join(text.split())


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"


def _fenced(text: str, language: str = "") -> str:
    """A block that no run of backticks in the text ends early."""
    longest = max(map(len, re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
