"""An application's variables as its container sees them, and Dokploy's words where that fails."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from dokploy import dotenv

NODE_NAME: Final = "vm"
NODE_ID: Final = "4imx0sldvvmsulxcunki0flxh"

_REFERENCE = re.compile(r"\$\{\{((?:project|environment)\.)?([^}\n]*)\}\}")
_LEVELS: Final[Mapping[str, str]] = {
    "project.": "Invalid project environment variable: project.",
    "environment.": "Invalid environment variable: environment.",
    "": "Invalid service environment variable: ",
}
"""The first was measured (readLogs_badref), the others are worded alike."""


class BadEnvironment(Exception):
    """A reference or a template that does not resolve; the text ends a deployment's log."""


def expanded(text: str, *, environment: str, project: str, service: str, parsed: bool) -> dict[str, str]:
    """What the container sees of ``text``.

    Args:
        text: the application's variables.
        environment: those of its environment.
        project: those of its project.
        service: the service's name, for Swarm's templates.
        parsed: False takes each ``NAME=value`` line as it stands.

    Raises:
        BadEnvironment: Dokploy or Swarm cannot resolve something in it.
    """
    if not parsed:
        lines = (line.partition("=") for line in text.splitlines())
        return {name: value for name, equals, value in lines if equals}
    levels = {"project.": dotenv.parse(project), "environment.": dotenv.parse(environment)}
    own = dotenv.parse(text)
    try:
        known = dotenv.expand(own, project=levels["project."], environment=levels["environment."])
    except dotenv.Unresolvable:
        raise BadEnvironment(_worded(own, {**levels, "": own})) from None
    fields = {
        ".Service.Name": service,
        ".Node.ID": NODE_ID,
        ".Node.Hostname": NODE_NAME,
        ".Task.Slot": "1",
    }
    try:
        return {name: dotenv.render(name, value, fields=fields) for name, value in known.items()}
    except dotenv.Unresolvable as error:
        reason = f"rpc error: code = InvalidArgument desc = expanding env failed: {error.name}"
        raise BadEnvironment(f"(HTTP code 400) unexpected - {reason} ") from None


def build_arguments(text: str) -> dict[str, str]:
    """Build arguments: dotenv, and references among themselves; no template is expanded.

    Raises:
        BadEnvironment: a reference that does not resolve.
    """
    own = dotenv.parse(text)
    try:
        return dotenv.expand(own, project={}, environment={})
    except dotenv.Unresolvable:
        raise BadEnvironment(_worded(own, {"project.": {}, "environment.": {}, "": own})) from None


def _worded(variables: Mapping[str, str], levels: Mapping[str, Mapping[str, str]]) -> str:
    for value in variables.values():
        for match in _REFERENCE.finditer(value):
            level, name = match[1] or "", str(match[2])
            if name not in levels[level]:
                return _LEVELS[level] + name
    return "Invalid environment variable"
