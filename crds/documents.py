"""Reads YAML text of one or several documents into records, and says where each mistake stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from crds.base import Resource
from crds.errors import InvalidObject, Problem
from crds.kinds import by_kind, parse

MAX_BYTES = 1024 * 1024
"""Bytes of one document: far above any true declaration."""

_MAX_NODES = 100_000

_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


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
    for node in _nodes(text, origin):
        place = f"{origin}:{node.start_mark.line + 1}"
        try:
            documents.append(Document(_record(node, origin, namespace, variables or {}), place))
        except InvalidObject as error:
            problems += [_placed(problem, node, origin) for problem in error.problems]
    problems += _doubles(documents)
    if problems:
        raise InvalidObject(problems)
    return documents


def _nodes(text: str, origin: str) -> Iterator[yaml.Node]:
    """The documents' nodes; empty documents are passed over."""
    loader = yaml.SafeLoader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is None or _is_empty(node):
                continue
            size = node.end_mark.index - node.start_mark.index
            if size > MAX_BYTES:
                raise InvalidObject(
                    [
                        Problem(
                            f"{origin}:{node.start_mark.line + 1}",
                            f"the document has {size:,} characters; at most {MAX_BYTES:,} are taken",
                        )
                    ]
                )
            yield node
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{origin}:{mark.line + 1}:{mark.column + 1}" if mark else origin
        raise InvalidObject([Problem(where, f"this is not YAML: {error.problem or error.context}")]) from None
    except yaml.reader.ReaderError as error:
        raise InvalidObject([Problem(origin, f"this is not YAML: {error.reason}")]) from None
    finally:
        loader.dispose()


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _record(node: yaml.Node, origin: str, namespace: str, variables: Mapping[str, str]) -> Resource:
    if _weight(node, {}) > _MAX_NODES:
        raise InvalidObject([Problem("", f"aliases make this document larger than {_MAX_NODES:,} nodes")])
    if not isinstance(node, yaml.MappingNode):
        raise InvalidObject([Problem("", "a document must be a mapping with apiVersion, kind and metadata")])
    _check_keys(node, origin)
    document = _plain(node)
    if variables:
        document = _expanded(document, variables)
    kind = by_kind(str(document.get("kind")))
    metadata = document.get("metadata")
    if kind is not None and kind.NAMESPACED and isinstance(metadata, dict):
        document = {**document, "metadata": {"namespace": namespace, **metadata}}
    return parse(document)


def _plain(node: yaml.MappingNode) -> dict[str, Any]:
    constructor = _Constructor("")
    try:
        value = constructor.construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise InvalidObject([Problem("", f"this is not YAML: {error.problem}")]) from None
    finally:
        constructor.dispose()
    return dict(value)


class _Constructor(yaml.SafeLoader):
    """Leaves timestamps as text: the models read them, and say what is wrong with them."""


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
    for index, name in _STEP.findall(field):
        found: yaml.Node | None = None
        if index and isinstance(node, yaml.SequenceNode) and int(index) < len(node.value):
            found = node.value[int(index)]
            line = found.start_mark.line
        elif name and isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == name:
                    line, found = key.start_mark.line, value
        if found is None:
            return line
        node = found
    return line


def _doubles(documents: list[Document]) -> Iterator[Problem]:
    first: dict[tuple[str, str], str] = {}
    for document in documents:
        identity = (document.resource.kind, str(document.resource.key))
        if identity in first:
            kind, key = identity
            yield Problem(document.origin, f"{kind} {key} is declared here and at {first[identity]}")
        first.setdefault(identity, document.origin)
