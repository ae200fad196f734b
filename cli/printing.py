"""What ``-o`` asks for, and writing it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cli.failures import ExitCode, Failure
from cli.jsonpath import Template
from cli.kinds import find_kind
from cli.output import say_data, visible_json
from cli.record import Record, metadata

Shape = Literal["table", "wide", "name", "json", "yaml", "jsonpath"]


@dataclass(frozen=True, slots=True)
class Output:
    """One way of writing records."""

    shape: Shape
    template: Template | None = None

    @property
    def tabular(self) -> bool:
        """Whether it is columns under titles."""
        return self.shape in {"table", "wide"}


def output(asked: str | None, *, allowed: Sequence[Shape]) -> Output:
    """The way that ``-o`` asks for.

    Raises:
        Failure: there is no such way, or the template cannot be read.
    """
    if not asked:
        return Output("table")
    word, _, argument = asked.partition("=")
    for shape in allowed:
        if word == shape:
            return Output(shape, Template(argument)) if shape == "jsonpath" else Output(shape)
    raise Failure(
        f"-o {word} is not an output",
        code=ExitCode.USAGE,
        remedy="-o " + "|".join("jsonpath=TEMPLATE" if shape == "jsonpath" else shape for shape in allowed),
    )


def write(document: Any, way: Output) -> None:
    """Write one document, or a list, in a way that is not tabular."""
    say_data(text(document, way), nl=way.shape != "jsonpath")


def text(document: Any, way: Output) -> str:
    """What :func:`write` writes."""
    if way.shape == "yaml":
        return yaml_of(document)
    if way.shape == "jsonpath" and way.template is not None:
        return way.template.render(document)
    if way.shape == "name":
        return "\n".join(name_of(record) for record in document.get("items", [document]))
    return visible_json(json.dumps(document, indent=2, ensure_ascii=False))


def yaml_of(document: Any) -> str:
    """A document as YAML, in the order its fields came."""
    import yaml  # noqa: PLC0415 - not needed by most commands

    dumped: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=False)
    return dumped.rstrip("\n")


def name_of(record: Record) -> str:
    """``session/hello``."""
    kind = find_kind(str(record.get("kind") or ""))
    word = kind.singular if kind else str(record.get("kind") or "").lower()
    return f"{word}/{metadata(record).get('name') or ''}"
