"""The reference of all records, field by field, from the models and the vocabulary. Pure."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from crds.base import Resource
from crds.conditions import CONDITIONS
from crds.kinds import KINDS
from crds.meanings import MEANINGS, TROUBLE
from crds.quantity import WORD
from crds.schema import Node, default_text
from crds.session import Attention, OperatingMode, Phase

_HEAD = """# Records

Written by `python -m crds generate` from the types in `crds/`; change those, not this file.

A record has the shape of a Kubernetes object: `apiVersion`, `kind`, `metadata`, `spec`, `status`. People
write `metadata` and `spec`, the controller writes `status`. A field that Berth does not know is refused, with
its path; a field that is null counts as left out. What a session leaves out is taken from its template, then
from `target.overrides`, then from the target's `container`.

- A quantity of CPU is `2` or `500m`, at most 1,000,000.
- A quantity of memory is `512Mi` or `2Gi` (powers of 1024), `512M` (of 1000), or bytes, at most `1024Ti`.
- A duration is `1h30m`, `90s` or `500ms`: `d`, `h`, `m`, `s` and `ms` in this order, at most `3650d`.
- A time is `2026-11-23T12:00:00Z`, always with its zone.
- A spec has at most 256 KiB as JSON, and a document in a file at most 1 MiB.

In a table, *required* stands at fields without which their object is refused. Examples are in
[`examples/`](../../examples/full.yaml).
"""

_CONDITIONS_HEAD = """## Conditions

