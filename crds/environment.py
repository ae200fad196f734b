"""The rules of environment variables: their names, and those that Berth keeps for itself.

The kept names are those of :mod:`container.contract`, which this package may not know; a test
holds the two equal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from crds.base import cel
from crds.rules import matching, misplaced

if TYPE_CHECKING:
    from crds.container import EnvVar

MOST_VARIABLES = 200

KEPT_NAMES = frozenset({"SESSION_ID", "PORT", "WORKSPACE_PATH", "DATABASE_PATH"})
KEPT_PREFIX = "BERTH_"
KEPT_PATTERN = r"[A-Z0-9_]+_AUTH_FILE_[0-9]+(_NAME|_PART_[0-9]+)?"
_KEPT = re.compile(KEPT_PATTERN)

_LISTED = ", ".join(f"'{name}'" for name in sorted(KEPT_NAMES))

KEPT_VARIABLES = cel(
    f"!(self.name in [{_LISTED}]) && !self.name.startsWith('{KEPT_PREFIX}')"
    f" && !self.name.matches('^{KEPT_PATTERN}$')",
    "set by Berth; choose another name",
    field=".name",
)
"""The rule of :func:`check_unreserved`, for a cluster."""

EnvName = Annotated[
    str,
    matching(
        r"[A-Za-z_][A-Za-z0-9_]*", "a variable's name has letters, digits and '_', no digit first", most=255
    ),
]
"""The name of an environment variable."""


def check_unreserved(name: str) -> str:
    """Refuse the variables that Berth itself sets; raises ValueError."""
    if name in KEPT_NAMES or name.startswith(KEPT_PREFIX):
        raise ValueError(f"{name} is set by Berth; choose another name")
    if _KEPT.fullmatch(name):
        raise ValueError(f"{name} is set by Berth: put login files into a Secret of type berth.dev/auth-file")
    return name


FreeEnvName = Annotated[EnvName, AfterValidator(check_unreserved)]
"""A variable's name that is a person's to give."""


def check_variables(variables: Sequence[EnvVar]) -> None:
    """Refuse a name that stands twice: the one or the other would win by chance."""
    first: dict[str, int] = {}
    for index, variable in enumerate(variables):
        place = first.setdefault(variable.name, index)
        if place != index:
            raise misplaced(f"env[{index}].name", f"{variable.name} is given in env[{place}] already")
