"""Which agents there are to choose from: those whose command is found, and why the others are not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from container.agent.failures import AgentFailure, Kind
from container.environment import Settings


@dataclass(frozen=True, slots=True)
class Provider:
    """One agent. ``command`` is what is started; ``missing`` says why it cannot be, or is empty."""

    name: str
    title: str
    command: tuple[str, ...]
    login: str
    """How one logs in."""
    missing: str = ""

    @property
    def installed(self) -> bool:
        """Whether its command is found."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class _Known:
    title: str
    programs: tuple[str, ...]
    """By preference."""
    package: str
    login: str


_KNOWN = {
    "codex": _Known(
        "Codex",
        ("codex-acp",),
        "@agentclientprotocol/codex-acp",
        "run `codex login --device-auth` in a terminal of the session, give its auth.json as a login "
        "file, or set OPENAI_API_KEY",
    ),
    "claude": _Known(
        "Claude",
        ("claude-agent-acp", "claude-code-acp"),
        "@agentclientprotocol/claude-agent-acp",
        "run `claude` and then /login in a terminal of the session, give its .credentials.json as a "
        "login file, or set ANTHROPIC_API_KEY",
    ),
}

KEYS = {
    "api-key": ("CODEX_API_KEY", "OPENAI_API_KEY"),
    "codex-api-key": ("CODEX_API_KEY",),
    "openai-api-key": ("OPENAI_API_KEY",),
}
"""Ways to log in that ask nobody, by the ids that the two codex-acp give them, and the variables of
which each wants one."""

Which = Callable[[str], str | None]


def providers(settings: Settings, environ: Mapping[str, str]) -> tuple[Provider, ...]:
    """The known ones, and the declared one first."""

    def which(program: str) -> str | None:
        # A relative path is meant from where the agent is started.
        place = str(settings.workspace / program) if "/" in program else program
        return shutil.which(place, path=environ.get("PATH"))

    found = {name: _known(name, which) for name in _KNOWN}
    declared = declared_provider(settings)
    if settings.agent_command:
        found[declared] = _named(declared, settings.agent_command, which)
    elif declared and declared not in found:
        missing = (
            f"{declared} is no agent that is known by name; give its command in spec.agent.command, or "
            f"choose one of {', '.join(_KNOWN)}"
        )
        found[declared] = Provider(declared, declared, (), "", missing)
    return tuple(sorted(found.values(), key=lambda provider: provider.name != declared))


def declared_provider(settings: Settings) -> str:
    """The name of the agent that the session declares; empty for none."""
    return settings.agent_provider or ("agent" if settings.agent_command else "")


def told(provider: Provider | None, failure: AgentFailure) -> str:
    """A failure of a provider in words, with what to do."""
    title = provider.title if provider else "the agent"
    match failure.kind:
        case Kind.NOT_INSTALLED:
            return failure.message
        case Kind.LOGIN:
            how = f"; {provider.login}" if provider and provider.login else ""
            return f"{title} asks for a login ({failure.message}){how}"
        case _:
            return f"{title}: {failure.message}"


def _known(name: str, which: Which) -> Provider:
    known = _KNOWN[name]
    for program in known.programs:
        path = which(program)
        if path is not None:
            return Provider(name, known.title, (path,), known.login)
    missing = (
        f"{known.title} is not installed: there is no {known.programs[0]} on PATH; take an image that has "
        f"the npm package {known.package}"
    )
    return Provider(name, known.title, known.programs[:1], known.login, missing)


def _named(name: str, command: tuple[str, ...], which: Which) -> Provider:
    known = _KNOWN.get(name)
    title = known.title if known else name
    login = known.login if known else "log in as its own documentation says, in a terminal of the session"
    path = which(command[0])
    if path is None:
        missing = (
            f"there is no program {command[0]}; correct spec.agent.command, or take an image that has it"
        )
        return Provider(name, title, command, login, missing)
    return Provider(name, title, (path, *command[1:]), login)
