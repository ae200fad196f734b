"""Reads YAML text of one or several documents into records, and says where each mistake stands.

A list, as ``berth get -o yaml`` and ``kubectl get -o yaml`` write it, counts as the records in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import yaml

from crds.base import Resource
from crds.errors import InvalidObject, Problem
from crds.kinds import by_kind, parse

MAX_BYTES = 1024 * 1024
"""Bytes of one record: far above any true declaration."""

MAX_LIST_BYTES = 32 * MAX_BYTES
"""Bytes of a document that is a list of records: some ten thousand of them."""

_MAX_NODES = 100_000

_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_STEP = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")
_LIST = re.compile(r"^[ {]*[\"']?kind[\"']?: *[\"']?[A-Za-z]*List\b", re.MULTILINE)
"""A line that says that the document is a list, in YAML or in JSON."""
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
"""One character beyond the BMP in two halves, as JSON escapes it."""


@dataclass(frozen=True, slots=True)
class Document:
    """One declared record, and where it stands: ``file:line``."""

    resource: Resource
    origin: str


def read_documents(
    text: str,
    *,
    origin: str = "<input>",
    namespace: str = "default",
    variables: Mapping[str, str] | None = None,
) -> list[Document]:
    """All records of a text; raises InvalidObject with every problem of every document.

    ``namespace`` is given to namespaced records that name none. ``${NAME}`` in a value is replaced
    for the names in ``variables``, and left alone for others.
    """
    documents: list[Document] = []
    problems: list[Problem] = []
    for document in _nodes(text, origin):
        for node in _unpacked(document):
            place = f"{origin}:{node.start_mark.line + 1}"
            try:
                documents.append(Document(_record(node, origin, namespace, variables or {}), place))
            except InvalidObject as error:
                problems += [_placed(problem, node, origin) for problem in error.problems]
            except RecursionError:
                problems.append(Problem(place, _TOO_DEEP))
    problems += _doubles(documents)
    if problems:
        raise InvalidObject(problems)
    return documents


_TOO_DEEP = "is nested deeper than any record"

_BORDER = re.compile(r"^(?:---|\.\.\.)(?=\s|$)", re.MULTILINE)
"""What parts documents, wherever it stands in the first column."""


def _nodes(text: str, origin: str) -> Iterator[yaml.Node]:
    """The documents' nodes; empty documents are passed over."""
    _check_sizes(text, origin)
    try:
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InvalidObject([Problem(f"{origin}:{line}", f"this is not YAML: {error.reason}")]) from None
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is not None and not _is_empty(node):
                yield node
    except yaml.MarkedYAMLError as error:
        raise InvalidObject([_syntax(error, origin)]) from None
    except RecursionError:
        raise InvalidObject([Problem(f"{origin}:{loader.line + 1}", _TOO_DEEP)]) from None
    finally:
        loader.dispose()


def _unpacked(node: yaml.Node) -> list[yaml.Node]:
    """The records of a list, or the one document itself."""
    kind, items = _field(node, "kind"), _field(node, "items")
    if not isinstance(kind, yaml.ScalarNode) or not isinstance(items, yaml.SequenceNode):
        return [node]
    return list(items.value) if kind.value.endswith("List") else [node]


def _field(node: yaml.Node, name: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for key, value in pairs if key.value == name), None)


def _check_sizes(text: str, origin: str) -> None:
    """Refuse what is too large before it is read: reading is what takes the time."""
    borders = [0, *(match.start() for match in _BORDER.finditer(text)), len(text)]
    problems = []
    for start, end in pairwise(borders):
        size = len(text[start:end].encode(errors="surrogatepass"))
        limit = MAX_LIST_BYTES if _LIST.search(text, start, end) else MAX_BYTES
        if size > limit:
            line = text.count("\n", 0, start) + 1
            message = f"the document has {size:,} bytes, and at most {limit:,} are taken"
            problems.append(Problem(f"{origin}:{line}", message))
    if problems:
        raise InvalidObject(problems)


