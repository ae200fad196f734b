"""The CustomResourceDefinitions of our own kinds, from the models. Pure.

Secrets and Events are a cluster's own; the others are defined here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from crds.base import GROUP, VERSION, Resource
from crds.rules import LABEL
from crds.schema import Node, structural
from crds.session import Session, SessionTemplate
from crds.target import Target
from crds.user import User

DEFINED: tuple[type[Resource], ...] = (Session, SessionTemplate, Target, User)
"""The kinds that a cluster does not have by itself."""

CATEGORY = "berth"
"""``kubectl get berth`` lists all of them."""

_HEAD = "# Written by `python -m crds generate` from the types in crds/; change those, not this file.\n"

_READY = '.status.conditions[?(@.type=="Ready")].status'


@dataclass(frozen=True, slots=True)
class Column:
    """A column of ``kubectl get``; a wide one is shown with ``-o wide`` alone."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False

    def node(self) -> Node:
        """As a cluster wants it."""
        made: Node = {"name": self.name, "type": self.type, "jsonPath": self.path}
        return made | ({"priority": 1} if self.wide else {})


_AGE = Column("Age", ".metadata.creationTimestamp", "date")

COLUMNS: dict[str, tuple[Column, ...]] = {
    "Session": (
        Column("Phase", ".status.phase"),
        Column("Ready", _READY),
        Column("Attention", ".status.attention"),
        Column("Repo", ".spec.source.url"),
        _AGE,
        Column("URL", ".status.url", wide=True),
        Column("Image", ".spec.image", wide=True),
        Column("Revision", ".status.revision.running", wide=True),
        Column("Target", ".spec.target.name", wide=True),
    ),
    "SessionTemplate": (
        Column("Image", ".spec.image"),
        Column("Repo", ".spec.source.url"),
        _AGE,
    ),
    "Target": (
        Column("URL", ".spec.url"),
        Column("Ready", _READY),
        Column("Version", ".status.version"),
        _AGE,
    ),
    "User": (Column("Role", ".spec.role"), Column("Called", ".spec.displayName"), _AGE),
}


def file_name(kind: type[Resource]) -> str:
    """The file that defines a kind: ``berth.dev_sessions.yaml``."""
    return f"{GROUP}_{kind.PLURAL}.yaml"


def manifest(kind: type[Resource]) -> str:
    """The definition of a kind as YAML text."""
    text = yaml.dump(definition(kind), Dumper=_Plain, sort_keys=False, width=110, allow_unicode=True)
    return _HEAD + text


class _Plain(yaml.SafeDumper):
    """Writes everything out: a reader should not have to look for anchors."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the library's signature
        """Nothing is written as an alias."""
        return True


def definition(kind: type[Resource]) -> dict[str, Any]:
    """The definition of a kind."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced" if kind.NAMESPACED else "Cluster",
            "names": _names(kind),
            "versions": [_version(kind)],
        },
    }


def _names(kind: type[Resource]) -> Node:
    made: Node = {
        "kind": kind.KIND,
        "listKind": f"{kind.KIND}List",
        "plural": kind.PLURAL,
        "singular": kind.KIND.lower(),
        "categories": [CATEGORY],
    }
    return made | ({"shortNames": list(kind.SHORT_NAMES)} if kind.SHORT_NAMES else {})


def _version(kind: type[Resource]) -> Node:
    made: Node = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema(kind)},
    }
    if "status" in kind.model_fields:
        made["subresources"] = {"status": {}}
    return made | {"additionalPrinterColumns": [column.node() for column in COLUMNS[kind.KIND]]}


def schema(kind: type[Resource]) -> Node:
    """The structural schema of a kind."""
    whole = structural(kind)
    properties = whole["properties"]
    made: Node = {
        "description": whole["description"],
        "type": "object",
        "required": ["metadata", *(["spec"] if "spec" in whole.get("required", ()) else [])],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            # Of an object's metadata a definition may restrict the name alone.
            "metadata": {"type": "object", "properties": {"name": {"type": "string", **LABEL.schema}}},
            "spec": properties["spec"],
        },
    }
    if "status" in properties:
        # A status is written whole by the controller; a default would be a report by nobody.
        made["properties"]["status"] = structural(kind, defaults=False)["properties"]["status"]
    return made
