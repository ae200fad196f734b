"""Reads a Dockerfile: instructions, stages, variables.

Pure; what they do is in :mod:`dokploy.local.process_image`.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

_VARIABLE = re.compile(r"\\\$|\$(\w+)|\$\{(\w+)(?:(:[-+])([^}]*))?\}")


class DockerfileError(Exception):
    """The Dockerfile asks for something that is wrong, or that cannot be done here."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction; ``word`` in capitals, ``rest`` as written, lines joined."""

    word: str
    rest: str

    def __str__(self) -> str:
        return f"{self.word} {self.rest}"


@dataclass(frozen=True, slots=True)
class Stage:
    """From one FROM to the next."""

    name: str
    base: str
    source: Instruction
    body: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """The ARGs before the first FROM, and the stages."""

    head: tuple[Instruction, ...]
    stages: tuple[Stage, ...]

    def until(self, target: str | None) -> tuple[Stage, ...]:
        """The stages to build for one target (the last without one), in order."""
        if not target:
            return self.stages
        for index, stage in enumerate(self.stages):
            if target in (stage.name, str(index)):
                return self.stages[: index + 1]
        raise DockerfileError(f"failed to reach build target {target} in Dockerfile")


def read(text: str) -> Dockerfile:
    """Split into stages. Raises DockerfileError for what is no Dockerfile."""
    head: list[Instruction] = []
    stages: list[Stage] = []
    for instruction in _instructions(text):
        if instruction.word == "FROM":
            stages.append(_stage(instruction))
        elif stages:
            last = stages[-1]
            stages[-1] = Stage(last.name, last.base, last.source, (*last.body, instruction))
        elif instruction.word == "ARG":
            head.append(instruction)
        else:
            raise DockerfileError("no build stage in current context: a Dockerfile begins with FROM")
    if not stages:
        raise DockerfileError("the Dockerfile has no FROM")
    return Dockerfile(tuple(head), tuple(stages))


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace ``$X``, ``${X}``, ``${X:-default}`` and ``${X:+other}``; an unknown one is empty."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name is None:
            return "$"
        found = variables.get(name, "")
        if match[3] == ":-":
            return found or match[4]
        if match[3] == ":+":
            return match[4] if found else ""
        return found

    return _VARIABLE.sub(value, text)


def words(rest: str) -> tuple[str, ...]:
    """The words of a JSON list, or of a line with quotes."""
    listed = json_words(rest)
    if listed is not None:
        return listed
    try:
        return tuple(shlex.split(rest))
    except ValueError as error:
        raise DockerfileError(f"unbalanced quotes: {rest}") from error


def json_words(rest: str) -> tuple[str, ...] | None:
    """The words of the exec form; None for the shell form."""
    try:
        value = json.loads(rest)
    except ValueError:
        return None
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return tuple(value)
    return None


def pairs(rest: str) -> dict[str, str]:
    """``A=1 B="two words"``, or the old form ``A all the rest``."""
    first, _, after = rest.partition(" ")
    if "=" not in first:
        return {first: after.strip()}
    found: dict[str, str] = {}
    for word in words(rest):
        name, equals, value = word.partition("=")
        if not (name and equals):
            raise DockerfileError(f"can't find = in {word!r}: must be of the form name=value")
        found[name] = value
    return found


def _instructions(text: str) -> list[Instruction]:
    found: list[Instruction] = []
    pending = ""
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#") or (not stripped and not pending):
            continue
        if stripped.endswith("\\"):
            pending += stripped[:-1].rstrip() + " "
            continue
        found.append(_instruction(pending + stripped))
        pending = ""
    if pending.strip():
        found.append(_instruction(pending.strip()))
    return found


def _instruction(line: str) -> Instruction:
    word, _, rest = line.strip().partition(" ")
    return Instruction(word.upper(), rest.strip())


def _stage(source: Instruction) -> Stage:
    parts = [part for part in source.rest.split() if not part.startswith("--")]
    match parts:
        case [base]:
            return Stage("", base, source, ())
        case [base, keyword, name] if keyword.upper() == "AS":
            return Stage(name, base, source, ())
        case _:
            raise DockerfileError("FROM requires either one or three arguments")
