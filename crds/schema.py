"""Structural schemas for a cluster, from the models. Pure.

A cluster takes less than JSON Schema offers: no references, no ``null``, no ``const``, no rules for
names of properties. What the models say in such words is said in others here.

Defaults are given where nothing else could give a value. In what a template and a target may give,
too (``SessionFields``, ``ContainerDefaults``), they stay in the description: a cluster writes
defaults into the record, and the value of the template would never be looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from crds.base import CEL_PREFIX
from crds.session import SessionFields

Node = dict[str, Any]

_LAYERED = {"SessionFields", "SessionSpec", "ContainerDefaults"}
_LAYERED_FIELDS = {info.alias for info in SessionFields.model_fields.values()}

_KEPT = (
    "type",
    "format",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "required",
)
"""Words that mean the same in both."""

_LIST_KEYS = {"EnvVar": "name", "Condition": "type"}
"""Models whose lists are maps by one of their fields: server-side apply then merges by entry."""


def structural(model: type[BaseModel], *, defaults: bool = True) -> Node:
    """The schema of a model, whole and without references."""
    whole = model.model_json_schema(by_alias=True)
    return _Translation(whole.get("$defs", {})).node(whole, model.__name__, defaults=defaults)


def default_text(node: Mapping[str, Any]) -> str | None:
    """A default in words; None where there is none, or none worth a word."""
    default = node.get("default")
    if default is None or default in ({}, []) or isinstance(default, dict):
        return None
    return str(default).lower() if isinstance(default, bool) else str(default)


class _Translation:
    """From JSON Schema's words to a cluster's."""

    def __init__(self, definitions: Mapping[str, Node]) -> None:
        self._definitions = definitions

    def node(self, node: Node, name: str, *, defaults: bool) -> Node:
        """One node; ``name`` is that of its model, where it is one."""
        if "$ref" in node:
            target = node["$ref"].rsplit("/", 1)[1]
            # What is said where it is used goes before what its model says of itself.
            return self.node(self._definitions[target] | _without(node, "$ref"), target, defaults=defaults)
        if "anyOf" in node:
            (inner,) = (each for each in node["anyOf"] if each.get("type") != "null")
            return self.node(inner | _without(node, "anyOf"), name, defaults=defaults)
        made: Node = {}
        if "description" in node:
            made["description"] = _description(node, defaults=defaults)
        made |= {word: node[word] for word in _KEPT if word in node}
        made |= _bounds(node) | _default(node, defaults=defaults)
        if "const" in node:
            made["enum"] = [node["const"]]
        if node.get("examples") and "properties" not in node:
            made["example"] = node["examples"][0]
        return made | self._children(node, name, defaults=defaults) | _rules(node)

    def _children(self, node: Node, name: str, *, defaults: bool) -> Node:
        if "properties" in node:
            return {"properties": self._properties(node["properties"], name, defaults=defaults)}
        if node.get("type") == "array":
            items = node["items"]
            made = {"items": self.node(items, name, defaults=defaults)}
            return made | _list_type(items.get("$ref", "").rsplit("/", 1)[-1])
        if node.get("type") == "object":
            values = node.get("additionalProperties") or next(iter(node["patternProperties"].values()))
            return {"additionalProperties": self.node(values, name, defaults=defaults)}
        return {}

    def _properties(self, properties: Mapping[str, Node], name: str, *, defaults: bool) -> Node:
        return {
            field: self.node(inner, name, defaults=defaults and not _is_layered(name, field))
            for field, inner in properties.items()
        }


def _is_layered(model: str, field: str) -> bool:
    return model in _LAYERED and (model == "ContainerDefaults" or field in _LAYERED_FIELDS)


def _without(node: Node, word: str) -> Node:
    return {name: value for name, value in node.items() if name != word}


def _description(node: Node, *, defaults: bool) -> str:
    text = " ".join(node["description"].split())
    default = default_text(node)
    return text if defaults or default is None else f"{text} Default: `{default}`."


def _default(node: Node, *, defaults: bool) -> Node:
    default = node.get("default")
    if not defaults or default is None:
        return {}
    # An object's own fields give their defaults once the object is there.
    return {"default": {} if isinstance(default, dict) else default}


def _bounds(node: Node) -> Node:
    made: Node = {}
    for word, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if word in node:
            made |= {plain: node[word], word: True}
    return made


def _list_type(model: str) -> Node:
    if model in _LIST_KEYS:
        return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [_LIST_KEYS[model]]}
    return {"x-kubernetes-list-type": "atomic"}


def _rules(node: Node) -> Node:
    rules = [value for word, value in node.items() if word.startswith(CEL_PREFIX)]
    return {"x-kubernetes-validations": rules} if rules else {}
