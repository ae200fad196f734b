r"""The JSONPath templates of kubectl: ``{range .items[*]}{.metadata.name}{"\n"}{end}``.

The template is ours; the expressions in it are translated for jsonpath-ng, which evaluates them.
Where kubectl is lenient, so is this: a path that leads nowhere is empty, several results are
separated by a space, a template without braces is an expression.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli.failures import ExitCode, Failure

if TYPE_CHECKING:
    from jsonpath_ng import JSONPath

# One piece of an expression. A field's name may hold escaped dots (``.app\.kubernetes\.io/name``);
# brackets are for the library to read, so only their end is sought, past any quotes.
_PIECE = re.compile(
    r"""(?P<deep>\.\.)
      | \.?(?P<bracket>\[(?:[^\]"']|"[^"]*"|'[^']*')*\])
      | \.(?P<star>\*)
      | \.?(?P<field>(?:\\.|[^.\[\]\\\s])+)""",
    re.VERBOSE,
)
_TOKEN = re.compile(r"""\{((?:[^{}"']|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')*)\}""")
_SUBSCRIPT = re.compile(r"""\[\s*(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)")\s*\]""")


@dataclass(frozen=True, slots=True)
class _Text:
    text: str


@dataclass(frozen=True, slots=True)
class _Path:
    path: JSONPath


@dataclass(frozen=True, slots=True)
class _Range:
    path: JSONPath
    body: tuple[_Node, ...]


_Node = _Text | _Path | _Range


class Template:
    """A parsed template.

    Raises:
        Failure: it is not one; says where.
    """

    def __init__(self, source: str) -> None:
        if "{" not in source:
            source = "{" + (source if source[:1] in {".", "$", "[", "@"} else f".{source}") + "}"
        tokens = _tokens(source)
        self._nodes, rest = _parse(tokens, depth=0)
        if rest:
            raise _wrong("{end} without {range}")

    def render(self, document: Any) -> str:
        """The template's text for one document."""
        return _render(self._nodes, document)

    def values(self, document: Any) -> list[Any]:
        """What the template's only path finds.

        Raises:
            Failure: the template is more than one path.
        """
        if len(self._nodes) != 1 or not isinstance(self._nodes[0], _Path):
            raise _wrong("a single {.path} is needed here")
        return _find(self._nodes[0].path, document)


def printed(value: Any) -> str:
    """A value as text: words bare, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def translate(expression: str) -> str:
    """An expression of kubectl in jsonpath-ng's words.

    Raises:
        Failure: it cannot be read.
    """
    source = expression.strip()
    position = 1 if source[:1] in {"$", "@"} else 0
    out = "$"
    while position < len(source):
        piece = _PIECE.match(source, position)
        if piece is None or piece.end() == position:
            raise _wrong(f"{expression!r} cannot be read from {source[position:]!r} on")
        if piece["deep"]:
            out += ".."
        elif piece["bracket"]:
            out += _bracket(piece["bracket"], out)
        elif piece["star"]:
            out += "*" if out.endswith("..") else ".*"
        else:
            out += _step(piece["field"], out)
        position = piece.end()
    return out


def _bracket(text: str, before: str) -> str:
    field = _SUBSCRIPT.fullmatch(text)
    if field is None:
        return text
    return _step(field["single"] if field["single"] is not None else field["double"], before)


def _step(name: str, before: str) -> str:
    quoted = json.dumps(re.sub(r"\\(.)", r"\1", name), ensure_ascii=False)
    return quoted if before.endswith("..") else f".{quoted}"


def _compiled(expression: str) -> JSONPath:
    from jsonpath_ng.exceptions import JSONPathError  # noqa: PLC0415 - builds its tables when loaded
    from jsonpath_ng.ext.parser import parse  # noqa: PLC0415 - the same

    try:
        found: JSONPath = parse(translate(expression))
    except JSONPathError as error:
        raise _wrong(f"{expression!r} cannot be read") from error
    return found


def _tokens(source: str) -> list[str | _Text]:
    """Text between braces stays a string to be parsed; what lies outside is text already."""
    tokens: list[str | _Text] = []
    position = 0
    for match in _TOKEN.finditer(source):
        tokens += _outside(source[position : match.start()])
        tokens.append(match[1].strip())
        position = match.end()
    return tokens + _outside(source[position:])


def _outside(text: str) -> list[str | _Text]:
    if "{" in text or "}" in text:
        raise _wrong("a brace is not closed, or not opened")
    return [_Text(text)] if text else []


def _parse(tokens: Sequence[str | _Text], *, depth: int) -> tuple[tuple[_Node, ...], Sequence[str | _Text]]:
    nodes: list[_Node] = []
    while tokens:
        piece, tokens = tokens[0], tokens[1:]
        if isinstance(piece, _Text):
            nodes.append(piece)
        elif piece == "end":
            return tuple(nodes), tokens if depth else [piece, *tokens]
        elif piece.startswith("range ") or piece == "range":
            body, tokens = _parse(tokens, depth=depth + 1)
            nodes.append(_Range(_compiled(piece.removeprefix("range")), body))
        elif piece[:1] in {'"', "'"}:
            nodes.append(_Text(_unquoted(piece)))
        else:
            nodes.append(_Path(_compiled(piece)))
    if depth:
        raise _wrong("{range} without {end}")
    return tuple(nodes), tokens


def _unquoted(piece: str) -> str:
    body = piece[1:-1].replace('\\"', '"').replace('"', '\\"') if piece[0] == "'" else piece[1:-1]
    try:
        text = json.loads(f'"{body}"')
    except ValueError as error:
        raise _wrong(f"{piece} is not a text") from error
    return str(text)


def _find(path: JSONPath, document: Any) -> list[Any]:
    return [match.value for match in path.find(document)]


def _render(nodes: Sequence[_Node], document: Any) -> str:
    out = ""
    for node in nodes:
        if isinstance(node, _Text):
            out += node.text
        elif isinstance(node, _Path):
            out += " ".join(printed(value) for value in _find(node.path, document))
        else:
            out += "".join(_render(node.body, value) for value in _find(node.path, document))
    return out


def _wrong(what: str) -> Failure:
    return Failure(f"jsonpath: {what}", code=ExitCode.USAGE, remedy="for example -o jsonpath='{.status.url}'")
