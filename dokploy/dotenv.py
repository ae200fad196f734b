r"""Environments as Dokploy reads them, and how to write them so that it reads what was meant.

A text goes through three readers, one after the other (FACTS 4 and 11):

1. :func:`parse`: dotenv. An unquoted ``#`` begins a comment, ``"`` expands ``\n`` and ``\r``, the
   last of two equal names wins, a carriage return becomes a line feed.
2. :func:`expand`: Dokploy's references ``${{project.X}}``, ``${{environment.X}}`` and ``${{X}}``; an
   unknown one fails the deploy.
3. :func:`render`: Swarm's templates ``{{...}}`` (Go's); an unknown one fails the deploy.

:func:`resolve` is all three. :func:`encode` is the way back: ``resolve(encode(x)) == x`` for every
text without zero and surrogates. Build arguments see no Swarm, so nothing can be escaped in them:
:func:`encode_arguments`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

_SPACE = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
r"""What JavaScript takes for white space (``\s`` and ``trim``); Python's ``\s`` is another set."""
_TRIMMED = _SPACE.replace("\u2000-\u200a", "".join(map(chr, range(0x2000, 0x200B))))
_ENDS = "\n\r\u2028\u2029"
"""Where JavaScript's ``^`` and ``$`` stand in multi-line patterns, and its ``.`` does not."""
_START = rf"(?:\A|(?<=[{_ENDS}]))"
_END = rf"(?:\Z|(?=[{_ENDS}]))"

_LINE = re.compile(
    rf"{_START}[{_SPACE}]*(?:export[{_SPACE}]+)?([A-Za-z0-9_.-]+)(?:[{_SPACE}]*=[{_SPACE}]*?|:[{_SPACE}]+?)"
    rf"([{_SPACE}]*'(?:\\'|[^'])*'"
    rf'|[{_SPACE}]*"(?:\\"|[^"])*"'
    rf"|[{_SPACE}]*`(?:\\`|[^`])*`"
    rf"|[^#\r\n]+)?[{_SPACE}]*(?:#[^{_ENDS}]*)?{_END}"
)
_QUOTED = re.compile(rf"{_START}(['\"`])([\s\S]*)\1{_END}")

_IN_BASE64 = "give it in base64"

_LOST_NAME = "__proto__"
"""The one name that an object of JavaScript does not take for a key."""


class Unencodable(ValueError):
    """A variable that no text can carry to the container; says which and why, never its value.

    ``remedy`` is what may be done where the value is whoever's own to write; empty where ``why`` says it.
    """

    def __init__(self, name: str, why: str, remedy: str = "") -> None:
        super().__init__(f"{name} {why}; {remedy}" if remedy else f"{name} {why}")
        self.name = name
        self.why = why
        self.remedy = remedy


