"""Our side of ACP: what an agent may ask of us. Loads :mod:`acp`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from acp import RequestError, schema

from container.agent import content
from container.agent.inside import Outside, read_text, write_text
from container.agent.items import Option
from container.agent.talk import Listener
from container.agent.terminals import Exit, NoTerminal, Terminals

if TYPE_CHECKING:
    from container.agent.fold import Update

_MAX_OPTIONS = 20

CAPABILITIES = schema.ClientCapabilities(
    fs=schema.FileSystemCapabilities(read_text_file=True, write_text_file=True),
    terminal=True,
    session=schema.ClientSessionCapabilities(
        config_options=schema.SessionConfigOptionsCapabilities(
            boolean=schema.BooleanConfigOptionCapabilities()
        )
    ),
    # As Zed says it: without, both adapters give a command's output in no form, or one for eyes only.
    field_meta={"terminal_output": True},
)


class OurSide:
    """Implements :class:`acp.Client` for one conversation."""

    def __init__(self, listener: Listener, workspace: Path, environ: Mapping[str, str]) -> None:
        self._listener = listener
        self._workspace = workspace
        self.terminals = Terminals(workspace, environ, listener.printed)
        self.session: str | None = None
        """The only conversation whose updates count; None while it is being opened."""
        self.replaying = False
        """The agent repeats an earlier conversation, which our transcript has already."""

    async def session_update(self, session_id: str, update: Update, **_: Any) -> None:
        """Pass on what concerns this conversation. Awaits nothing: so the order is kept."""
        if self.session not in {None, session_id}:
            return
        if not self.replaying or update.session_update in _LASTING:
            self._listener.said(update)

    async def request_permission(
        self,
        session_id: str,
        tool_call: schema.ToolCallUpdate,
        options: list[schema.PermissionOption],
        **_: Any,
    ) -> schema.RequestPermissionResponse:
        """Ask a person."""
        self._check(session_id)
        offered = [
            Option(option.option_id, content.line(option.name), option.kind)
            for option in options[:_MAX_OPTIONS]
            if len(option.option_id) <= content.MAX_LINE  # it is given back as it came, or not at all
        ]
        chosen = await self._listener.asked(tool_call, offered)
        if chosen is None:
            return schema.RequestPermissionResponse(outcome=schema.DeniedOutcome(outcome="cancelled"))
        outcome = schema.AllowedOutcome(outcome="selected", option_id=chosen)
        return schema.RequestPermissionResponse(outcome=outcome)

    async def read_text_file(
        self, session_id: str, path: str, line: int | None = None, limit: int | None = None, **_: Any
    ) -> schema.ReadTextFileResponse:
        """Read a file of the workspace."""
        self._check(session_id)
        try:
            text = await asyncio.to_thread(read_text, self._workspace, path, line=line, limit=limit)
        except FileNotFoundError:
            raise RequestError.resource_not_found(path) from None
        except (Outside, OSError) as error:
            _refuse(error)
        return schema.ReadTextFileResponse(content=text)

    async def write_text_file(
        self, session_id: str, path: str, content: str, **_: Any
    ) -> schema.WriteTextFileResponse:
        """Write a file of the workspace."""
        self._check(session_id)
        try:
            await asyncio.to_thread(write_text, self._workspace, path, content)
        except (Outside, OSError) as error:
            _refuse(error)
        return schema.WriteTextFileResponse()

    async def create_terminal(
        self,
        session_id: str,
        command: str,
        args: list[str] | None = None,
        env: list[schema.EnvVariable] | None = None,
        cwd: str | None = None,
        output_byte_limit: int | None = None,
        **_: Any,
    ) -> schema.CreateTerminalResponse:
        """Run a command."""
        self._check(session_id)
        environ = {variable.name: variable.value for variable in env or ()}
        try:
            id_ = await self.terminals.create(command, args or (), environ, cwd, output_byte_limit)
        except (NoTerminal, OSError, ValueError) as error:
            _refuse(error)
        return schema.CreateTerminalResponse(terminal_id=id_)

    async def terminal_output(
        self, session_id: str, terminal_id: str, **_: Any
    ) -> schema.TerminalOutputResponse:
        """What a command printed so far."""
        terminal = self._terminal(session_id, terminal_id)
        ended = terminal.ended.result() if terminal.ended.done() else None
        return schema.TerminalOutputResponse(
            output=terminal.output,
            truncated=terminal.truncated,
            exit_status=schema.TerminalExitStatus(**_exit(ended)) if ended else None,
        )

    async def wait_for_terminal_exit(
        self, session_id: str, terminal_id: str, **_: Any
    ) -> schema.WaitForTerminalExitResponse:
        """Wait until a command has ended."""
        ended = await asyncio.shield(self._terminal(session_id, terminal_id).ended)
        return schema.WaitForTerminalExitResponse(**_exit(ended))

    async def kill_terminal(self, session_id: str, terminal_id: str, **_: Any) -> schema.KillTerminalResponse:
        """End a command; its output stays."""
        await self._terminal(session_id, terminal_id).kill()
        return schema.KillTerminalResponse()

    async def release_terminal(
        self, session_id: str, terminal_id: str, **_: Any
    ) -> schema.ReleaseTerminalResponse:
        """End a command and forget it."""
        self._terminal(session_id, terminal_id)
        await self.terminals.release(terminal_id)
        return schema.ReleaseTerminalResponse()

    async def ext_method(self, method: str, params: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - ACP's own
        """We know no extensions."""
        raise RequestError.method_not_found(f"_{method}")

    async def ext_notification(self, method: str, params: dict[str, Any]) -> None:
        """Nor their notifications, which may be ignored."""

    def _check(self, session_id: str) -> None:
        if self.session not in {None, session_id}:
            raise RequestError.invalid_params({"details": "another session"})

    def _terminal(self, session_id: str, terminal_id: str) -> Any:
        self._check(session_id)
        try:
            return self.terminals.get(terminal_id)
        except NoTerminal as error:
            _refuse(error)


_LASTING = frozenset(
    {
        "available_commands_update",
        "current_mode_update",
        "config_option_update",
        "session_info_update",
        "usage_update",
    }
)
"""Updates that tell how things are, and no part of the talk."""


def _refuse(error: Exception) -> NoReturn:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    raise RequestError.invalid_params({"details": reason}) from None


def _exit(ended: Exit) -> dict[str, Any]:
    return {"exit_code": ended.code, "signal": ended.signal}
