"""A real ACP agent that does what the prompt tells it, line by line; it speaks through the package.

``python scripted.py [--flag …]``; the prompt's lines are orders, see :class:`Orders`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import acp
from acp import RequestError, schema


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sessions", type=Path, help="a file in which sessions outlast the program")
    parser.add_argument("--load", action="store_true", help="can load a session, and repeats it")
    parser.add_argument("--resume", action="store_true", help="can resume a session")
    parser.add_argument("--no-resume", action="store_true", help="knows no resuming, whatever it says")
    parser.add_argument("--images", action="store_true", help="takes images")
    parser.add_argument("--login", type=Path, help="asks for a login until this file is there")
    parser.add_argument("--key", action="store_true", help="can log in by OPENAI_API_KEY")
    parser.add_argument("--at-start", default="", help="crash, hang, garbage, version or close")
    parser.add_argument(
        "--times", type=Path, help="--at-start counts for as long as this file holds a number > 0"
    )
    parser.add_argument("--modes", action="store_true", help="announces modes, options and commands")
    parser.add_argument("--recorded", type=Path, help="announces the modes in this file, and asks as they do")
    parser.add_argument("--only-modes", action="store_true", help="announces no option for the mode")
    parser.add_argument("--stubborn", default="", help="stays in its mode: refuse, or ignore")
    return parser.parse_args()


class Agent:
    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.client: Any = None
        self.cancelled: dict[str, asyncio.Event] = {}
        self.logged_in = False
        self.mode, self.model = "ask", "small"
        self.recorded = json.loads(given.recorded.read_text()) if given.recorded else None
        if self.recorded:
            self.mode = self.recorded["begins"]

    def on_connect(self, client: Any) -> None:
        self.client = client

    async def initialize(self, protocol_version: int, client_capabilities: Any = None, **_: Any) -> Any:
        self.client_capabilities = client_capabilities
        if self.given.at_start == "hang":
            await asyncio.sleep(3600)
        methods = [schema.AuthMethodAgent(id="api-key", name="API key")] if self.given.key else []
        return acp.InitializeResponse(
            protocol_version=77 if self.given.at_start == "version" else protocol_version,
            agent_capabilities=schema.AgentCapabilities(
                load_session=self.given.load,
                prompt_capabilities=schema.PromptCapabilities(image=self.given.images),
                session_capabilities=schema.SessionCapabilities(
                    resume=schema.SessionResumeCapabilities() if self.given.resume else None
                ),
            ),
            agent_info=schema.Implementation(name="scripted", title="Scripted", version="1.0"),
            auth_methods=methods,
        )

    async def authenticate(self, method_id: str, **_: Any) -> Any:
        self.logged_in = method_id == "api-key" and bool(os.environ.get("OPENAI_API_KEY"))
        return acp.AuthenticateResponse()

    async def new_session(self, cwd: str, **_: Any) -> Any:
        self.check_login()
        sessions = self.sessions()
        id_ = f"session-{len(sessions) + 1}"
        self.keep({**sessions, id_: []})
        return acp.NewSessionResponse(session_id=id_, **self.announced())

    async def load_session(self, cwd: str, session_id: str, **_: Any) -> Any:
        for text in self.known(session_id):
            await self.client.session_update(session_id, acp.update_user_message_text(text))
            await self.client.session_update(session_id, acp.update_agent_message_text(f"again: {text}"))
        return acp.LoadSessionResponse(**self.announced())

    async def resume_session(self, session_id: str, **_: Any) -> Any:
        self.known(session_id)
        return schema.ResumeSessionResponse(**self.announced())

    async def set_session_mode(self, mode_id: str, session_id: str, **_: Any) -> Any:
        self.change_mode(mode_id)
        return acp.SetSessionModeResponse()

    def change_mode(self, mode: str) -> None:
        """As the recorded ones do: what is not offered is refused."""
        if self.given.stubborn == "refuse":
            raise RequestError.invalid_params({"details": f"Mode {mode} is not available in this session"})
        if not self.given.stubborn:
            self.mode = mode

    async def set_config_option(self, config_id: str, session_id: str, value: Any, **_: Any) -> Any:
        if self.recorded and config_id == self.recorded["option"]:
            self.change_mode(value)
            return schema.SetSessionConfigOptionResponse(config_options=self.options())
        if value == "large" and self.given.key:
            raise RequestError.invalid_params({"details": "no such model for this key"})
        self.model = value
        return schema.SetSessionConfigOptionResponse(config_options=self.options())

    async def prompt(self, prompt: list[Any], session_id: str, **_: Any) -> Any:
        self.cancelled[session_id] = asyncio.Event()
        text = "\n".join(block.text for block in prompt if block.type == "text")
        sessions = self.sessions()
        self.keep({**sessions, session_id: [*sessions.get(session_id, []), text]})
        orders = Orders(self, session_id, prompt)
        for line in text.splitlines():
            if self.cancelled[session_id].is_set():
                return acp.PromptResponse(stop_reason="cancelled")
            name, _, rest = line.partition(" ")
            stop = await getattr(orders, name.replace("-", "_"), orders.unknown)(rest)
            if stop:
                return acp.PromptResponse(stop_reason=stop)
        cancelled = self.cancelled[session_id].is_set()
        return acp.PromptResponse(stop_reason="cancelled" if cancelled else "end_turn")

    async def cancel(self, session_id: str, **_: Any) -> None:
        self.cancelled[session_id].set()

    def check_login(self) -> None:
        if (self.given.login and not self.given.login.exists()) or (self.given.key and not self.logged_in):
            raise RequestError.auth_required()

    def known(self, session_id: str) -> list[str]:
        if session_id not in self.sessions():
            raise RequestError.resource_not_found(session_id)
        return self.sessions()[session_id]

    def sessions(self) -> dict[str, list[str]]:
        path = self.given.sessions
        return json.loads(path.read_text()) if path and path.exists() else {}

    def keep(self, sessions: dict[str, list[str]]) -> None:
        if self.given.sessions:
            self.given.sessions.write_text(json.dumps(sessions))

    def announced(self) -> dict[str, Any]:
        if self.recorded:
            modes = [schema.SessionMode(id=each["id"], name=each["name"]) for each in self.recorded["modes"]]
            options = [] if self.given.only_modes else self.options()
            return {
                "modes": schema.SessionModeState(current_mode_id=self.mode, available_modes=modes),
                "config_options": options,
            }
        if not self.given.modes:
            return {}
        modes = [schema.SessionMode(id="ask", name="Ask"), schema.SessionMode(id="code", name="Code")]
        return {
            "modes": schema.SessionModeState(current_mode_id=self.mode, available_modes=modes),
            "config_options": self.options(),
        }

    def options(self) -> list[Any]:
        if self.recorded:
            choices = [
                schema.SessionConfigSelectOption(value=each["id"], name=each["name"])
                for each in self.recorded["modes"]
            ]
            return [
                schema.SessionConfigOptionSelect(
                    id=self.recorded["option"],
                    name="Mode",
                    type="select",
                    category="mode",
                    current_value=self.mode,
                    options=choices,
                )
            ]
        values = [schema.SessionConfigSelectOption(value=v, name=v.title()) for v in ("small", "large")]
        return [
            schema.SessionConfigOptionSelect(
                id="model",
                name="Model",
                type="select",
                category="model",
                current_value=self.model,
                options=values,
            )
        ]


class Orders:
    """What a line of the prompt can be. A value that is returned is the stop reason."""

    def __init__(self, agent: Agent, session: str, prompt: list[Any]) -> None:
        self.agent = agent
        self.session = session
        self.given = prompt

    async def tell(self, update: Any) -> None:
        await self.agent.client.session_update(self.session, update)

    async def unknown(self, _: str) -> None:
        await self.say("that is no order")

    async def say(self, text: str) -> None:
        await self.tell(acp.update_agent_message_text(text))

    async def think(self, text: str) -> None:
        await self.tell(acp.update_agent_thought_text(text))

    async def stream(self, count: str) -> None:
        for number in range(int(count)):
            await self.say(f"{number} ")

    async def plan(self, steps: str) -> None:
        """``plan a|b!|c`` - a step with an exclamation mark is done."""
        entries = [
            acp.plan_entry(step.rstrip("!"), status="completed" if step.endswith("!") else "pending")
            for step in steps.split("|")
        ]
        await self.tell(acp.update_plan(entries))

    async def edit(self, path: str) -> None:
        """A tool call with a diff, begun, and done."""
        diff = acp.tool_diff_content(path, "new\n", "old\n")
        await self.tell(acp.start_tool_call("edit-1", f"Edit {path}", kind="edit", status="pending"))
        await self.tell(
            acp.update_tool_call(
                "edit-1",
                status="completed",
                content=[diff],
                locations=[schema.ToolCallLocation(path=path, line=1)],
            )
        )

    async def open_tool(self, title: str) -> None:
        await self.tell(acp.start_tool_call("open-1", title, kind="execute", status="in_progress"))

    async def printed(self, text: str) -> None:
        """Output as codex-acp tells it."""
        await self.tell(acp.start_tool_call("shell-1", "ls", kind="execute", status="in_progress"))
        for part in text.split("|"):
            update = acp.update_tool_call("shell-1")
            update.field_meta = {"terminal_output": {"terminal_id": "shell-1", "data": part}}
            await self.tell(update)
        last = acp.update_tool_call("shell-1", status="completed")
        last.field_meta = {"terminal_exit": {"terminal_id": "shell-1", "exit_code": 3, "signal": None}}
        await self.tell(last)

    async def ask(self, title: str) -> None:
        """Asks leave, and says what came of it."""
        options = [
            schema.PermissionOption(option_id="always", name="Always", kind="allow_always"),
            schema.PermissionOption(option_id="yes", name="Yes", kind="allow_once"),
            schema.PermissionOption(option_id="no", name="No", kind="reject_once"),
        ]
        call = schema.ToolCallUpdate(tool_call_id="asked-1", title=title, kind="execute", status="pending")
        answer = await self.agent.client.request_permission(self.session, call, options)
        await self.say(f"answer: {getattr(answer.outcome, 'option_id', answer.outcome.outcome)}")

    async def guarded(self, path: str) -> None:
        """Makes a file outside of its sandbox: asks before, in the modes in which the recorded one does."""
        asks = {each["id"]: each["asks"] for each in self.agent.recorded["modes"]}[self.agent.mode]
        if asks:
            options = [schema.PermissionOption(option_id="allow", name="Yes, proceed", kind="allow_once")]
            call = schema.ToolCallUpdate(tool_call_id="guarded-1", title=f"touch {path}", kind="execute")
            answer = await self.agent.client.request_permission(self.session, call, options)
            if answer.outcome.outcome != "selected":
                return
        note(path, "ran")

    async def read(self, path: str) -> None:
        try:
            answer = await self.agent.client.read_text_file(self.session, path)
        except RequestError as error:
            await self.say(f"refused: {error.data}")
        else:
            await self.say(answer.content)

    async def write(self, words: str) -> None:
        path, _, content = words.partition(" ")
        try:
            await self.agent.client.write_text_file(self.session, path, content)
        except RequestError as error:
            await self.say(f"refused: {error.data}")

    async def run(self, command: str) -> None:
        """A command in a terminal of the client's."""
        terminal = (await self.agent.client.create_terminal(self.session, command)).terminal_id
        await self.tell(
            acp.start_tool_call("run-1", command, kind="execute", content=[acp.tool_terminal_ref(terminal)])
        )
        ended = await self.agent.client.wait_for_terminal_exit(self.session, terminal)
        output = await self.agent.client.terminal_output(self.session, terminal)
        await self.agent.client.release_terminal(self.session, terminal)
        await self.tell(acp.update_tool_call("run-1", status="completed"))
        await self.say(f"{ended.exit_code} {ended.signal}: {output.output}")

    async def given_blocks(self, _: str) -> None:
        await self.say(" ".join(f"{block.type}:{getattr(block, 'uri', '')}" for block in self.given[1:]))

    async def environment(self, name: str) -> None:
        await self.say(f"{name}={os.environ.get(name)}")

    async def pid(self, _: str) -> None:
        await self.say(f"pid {os.getpid()}")

    async def child(self, path: str) -> None:
        """Leaves a child that outlives it unless its group is ended."""
        child = await asyncio.create_subprocess_exec("sleep", "3600")
        note(path, str(child.pid))

    async def wait(self, path: str) -> None:
        """Until a file is there, or the turn is cancelled."""
        while not there(path) and not self.agent.cancelled[self.session].is_set():
            await asyncio.sleep(0.01)

    async def deaf(self, path: str) -> None:
        """The same, but a cancel changes nothing."""
        while not there(path):
            await asyncio.sleep(0.01)

    async def stop(self, reason: str) -> str:
        return reason

    async def crash(self, code: str) -> None:
        sys.stderr.write(f"about to crash, key {os.environ.get('MY_API_KEY', '')}\n")
        sys.stderr.flush()
        os._exit(int(code))

    async def fail(self, words: str) -> None:
        raise RequestError.internal_error(json.loads(words) if words.startswith("{") else words)

    async def login_lost(self, _: str) -> None:
        raise RequestError.auth_required()

    async def flood(self, count: str) -> None:
        """As fast as it goes, past the library, which would wait."""
        chunk = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "x" * 100}}
        line = json.dumps(
            {
                "jsonrpc": "2.0",
                "method": "session/update",
                "params": {"sessionId": self.session, "update": chunk},
            }
        )
        write_all((line + "\n").encode() * int(count))

    async def tools(self, count: str) -> None:
        for number in range(int(count)):
            await self.tell(acp.start_tool_call(f"many-{number}", "many", status="completed"))

    async def garbage(self, count: str) -> None:
        write_all(b"this is no JSON\n" * int(count))

    async def huge(self, megabytes: str) -> None:
        write_all(b'"' + b"x" * 1024 * 1024 * int(megabytes))

    async def mode(self, id_: str) -> None:
        self.agent.mode = id_
        await self.tell(acp.helpers.update_current_mode(id_))

    async def commands(self, names: str) -> None:
        commands = [schema.AvailableCommand(name=name, description=name) for name in names.split("|")]
        await self.tell(acp.helpers.update_available_commands(commands))


def there(path: str) -> bool:
    return Path(path).exists()


def note(path: str, text: str) -> None:
    Path(path).write_text(text)


def write_all(data: bytes) -> None:
    descriptor = sys.stdout.fileno()
    os.set_blocking(descriptor, True)
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def still(path: Path | None) -> bool:
    """Whether ``--at-start`` still counts; each time it does it counts down."""
    if path is None:
        return True
    left = int(path.read_text())
    path.write_text(str(left - 1))
    return left > 0


def main() -> None:
    given = arguments()
    if given.at_start and not still(given.times):
        given.at_start = ""
    match given.at_start:
        case "crash":
            sys.stderr.write(f"cannot start: key {os.environ.get('MY_API_KEY', '')} is wrong\n")
            sys.exit(4)
        case "garbage":
            write_all(b"Welcome to the agent!\n" * 20_000)
        case "close":
            os.close(1)
            os.close(0)
            asyncio.run(asyncio.sleep(3600))
    asyncio.run(acp.run_agent(Agent(given), use_unstable_protocol=not given.no_resume))


if __name__ == "__main__":
    main()
