"""What a cluster demands of a schema, and what it would say of a value: as far as we use it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

ALLOWED = {
    "additionalProperties",
    "default",
    "description",
    "enum",
    "example",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "pattern",
    "properties",
    "required",
    "type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-validations",
}
FORMATS = {"date-time"}
TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from nodes(inner, f"{path}.{name}")
    for word, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if word in schema:
            yield from nodes(schema[word], path + mark)


def faults_of_schema(schema: dict[str, Any]) -> Iterator[str]:
    for path, node in nodes(schema):
        for fault in _faults_of_node(node):
            yield f"{path}: {fault}"


def _faults_of_node(node: dict[str, Any]) -> Iterator[str]:
    if extra := set(node) - ALLOWED:
        yield f"words that a cluster does not take: {extra}"
    if node.get("type") not in TYPES:
        yield "no type"
        return
    yield from _faults_of_shape(node)
    if "pattern" in node and ("(?" in node["pattern"] or re.search(r"\\[1-9Zz]", node["pattern"])):
        yield "a pattern that Go does not know"
    for word in ("default", "example"):
        if word in node:
            yield from (f"{word}: {fault}" for fault in faults_of_value(node[word], node))
    yield from _faults_of_rules(node)


def _faults_of_shape(node: dict[str, Any]) -> Iterator[str]:
    if node.get("format", "date-time") not in FORMATS:
        yield "a format that means something else in a cluster"
    if (node["type"] == "object") != (len({"properties", "additionalProperties"} & set(node)) == 1):
        yield "an object has either properties or additionalProperties"
    if (node["type"] == "array") != ("items" in node):
        yield "a list, and nothing of its items"
    if not set(node.get("required", ())) <= set(node.get("properties", ())):
        yield "requires what it does not have"
    for key in node.get("x-kubernetes-list-map-keys", ()):
        if key not in node["items"]["required"]:
            yield f"the list's key {key} is not required"


def _faults_of_rules(node: dict[str, Any]) -> Iterator[str]:
    for rule in node.get("x-kubernetes-validations", ()):
        told = rule.get("fieldPath", "").split(".")[1:2]
        for name in [*re.findall(r"self\.(\w+)", rule["rule"]), *told]:
            if name not in node["properties"]:
                yield f"a rule about {name}, which there is not"


def faults_of_record(document: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    """The faults of a record; of its metadata a cluster has a schema of its own, which adds to ours."""
    metadata = {"name": document.get("metadata", {}).get("name", "")}
    return list(faults_of_value({**document, "metadata": metadata}, schema))


def faults_of_value(value: Any, node: dict[str, Any], path: str = "") -> Iterator[str]:
    """What a cluster would refuse, unknown fields (under strict validation) included."""
    if not isinstance(value, TYPES[node["type"]]) or (isinstance(value, bool) and node["type"] != "boolean"):
        yield f"{path}: is no {node['type']}"
        return
    if "enum" in node and value not in node["enum"]:
        yield f"{path}: is none of {node['enum']}"
    if isinstance(value, str):
        yield from _faults_of_text(value, node, path)
    elif isinstance(value, list):
        if len(value) > node.get("maxItems", len(value)):
            yield f"{path}: too many items"
        for index, item in enumerate(value):
            yield from faults_of_value(item, node["items"], f"{path}[{index}]")
    elif isinstance(value, dict):
        yield from _faults_of_mapping(value, node, path)
    elif not node.get("minimum", value) <= value <= node.get("maximum", value):
        yield f"{path}: out of bounds"


def _faults_of_text(value: str, node: dict[str, Any], path: str) -> Iterator[str]:
    if not node.get("minLength", 0) <= len(value) <= node.get("maxLength", len(value)):
        yield f"{path}: too long or too short"
    if "pattern" in node and not re.search(node["pattern"], value):
        yield f"{path}: does not match {node['pattern']}"


def _faults_of_mapping(value: dict[str, Any], node: dict[str, Any], path: str) -> Iterator[str]:
    for name in node.get("required", ()):
        if name not in value:
            yield f"{path}.{name}: is missing"
    for name, item in value.items():
        inner = node.get("properties", {}).get(name) or node.get("additionalProperties")
        if inner is None:
            yield f"{path}.{name}: is unknown"
        else:
            yield from faults_of_value(item, inner, f"{path}.{name}")
