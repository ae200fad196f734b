"""What of a configuration a container takes up; the rest is for people, and worth no restart. Pure.

For people are the application's name and description in Dokploy's own page, and the title that the
container shows: it is told the newest one at its next start.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from pydantic import SecretStr

from container import contract
from dokploy import dotenv
from dokploy.port import ApplicationConfig


def lasting(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables without what is for people."""
    return {name: value for name, value in variables.items() if name != contract.SESSION_TITLE}


def same_effect(one: ApplicationConfig, other: ApplicationConfig) -> bool:
    """Whether a container takes up the same from both."""
    return one == other or _effect(one) == _effect(other)


def _effect(config: ApplicationConfig) -> ApplicationConfig:
    variables = lasting(dotenv.parse(config.env.get_secret_value()))
    return replace(config, name="", description="", env=SecretStr(json.dumps(variables, sort_keys=True)))
