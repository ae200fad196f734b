"""Which mode of an agent asks a person, which asks nobody, and who decides in the one that is on. Pure.

An agent's modes are known by their ids. Sources, read in their packages and tried with a model of our
own (``tests/container/agent/test_real_agents.py``):

- codex-acp 2.6.0: ``workspace-write`` asks for each command outside of its sandbox; ``agent``, in which
  it begins, has a model decide that (*Auto review*); ``agent-full-access`` has no sandbox and never asks.
- codex-acp 1: no ``workspace-write``; ``read-only`` asks for every change.
- claude-agent-acp 0.99.0: ``default`` asks; ``acceptEdits`` asks for commands alone; in ``auto`` a model
  decides; ``bypassPermissions`` asks nothing, and is not offered to root without ``IS_SANDBOX=1``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from container.agent.announced import Announced, ConfigurableOption


class Decider(StrEnum):
    """Who decides whether the agent may do what it asks leave for."""

    PERSON = "Person"
    """It asks, and a person answers."""
    AUTO_APPROVE = "AutoApprove"
    """``autoApprove: true``: whatever it asks is allowed."""
    AGENT = "Agent"
    """It decides by itself, in part or in all: by its mode, its own settings, or a model."""


DECIDES_ITSELF = "it decides itself what it asks leave for: no mode of it is known in which it asks a person"


@dataclass(frozen=True, slots=True)
class _Family:
    """Agents that have ``marks`` among their modes.

    ``asking`` is the mode for a person who decides; ``other_asking`` are others in which everything is
    asked; ``free`` is the mode that asks nothing, where it is offered.
    """

    marks: frozenset[str]
    asking: str
    other_asking: frozenset[str]
    free: str


_FAMILIES = (
    _Family(
        frozenset({"workspace-write", "agent-full-access"}),
        "workspace-write",
        frozenset({"read-only"}),
        "agent-full-access",
    ),
    _Family(frozenset({"agent", "agent-full-access"}), "read-only", frozenset(), "agent-full-access"),
    _Family(frozenset({"acceptEdits"}), "default", frozenset({"plan"}), "bypassPermissions"),
)
"""The first that fits counts."""


def mode_of(announced: Announced) -> str:
    """The mode that is on; empty where none is announced."""
    option = _option(announced)
    return str(option.value) if option else announced.mode


def mode_option(announced: Announced) -> str:
    """The id of the option by which the mode is set; empty where it is set as a mode, or not at all."""
    option = _option(announced)
    return option.id if option else ""


def modes_of(announced: Announced) -> tuple[str, ...]:
    """The ids of all modes."""
    option = _option(announced)
    return tuple(mode.id for mode in (option.choices if option else announced.modes))


def choose(announced: Announced, *, auto_approve: bool) -> str:
    """The mode to be in after opening; empty for the one that is on."""
    modes = modes_of(announced)
    family = _family(modes)
    if family is None:
        return ""
    if auto_approve:
        # Where it is not offered the agent asks, and is answered: that comes to the same.
        return family.free if family.free in modes else ""
    return family.asking


def decider(announced: Announced, *, auto_approve: bool) -> Decider:
    """Who decides in the mode that is on."""
    if auto_approve:
        return Decider.AUTO_APPROVE
    family = _family(modes_of(announced))
    if family is not None and mode_of(announced) in {family.asking, *family.other_asking}:
        return Decider.PERSON
    return Decider.AGENT


def _family(modes: Collection[str]) -> _Family | None:
    return next((family for family in _FAMILIES if family.marks <= set(modes)), None)


def _option(announced: Announced) -> ConfigurableOption | None:
    options = (option for option in announced.options if option.category == "mode" and option.choices)
    return next(options, None)
