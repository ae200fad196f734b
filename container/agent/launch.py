"""Starts an agent's program and opens the conversation with it."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from container.agent.child import surely
from container.agent.failures import AgentFailure, Kind
from container.agent.program import Program
from container.agent.providers import Provider
from container.agent.talk import Listener, Patience, Talk
from container.agent.work import ErrorLog

_LIBRARY = "/acp/"


class Launcher:
    """Starts programs for one session; an instance is a :data:`container.agent.talk.Launch`."""

    def __init__(
        self,
        listener: Listener,
        *,
        workspace: Path,
        environ: Mapping[str, str],
        version: str,
        mask: Callable[[str], str],
        patience: Patience,
        auto_approve: bool,
        log: Path,
    ) -> None:
        self._listener = listener
        self._workspace = workspace
        # An agent that wants to open a browser has none here; codex-acp asks this variable.
        self._environ = {"NO_BROWSER": "1", **environ}
        self._version = version
        self._mask = mask
        self._patience = patience
        self._auto_approve = auto_approve
        self._log = ErrorLog(log)

    async def __call__(self, provider: Provider, earlier: str | None) -> Talk:
        """Start a provider's program and open its conversation; raises AgentFailure."""
        # Its hundreds of types take a second to load: not in the event loop's thread.
        try:
            await asyncio.to_thread(importlib.import_module, "container.agent.conversation")
        except ModuleNotFoundError as error:
            missing = (
                f"the Python package that speaks ACP is missing ({error.name}); install berth[container]"
            )
            raise AgentFailure(Kind.NOT_INSTALLED, missing) from None
        from container.agent.conversation import Conversation, Terms  # noqa: PLC0415 - loaded just now

        _hush()
        terms = Terms(
            self._workspace,
            self._environ,
            self._version,
            self._mask,
            self._patience.opening,
            self._patience.grace,
            self._auto_approve,
        )
        try:
            program = await Program.start(
                provider.command, cwd=self._workspace, environ=self._environ, log=self._log
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise AgentFailure(
                Kind.NOT_INSTALLED, f"{provider.command[0]} cannot be started: {reason}"
            ) from None
        talk = Conversation(program, self._listener, terms)
        try:
            await talk.open(earlier)
        except BaseException:
            await surely(talk.aclose())
            raise
        return talk


def _hush() -> None:
    """Keep the library's own words out of the log: they hold what the agent said, whatever that is."""
    root = logging.getLogger()
    if _is_ours not in root.filters:
        root.addFilter(_is_ours)


def _is_ours(record: logging.LogRecord) -> bool:
    return _LIBRARY not in record.pathname