class Unresolvable(ValueError):
    """A reference or a template that fails the deploy; says in which variable."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} {why}")
        self.name = name
        self.why = why


def parse(text: str) -> dict[str, str]:
    """Read a text as the ``dotenv`` package of Node does; what it cannot read it leaves out."""
    variables = {}
    for line in _LINE.finditer(re.sub(r"\r\n?", "\n", text)):
        value = (line[2] or "").strip(_TRIMMED)
        quote = value[:1]
        value = _QUOTED.sub(lambda quoted: str(quoted[2]), value)
        if quote == '"':
            value = value.replace(r"\n", "\n").replace(r"\r", "\r")
        if line[1] != _LOST_NAME:
            variables[line[1]] = value
    return variables


_REFERENCE = r"\$\{{\{{{prefix}([^" + _ENDS + r"]*?)\}}\}}"
_PROJECT = re.compile(_REFERENCE.format(prefix=r"project\."))
_ENVIRONMENT = re.compile(_REFERENCE.format(prefix=r"environment\."))
_SELF = re.compile(_REFERENCE.format(prefix=""))


def expand(
    variables: Mapping[str, str], *, project: Mapping[str, str], environment: Mapping[str, str]
) -> dict[str, str]:
    """Put in what Dokploy's references stand for; raise Unresolvable for an unknown one.

    A variable's reference to another gives that one as it was written: it is not followed further.
    """

    def put_in(name: str, value: str) -> str:
        for pattern, known in ((_PROJECT, project), (_ENVIRONMENT, environment), (_SELF, variables)):
            value = pattern.sub(_looked_up(name, known), value)
        return value

    return {name: put_in(name, value) if "${{" in value else value for name, value in variables.items()}


def _looked_up(name: str, known: Mapping[str, str]) -> Callable[[re.Match[str]], str]:
    def look_up(reference: re.Match[str]) -> str:
        if reference[1] not in known:
            raise Unresolvable(name, "refers to a variable that does not exist")
        return known[reference[1]]

    return look_up


_ACTION = re.compile(
    r"\{\{(?:-\s)?\s*(?:(?P<text>\"(?:[^\"\\\n]|\\.)*\")|`(?P<raw>[^`]*)`|(?P<field>(?:\.\w+)+))"
    r"\s*(?:\s-)?\}\}"
)


def render(name: str, value: str, *, fields: Mapping[str, str]) -> str:
    """Render a value as Swarm does: text constants and fields (``.Service.Name``) by their path.

    Swarm knows the rest of Go's templates too; here all else raises Unresolvable, as an unknown
    word does there (``{{foo}}``, FACTS 4).
    """
    parts = []
    position = 0
    while (start := value.find("{{", position)) >= 0:
        action = _ACTION.match(value, start)
        if action is None:
            raise Unresolvable(name, "holds a template that Swarm does not know")
        parts += [value[position:start], _rendered(name, action, fields)]
        position = action.end()
    return "".join([*parts, value[position:]])


def _rendered(name: str, action: re.Match[str], fields: Mapping[str, str]) -> str:
    if action["raw"] is not None:
        return action["raw"]
    if action["field"] is not None:
        if action["field"] not in fields:
            raise Unresolvable(name, "holds a template with a field that Swarm does not know")
        return fields[action["field"]]
    try:
        # Go's constants and JSON's are the same as far as they are used here.
        return str(json.loads(action["text"], strict=False))
    except ValueError:
        raise Unresolvable(name, "holds a template with a text that Swarm cannot read") from None


def resolve(
    text: str,
    *,
    project: str = "",
    environment: str = "",
    fields: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """What a container sees of the text; raise Unresolvable where the deploy fails."""
    expanded = expand(parse(text), project=parse(project), environment=parse(environment))
    return {name: render(name, value, fields=fields or {}) for name, value in expanded.items()}


_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
"""Zero, which ends a text in C, and halves of surrogate pairs, which UTF-8 does not have."""
_BRACES = re.compile(r"[${]+")
_HARD = re.compile(r"[${\r']+")
"""What no kind of quotes carries, besides: in single quotes everything but these stands for itself."""
_KINDS = re.compile(r"\$+|\{+|\r+|'+")
_NOTHING = '{{""}}'
"""A template that renders to nothing."""


def encode(variables: Mapping[str, str]) -> str:
    """Write variables so that the container sees them as they are; raise Unencodable.

    Each value stands in the first of a single quote, a backtick and a double quote that does not occur in it;
    with all three in it, bare, if it is one line without ``#``. ``{{`` and ``${{`` become templates
    that render to themselves. So does, where nothing of that serves, what dotenv would change: a
    carriage return and the quote itself. Refused are only zero, half a surrogate pair, and a name
    that dotenv does not read.
    """
    return "\n".join(f"{name}={_encoded(name, value)}" for name, value in variables.items())


def encode_arguments(variables: Mapping[str, str]) -> str:
    """Write build arguments; raise Unencodable, for ``${{`` too: no Swarm would undo an escape."""
    lines = []
    for name, value in variables.items():
        _check(name, value)
        if "${{" in value:
            raise Unencodable(name, "holds '${{', which Dokploy takes for a reference in a build argument")
        if "\r" in value:
            raise Unencodable(name, "holds a carriage return, which Dokploy changes", _IN_BASE64)
        text = _quoted(value, value)
        if text is None:
            raise Unencodable(name, "holds quotes of all kinds beside '#', line ends or spaces", _IN_BASE64)
        lines.append(f"{name}={text}")
    return "\n".join(lines)


def _encoded(name: str, value: str) -> str:
    _check(name, value)
    if "\r" not in value:
        escaped = _BRACES.sub(_escaped, value)
        simple = _quoted(_closed(escaped), escaped)
        if simple is not None:
            return simple
    return f"'{_closed(_HARD.sub(_escaped, value))}'"


def _closed(text: str) -> str:
    """The text, with a template of nothing behind a last backslash.

    The closing quote would be read as belonging to it, and the value would go on into the next line.
    """
    return text + _NOTHING if text.endswith("\\") else text


def _check(name: str, value: str) -> None:
    if not _NAME.fullmatch(name) or name == _LOST_NAME:
        raise Unencodable(name, "is not a name that Dokploy can read: use letters, digits and '_'")
    if _UNWRITABLE.search(value):
        raise Unencodable(name, "holds a character that no environment can", _IN_BASE64)


def _escaped(run: re.Match[str]) -> str:
    """A run of characters that need a template, each kind as one of its own; a run without need as it is.

    The whole run, since ``$${{`` with only its end escaped would leave ``${{`` standing, and
    ``{${{`` would leave ``{{{``; a ``$`` before any template would make a reference of it.
    """
    if "{{" not in run[0] and "\r" not in run[0] and "'" not in run[0]:
        return run[0]
    return "".join(f"{{{{{_constant(part)}}}}}" for part in _KINDS.findall(run[0]))


def _constant(text: str) -> str:
    """A text constant of Go's that holds no single quote and no carriage return."""
    return '"' + text.replace("\r", r"\r").replace("'", r"\u0027") + '"'


def _quoted(text: str, bare: str) -> str | None:
    """The text in quotes, or ``bare`` without, so that dotenv reads it back; None where neither does."""
    for quote in "'`\"":
        broken = text.endswith("\\") or (quote == '"' and re.search(r"\\[nr]", text))
        if quote not in text and not broken:
            return f"{quote}{text}{quote}"
    if bare == bare.strip(_TRIMMED) and bare[0] not in "'`\"" and not re.search(rf"[#{_ENDS}]", bare):
        return bare
    return None