Every type is present from the first visit, and `Unknown` counts as present. *Good* is the status to wish for.
A condition that cannot be known, or does not hold because of a larger trouble, gives the reason of that
trouble; the reasons of its own are listed. What to do about each:
[troubleshooting](../troubleshooting.md).
"""

_GOOD = {"Positive": "True", "Negative": "False", "Neutral": "-"}


def reference() -> str:
    """The whole page, as Markdown."""
    told: set[str] = set()
    parts = [_HEAD]
    for kind in KINDS:
        parts += _kind(kind, told)
    parts += [
        "## Words\n",
        _words(OperatingMode, "Session.spec.operatingMode"),
        _words(Phase, "Session.status.phase"),
        _words(Attention, "Session.status.attention"),
    ]
    return "\n".join([*parts, _conditions(), _reasons()])


def _kind(kind: type[Resource], told: set[str]) -> Iterator[str]:
    """A kind and the models in it, each model where it is met first."""
    short = f", short {', '.join(f'`{name}`' for name in kind.SHORT_NAMES)}" if kind.SHORT_NAMES else ""
    version = kind.model_fields["api_version"].default
    scope = "in a namespace" if kind.NAMESPACED else "in no namespace"
    yield f"## {kind.KIND}\n\n{_doc(kind.__doc__)}\n\n`{version}`, plural `{kind.PLURAL}`{short}; {scope}.\n"
    whole = kind.model_json_schema(by_alias=True)
    definitions: dict[str, Node] = whole.get("$defs", {})
    own = {name: node for name, node in whole["properties"].items() if name not in {"apiVersion", "kind"}}
    yield _table(own, whole.get("required", ()), definitions)
    for name in _met(own, definitions):
        if name not in told:
            told.add(name)
            yield _model(name, definitions)


def _met(properties: Mapping[str, Node], definitions: Mapping[str, Node]) -> list[str]:
    """The objects that properties lead to, each followed by those within it."""
    found: list[str] = []
    for node in properties.values():
        name = _target(node)
        inner = definitions.get(name or "", {}).get("properties")
        if name is not None and inner is not None and name not in found:
            found += [each for each in (name, *_met(inner, definitions)) if each not in found]
    return found


def _model(name: str, definitions: Mapping[str, Node]) -> str:
    node = definitions[name]
    table = _table(node["properties"], node.get("required", ()), definitions)
    return f"### {name}\n\n{_doc(node.get('description'))}\n\n{table}"


def _target(node: Node) -> str | None:
    """The model that a property holds, or a list of them, or None."""
    for inner in (node, node.get("items", {}), *node.get("anyOf", ())):
        if "$ref" in inner:
            return str(inner["$ref"]).rsplit("/", 1)[1]
    return None


def _table(properties: Mapping[str, Node], required: Iterable[str], definitions: Mapping[str, Node]) -> str:
    rows = [_row(name, node, definitions, required=name in required) for name, node in properties.items()]
    return "\n".join(["| field | type | default | what it is |", "|---|---|---|---|", *rows, ""])


def _row(name: str, node: Node, definitions: Mapping[str, Node], *, required: bool) -> str:
    default = default_text(node)
    shown = "*required*" if required else f"`{default}`" if default else ""
    # What says the same as its model is left out of the schema.
    told = node.get("description") or definitions.get(_target(node) or "", {}).get("description", "")
    text = " ".join(told.split()).replace("|", "\\|").replace("*", "\\*")
    examples = [each for each in _inner(node).get("examples", ()) if isinstance(each, str | int)]
    such = f" Such as `{examples[0]}`." if examples else ""
    return f"| `{name}` | {_type(node, definitions)} | {shown} | {text}{such} |"


def _type(node: Node, definitions: Mapping[str, Node]) -> str:
    target = _target(node)
    if target is not None:
        enum = definitions[target].get("enum")
        word = _choice(enum) if enum else f"[{target}](#{target.lower()})"
        return f"list of {word}" if node.get("type") == "array" else word
    inner = _inner(node)
    if WORD in inner:
        return str(inner[WORD])
    if "enum" in inner or "const" in inner:
        return _choice(inner.get("enum") or [inner["const"]])
    match inner["type"]:
        case "array":
            return f"list of {_type(inner['items'], definitions)}"
        case "object":
            return "map of texts"
        case "string":
            return _TEXTS.get(str(inner.get("format")), "text")
        case kind:
            return _NUMBERS[kind] + _bounds(inner)


def _inner(node: Node) -> Node:
    """A property without its null; what is said where it is used counts first."""
    return next((each | node for each in node.get("anyOf", ()) if each.get("type") != "null"), node)


_TEXTS = {"date-time": "time"}
_NUMBERS = {"integer": "whole number", "number": "number", "boolean": "true or false"}


def _choice(values: Iterable[object]) -> str:
    return " or ".join(f"`{value}`" for value in values)


def _bounds(node: Node) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None and high is not None:
        return f", {low} to {high}"
    if "exclusiveMinimum" in node:
        return f", more than {node['exclusiveMinimum']:g}, at most {high}"
    return f", at least {low}" if low is not None else ""


def _doc(text: str | None) -> str:
    return inspect.cleandoc(text or "").replace("``", "`")


def _words(enum: type[StrEnum], told_in: str) -> str:
    """The members of an enumeration with their docstrings, which only its source tells."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(enum))).body
    texts = [
        str(node.value.value)
        for node in body.body[1:]  # type: ignore[attr-defined]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ]
    rows = [f"| `{member}` | {text} |" for member, text in zip(enum, texts, strict=True)]
    head = f"### {enum.__name__}\n\n{_doc(enum.__doc__)} In `{told_in}`.\n"
    return "\n".join([head, "| value | what it says |", "|---|---|", *rows, ""])


def _conditions() -> str:
    parts = [_CONDITIONS_HEAD]
    for kind, rule in CONDITIONS.items():
        own = ", ".join(f"`{reason}`" for reason in sorted(rule.reasons - TROUBLE))
        parts.append(
            f"### Condition {kind}\n\n{rule.question}\n\n"
            f"- `True`: {rule.true}\n- `False`: {rule.false}\n- `Unknown`: {rule.unknown}\n\n"
            f"Good: {_GOOD[rule.polarity]}. Reasons of its own: {own}.\n"
        )
    troubles = ", ".join(f"`{reason}`" for reason in sorted(TROUBLE))
    return "\n".join([*parts, f"### Reasons of trouble\n\n{troubles}.\n"])


def _reasons() -> str:
    rows = [f"| `{reason}` | {row.meaning} | {row.remedy} |" for reason, row in sorted(MEANINGS.items())]
    return "\n".join(["## Reasons\n", "| reason | what it means | what to do |", "|---|---|---|", *rows, ""])
