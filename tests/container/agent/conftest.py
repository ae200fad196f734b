"""An agent with a real program, a real database and a real workspace."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from container.agent.agent import Agent
from container.agent.items import Item, Prompt
from container.agent.masking import Mask
from container.agent.parts import Surroundings
from container.agent.talk import Patience
from container.database import open_database
from container.environment import child_environment, read_settings
from container.given import Secrets
from container.journal import Journal
from container.moments import now
from container.workspace import Backoff

SCRIPTED = Path(__file__).with_name("scripted.py")
PATIENCE = 120.0


def command(*flags: object) -> str:
    """The scripted agent, as BERTH_AGENT_COMMAND has it."""
    return json.dumps([sys.executable, str(SCRIPTED), *map(str, flags)])


class Bench:
    """One start of the session's agent; another on the same root is the next start."""

    def __init__(self, root: Path, *flags: object, given: Secrets | None = None, **terms) -> None:
        self.workspace = root / "workspace"
        self.workspace.mkdir(exist_ok=True)
        variables = {
            "WORKSPACE_PATH": str(self.workspace),
            "DATABASE_PATH": str(root / "data" / "container.db"),
            "BERTH_AGENT_PROVIDER": "scripted",
            "BERTH_AGENT_COMMAND": command(*flags),
            "BERTH_SESSION_TITLE": "A title",
            **terms.pop("variables", {}),
        }
        settings = read_settings(variables, first=False)
        environ = {**child_environment(settings), **terms.pop("environ", {})}
        database, _ = open_database(settings.database, now())
        self.journal = Journal(database)
        self.usable = True
        patience = {"grace": 1.0, "cancel": 0.5, **terms.pop("patience", {})}
        self.agent = Agent(
            Surroundings(
                settings,
                self.journal,
                database,
                environ,
                usable=lambda: self.usable,
                mask=Mask(given or Secrets(), environ, settings.home),
                version="1",
                patience=Patience(**patience),
                backoff=Backoff(0.05, 0.2),
            )
        )

    async def begin(self) -> Bench:
        await self.agent.begin()
        return self

    async def aclose(self) -> None:
        await self.agent.aclose()
        await asyncio.to_thread(self.journal.close)

    async def kill(self) -> None:
        """As if the container were killed: nothing is written any more, nothing ended well."""
        parts = self.agent._parts
        parts.records._writing.cancel()
        await asyncio.wait([parts.records._writing])
        parts.records._writing = None
        await self.agent._parts.duty.aclose()
        await asyncio.to_thread(self.journal.close)

    @property
    def items(self) -> tuple[Item, ...]:
        return self.agent._parts.transcript.items

    @property
    def bodies(self) -> list:
        return [item.body for item in self.items]

    @property
    def said(self) -> str:
        return "".join(body.text for body in self.bodies if body.kind == "message")

    @property
    def prompts(self) -> list[tuple[str, str]]:
        return [(body.text, body.outcome.value) for body in self.bodies if isinstance(body, Prompt)]

    @property
    def notices(self) -> list[str]:
        return [body.message for body in self.bodies if body.kind == "notice"]

    @property
    def state(self) -> str:
        return self.agent.report()["state"]

    @property
    def message(self) -> str:
        return self.agent.report()["message"]

    async def until(self, true: Callable[[], object], what: str = "") -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, f"never: {what}; {self.agent.report()}; {self.bodies}"
            await asyncio.sleep(0.01)

    async def ask(self, *lines: str) -> None:
        """Ask, and wait for the end of the turn."""
        waiting = await self.agent.prompt("\n".join(lines))
        await self.ended(waiting.id)

    async def ended(self, prompt: str) -> None:
        def over() -> bool:
            return any(
                isinstance(body, Prompt) and body.prompt == prompt and body.ended for body in self.bodies
            )

        await self.until(over, f"the end of {prompt}")


@pytest.fixture
async def bench(tmp_path):
    """Makes starts of the agent; the last is closed at the end."""
    made: list[Bench] = []

    async def start(*flags, **terms) -> Bench:
        made.append(Bench(tmp_path, *flags, **terms))
        return await made[-1].begin()

    yield start
    for of in made:
        if not of.agent.leaving.is_set():
            await of.aclose()


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