def _syntax(error: yaml.MarkedYAMLError, origin: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    where = f"{origin}:{mark.line + 1}:{mark.column + 1}" if mark else origin
    return Problem(where, f"this is not YAML: {_words(error)}")


def _words(error: yaml.MarkedYAMLError) -> str:
    """What is wrong, without the words of the text: an unquoted password may be among them."""
    context, problem = error.context or "", error.problem or ""
    if isinstance(error, yaml.composer.ComposerError) or context.endswith(("an alias", "an anchor")):
        return "an alias or anchor fits no other; text that begins with * or & needs quotes"
    if "tag" in problem or context.endswith("a tag"):
        return "an unknown tag; text that begins with ! needs quotes"
    return ", ".join(part for part in (context, problem) if part)


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _record(node: yaml.Node, origin: str, namespace: str, variables: Mapping[str, str]) -> Resource:
    if node.end_mark.index - node.start_mark.index > MAX_BYTES:
        raise InvalidObject([Problem("", f"the record has more than {MAX_BYTES:,} characters")])
    if _weight(node, {}) > _MAX_NODES:
        raise InvalidObject([Problem("", f"aliases make this document larger than {_MAX_NODES:,} nodes")])
    if not isinstance(node, yaml.MappingNode):
        raise InvalidObject([Problem("", "a document must be a mapping with apiVersion, kind and metadata")])
    _check_keys(node, origin)
    document = _plain(node, origin)
    if variables:
        document = _expanded(document, variables)
    kind = by_kind(str(document.get("kind")))
    metadata = document.get("metadata")
    if kind is not None and kind.NAMESPACED and isinstance(metadata, dict):
        document = {**document, "metadata": {**metadata, "namespace": metadata.get("namespace") or namespace}}
    return parse(document)


def _plain(node: yaml.MappingNode, origin: str) -> dict[str, Any]:
    constructor = _Constructor("")
    try:
        value = constructor.construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise InvalidObject([_syntax(error, origin)]) from None
    except (ValueError, LookupError, OverflowError):
        # What a tag promises and the text does not hold: !!int of a word, a number of 5,000 digits.
        raise InvalidObject(
            [Problem("", "this is not YAML: a number or tagged value cannot be read")]
        ) from None
    finally:
        constructor.dispose()
    return dict(value)


class _Constructor(yaml.SafeLoader):
    """Leaves timestamps as text: the models read them, and say what is wrong with them.

    JSON is YAML but for one thing: it escapes a character beyond the BMP as a surrogate pair
    (RFC 8259, 7), of which YAML makes two characters. They are joined.
    """

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> str:
        value = str(super().construct_scalar(node))
        return _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), value)


_Constructor.yaml_constructors = {
    **yaml.SafeLoader.yaml_constructors,
    "tag:yaml.org,2002:timestamp": yaml.SafeLoader.construct_yaml_str,
}


def _weight(node: yaml.Node, known: dict[int, int]) -> int:
    """How many nodes there are once every alias is followed; each node is looked at once."""
    if id(node) not in known:
        known[id(node)] = _MAX_NODES + 1  # for an alias within itself, which has no end
        children: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            children = node.value
        elif isinstance(node, yaml.MappingNode):
            children = [part for pair in node.value for part in pair]
        known[id(node)] = 1 + sum(_weight(child, known) for child in children)
    return known[id(node)]


def _check_keys(node: yaml.Node, origin: str) -> None:
    """Refuse what YAML lets through: a key written twice, of which the last would win."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_keys(item, origin)
    if isinstance(node, yaml.MappingNode):
        found: dict[str, int] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in found:
                raise InvalidObject(
                    [
                        Problem(
                            f"{origin}:{key.start_mark.line + 1}:{key.start_mark.column + 1}",
                            f"the key {name!r} stands here and in line {found[name]}",
                        )
                    ]
                )
            found[name] = key.start_mark.line + 1
            _check_keys(value, origin)


def _expanded(value: Any, variables: Mapping[str, str]) -> Any:
    match value:
        case str():
            return _VARIABLE.sub(lambda match: variables.get(match[1], match[0]), value)
        case dict():
            return {key: _expanded(item, variables) for key, item in value.items()}
        case list():
            return [_expanded(item, variables) for item in value]
        case _:
            return value


def _placed(problem: Problem, node: yaml.Node, origin: str) -> Problem:
    """A problem with the line of its field, where that can be found."""
    if problem.field.startswith(f"{origin}:"):
        return problem
    line = _line_of(problem.field, node)
    return Problem(
        f"{origin}:{line + 1}: {problem.field}" if problem.field else f"{origin}:{line + 1}", problem.message
    )


def _line_of(field: str, node: yaml.Node) -> int:
    """The line of the deepest part of a path that is there."""
    line = node.start_mark.line
    for bracketed, plain in _STEP.findall(field):
        found, line = _step(node, bracketed or plain, line)
        if found is None:
            return line
        node = found
    return line


def _step(node: yaml.Node, step: str, line: int) -> tuple[yaml.Node | None, int]:
    """The node one step down and its line; None and the line given where there is none."""
    if isinstance(node, yaml.SequenceNode) and step.isdecimal() and int(step) < len(node.value):
        item: yaml.Node = node.value[int(step)]
        return item, item.start_mark.line
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return value, key.start_mark.line
    return None, line


def _doubles(documents: list[Document]) -> Iterator[Problem]:
    first: dict[tuple[str, str], str] = {}
    for document in documents:
        identity = (document.resource.kind, str(document.resource.key))
        if identity in first:
            kind, key = identity
            yield Problem(document.origin, f"{kind} {key} is declared here and at {first[identity]}")
        first.setdefault(identity, document.origin)
