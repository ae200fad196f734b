"""What is wrong with an object that somebody wrote: every problem, with the path of its field.

Values are never repeated: what stands in the wrong place may be a secret.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from crds.rules import MISPLACED

Location = tuple[int | str, ...]

_KEY_MARK = "[key]"
"""What pydantic adds to the location of a dictionary's key."""

_PLAIN_STEP = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: the path of the field (``spec.env[2].name``), and what to do about it."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class InvalidObject(ValueError):
    """An object that breaks its kind's rules; ``problems`` holds every mistake in it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


def problems_of(error: ValidationError, model: type[BaseModel]) -> tuple[Problem, ...]:
    """Pydantic's findings as problems: wire names, our words, no values."""
    details = error.errors(include_url=False, include_input=False)
    return tuple(_problem(detail, model) for detail in details)


def path_of(location: Iterable[int | str]) -> str:
    """A location as a path: ``('spec', 'env', 2, 'name')`` is ``spec.env[2].name``.

    A step that holds a dot stands in brackets, too: ``metadata.labels[example.com/team]``.
    """
    path = ""
    for step in location:
        if isinstance(step, int) or not _PLAIN_STEP.fullmatch(step):
            path += f"[{step}]"
        else:
            path += f".{step}" if path else step
    return path


def _problem(detail: ErrorDetails, model: type[BaseModel]) -> Problem:
    location: Location = tuple(step for step in detail["loc"] if step != _KEY_MARK)
    context = detail.get("ctx") or {}
    field = path_of(location)
    match detail["type"]:
        case "extra_forbidden":
            return Problem(field, f"unknown field{_suggestion(location, model)}")
        case "value_error":
            return Problem(field, str(context["error"]))
        case kind if kind == MISPLACED:
            inner = context["field"]
            parted = inner if inner.startswith("[") or not field else f".{inner}"
            return Problem(f"{field}{parted}", context["message"])
        case kind:
            return Problem(field, _words(kind, context) or detail["msg"])


_LISTS = {"tuple_type", "list_type"}
_WORDS = {
    "missing": "required",
    "string_type": "must be text: put a number, a date, yes or no into quotes",
    "string_unicode": "must be text: it holds a character that is none",
    "int_type": "must be a whole number, without quotes",
    "float_type": "must be a number, without quotes",
    "bool_type": "must be true or false, without quotes",
    "tuple_type": "must be a list: one '- ' per entry",
    "list_type": "must be a list: one '- ' per entry",
    "dict_type": "must be a mapping: one 'name: value' per line",
    "model_type": "must be a mapping: one 'name: value' per line",
    "model_attributes_type": "must be a mapping: one 'name: value' per line",
    "finite_number": "must be a finite number",
    "invalid_key": "names of fields are text",
}
_BOUNDS = {
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le}",
    "string_too_long": "has at most {max_length} characters",
    "string_too_short": "has at least {min_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "too_long": "has at most {max_length} entries",
    "too_short": "has at least {min_length} entries",
}


def _words(kind: str, context: Mapping[str, Any]) -> str | None:
    if kind.startswith("datetime_"):
        return "must be a time with its zone, such as 2026-11-23T12:00:00Z"
    return _WORDS.get(kind) or (_BOUNDS[kind].format(**context) if kind in _BOUNDS else None)


def _suggestion(location: Location, model: type[BaseModel]) -> str:
    names = sorted(_field_names(location[:-1], model))
    if not names:
        return ""
    wanted = str(location[-1])
    # Case and underscores are what people most often get wrong, and difflib weighs them heavily.
    plain = {name.lower(): name for name in names}
    close = difflib.get_close_matches(wanted.replace("_", "").lower(), plain, n=1)
    return f"; did you mean {plain[close[0]]!r}?" if close else f"; known here: {', '.join(names)}"


def _field_names(location: Location, model: type[BaseModel]) -> Iterator[str]:
    """The wire names of the fields of the model that stands at a location."""
    current: type[BaseModel] | None = model
    for step in location:
        if isinstance(step, str):
            current = _nested(current, step)
    if current is not None:
        yield from (info.alias or name for name, info in current.model_fields.items())


def _nested(model: type[BaseModel] | None, name: str) -> type[BaseModel] | None:
    for info in model.model_fields.values() if model else ():
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
