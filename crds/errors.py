"""What is wrong with an object that somebody wrote: every problem, with the path of its field.

Values are never repeated: what stands in the wrong place may be a secret.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: the path of the field (``spec.env[2].name``), and what to do about it."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class InvalidObject(ValueError):
    """An object that breaks its kind's rules."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


def problems_of(error: ValidationError, model: type[BaseModel]) -> tuple[Problem, ...]:
    """Pydantic's findings as problems with wire names."""
    return tuple(_problem(detail, model) for detail in error.errors(include_url=False))


def path_of(location: Iterable[int | str]) -> str:
    """A location as a path: ``('spec', 'env', 2, 'name')`` is ``spec.env[2].name``."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else str(step)
    return path


def _problem(detail: ErrorDetails, model: type[BaseModel]) -> Problem:
    location, kind = detail["loc"], detail["type"]
    field = path_of(location)
    match kind:
        case "extra_forbidden":
            return Problem(field, f"unknown field{_suggestion(location, model)}")
        case "missing":
            return Problem(field, "required")
        case "value_error" | "assertion_error":
            return Problem(
                field, detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
            )
        case "enum" | "literal_error":
            return Problem(field, f"must be one of: {(detail.get('ctx') or {}).get('expected', '')}")
        case _:
            return Problem(field, detail["msg"])


def _suggestion(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    names = list(_field_names(location[:-1], model))
    close = difflib.get_close_matches(str(location[-1]), names, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known here: {', '.join(sorted(names))}" if names else ""


def _field_names(location: tuple[int | str, ...], model: type[BaseModel]) -> Iterator[str]:
    """The wire names of the fields of the model that stands at a location."""
    current: type[BaseModel] | None = model
    for step in location:
        if isinstance(step, int):
            continue
        current = _nested(current, step)
        if current is None:
            return
    if current is not None:
        yield from (info.alias or name for name, info in current.model_fields.items())


def _nested(model: type[BaseModel] | None, name: str) -> type[BaseModel] | None:
    if model is None:
        return None
    for info in model.model_fields.values():
        if info.alias == name:
            return _model_in(info.annotation)
    return None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
