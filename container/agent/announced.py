"""What an agent announces of itself: modes, options, commands, title, use of its context. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from container.agent.content import line

if TYPE_CHECKING:
    from acp import schema

    from container.agent.fold import Update

    Opened = schema.NewSessionResponse | schema.LoadSessionResponse | schema.ResumeSessionResponse
    ConfigOption = schema.SessionConfigOptionSelect | schema.SessionConfigOptionBoolean

_MAX_CHOICES = 200
_MAX_COMMANDS = 500


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several: a mode, or a value of an option."""

    id: str
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class ConfigurableOption:
    """Something about the agent that can be set, such as its model.

    ``category`` is ``mode``, ``model``, ``model_config``, ``thought_level`` or empty. ``choices`` is
    empty for a switch, whose ``value`` is a boolean.
    """

    id: str
    name: str
    description: str
    category: str
    value: str | bool
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command: a prompt that begins with ``/name``; ``hint`` tells what may follow."""

    name: str
    description: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ContextUse:
    """Tokens in the agent's context, and how many fit; what the session cost so far, if told."""

    used: int
    size: int
    cost: float | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Announced:
    """All of it. Empty where the agent announces nothing of the kind."""

    mode: str = ""
    modes: tuple[Choice, ...] = ()
    options: tuple[ConfigurableOption, ...] = ()
    commands: tuple[Command, ...] = ()
    title: str = ""
    context: ContextUse | None = None
    images: bool = field(default=False)
    """Whether it takes images in prompts; others are given as links to files."""


def announce_opened(announced: Announced, opened: Opened) -> Announced:
    """What the answer to opening a session tells."""
    if opened.modes is not None:
        modes = tuple(
            Choice(line(mode.id), line(mode.name), line(mode.description or ""))
            for mode in opened.modes.available_modes[:_MAX_CHOICES]
        )
        announced = replace(announced, mode=line(opened.modes.current_mode_id), modes=modes)
    if opened.config_options is not None:
        announced = replace(announced, options=options_of(opened.config_options))
    return announced


def announce(announced: Announced, update: Update) -> Announced:
    """Take in one update; most tell nothing of this kind."""
    match update.session_update:
        case "current_mode_update":
            return replace(announced, mode=line(update.current_mode_id))
        case "config_option_update":
            return replace(announced, options=options_of(update.config_options))
        case "available_commands_update":
            commands = tuple(map(_command, update.available_commands[:_MAX_COMMANDS]))
            return replace(announced, commands=commands)
        case "session_info_update":
            return replace(announced, title=line(update.title)) if update.title else announced
        case "usage_update":
            cost = update.cost
            use = ContextUse(update.used, update.size)
            if cost is not None:
                use = replace(use, cost=cost.amount, currency=line(cost.currency))
            return replace(announced, context=use)
        case _:
            return announced


def options_of(options: Iterable[ConfigOption]) -> tuple[ConfigurableOption, ...]:
    """The options as an agent tells them, groups of values as one list."""
    return tuple(map(_option, list(options)[:_MAX_CHOICES]))


def _option(option: ConfigOption) -> ConfigurableOption:
    category = option.category if isinstance(option.category, str) else ""
    found = ConfigurableOption(
        line(option.id), line(option.name), line(option.description or ""), category, option.current_value
    )
    if option.type == "boolean":
        return found
    choices: list[Choice] = []
    for entry in option.options[:_MAX_CHOICES]:
        # A group holds values of its own.
        values = getattr(entry, "options", None) or [entry]
        choices += [Choice(line(v.value), line(v.name), line(v.description or "")) for v in values]
    return replace(found, choices=tuple(choices[:_MAX_CHOICES]))


def _command(command: schema.AvailableCommand) -> Command:
    # Of the kinds of input that ACP may ever have, the one that it has is a hint.
    hint = getattr(getattr(command.input, "root", command.input), "hint", "") if command.input else ""
    return Command(line(command.name), line(command.description), line(hint))
