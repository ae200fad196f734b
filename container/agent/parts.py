"""The parts of the agent, put together, and their common beginning and end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from container.agent.attachments import Attachments, File
from container.agent.duty import Duty, Means
from container.agent.hearing import Hearing
from container.agent.items import Prompt
from container.agent.launch import Launcher
from container.agent.memory import Memory
from container.agent.modes import DECIDES_ITSELF, Decider, decider
from container.agent.permissions import Permissions
from container.agent.providers import Provider, declared_provider, providers
from container.agent.queue import Line, PromptQueue, Waiting
from container.agent.recall import lapse
from container.agent.records import NotKept, Records
from container.agent.store import Store
from container.agent.talk import Launch, Patience, Talk
from container.agent.transcript import Transcript
from container.agent.turns import Table, Turns
from container.database import Database
from container.environment import Settings
from container.journal import Journal, Level
from container.moments import now, rfc3339
from container.refusal import Refusal, Why
from container.workspace import Backoff


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the agent finds around it.

    ``environ`` is that of its program; ``usable`` tells whether the workspace is; ``mask`` takes
    secrets out of a text; ``version`` is ours.
    """

    settings: Settings
    journal: Journal
    database: Database
    environ: Mapping[str, str]
    usable: Callable[[], bool]
    mask: Callable[[str], str]
    version: str
    patience: Patience = field(default_factory=Patience)
    backoff: Backoff = field(default_factory=Backoff)


class Parts:
    """All of them, each with what it needs of the others."""

    def __init__(self, around: Surroundings) -> None:
        settings = around.settings
        self.around = around
        self.declared = declared_provider(settings)
        self.records = Records(Store(around.database), around.journal)
        # Milliseconds of the clock: no revision that an earlier start told is told again.
        self.transcript = Transcript(self.records, begin=int(time.time() * 1000), at=moment)
        self.memory = Memory(self.records)
        self.queue = PromptQueue(self._on_queue)
        self.permissions = Permissions(self.transcript, auto_approve=settings.agent_auto_approve)
        self.hearing = Hearing(self.transcript, self.permissions, self._on_work)
        self.attachments = Attachments(settings.workspace, settings.data / "attachments")
        self.turns = Turns(self._table())
        self.duty = Duty(self._means(), self.turns)
        self.begun = asyncio.Event()
        self.known: tuple[Provider, ...] = ()
        """The agents to choose from, as they were last looked for."""

    async def begin(self) -> None:
        """Take in what an earlier start left, and go on duty."""
        items, values = await self.records.read()
        self.transcript.restore(items)
        self.queue.restore(self.memory.restore(values))
        for item in items:
            self.transcript.change(item.id, lapse)
        last = next((item for item in reversed(items) if isinstance(item.body, Prompt)), None)
        if last is not None:
            self.turns.last = last.id
            if lapse(last.body) != last.body:
                self.queue.hold("the prompt before was interrupted by the end of the container")
        known = {provider.name: provider for provider in self.providers()}
        chosen = known.get(self.memory.choice(self.declared)) or known.get(self.declared)
        if chosen is not None:
            self.duty.serve(chosen)
        self.transcript.flush()
        self.duty.begin()
        self.begun.set()

    async def stored(self) -> None:
        """Wait until what a person has just changed is on the disk; raises Refusal where it cannot be."""
        self.transcript.flush()
        try:
            await self.memory.settle()
        except NotKept as error:
            remedy = f"make room on the data volume ({self.around.settings.data}), and do it again"
            raise Refusal(
                Why.NO_ROOM, "", f"nothing was changed: it cannot be stored ({error}); {remedy}"
            ) from None

    async def aclose(self) -> None:
        """Write down what is left; the duty has ended."""
        self.transcript.flush()
        await self.records.aclose()

    def providers(self) -> tuple[Provider, ...]:
        """Those to choose from, looked for anew."""
        self.known = providers(self.around.settings, self.around.environ)
        return self.known

    def last_prompt(self) -> tuple[Prompt, int] | None:
        """The newest prompt that was given, with the revision of its last change."""
        item = self.transcript.get(self.turns.last) if self.turns.last is not None else None
        return (item.body, item.revision) if item is not None and isinstance(item.body, Prompt) else None

    def _table(self) -> Table:
        return Table(
            self.queue,
            self.transcript,
            self.permissions,
            self.memory,
            files=self._files,
            warn=self._warn,
            worked=self._on_work,
            at=moment,
            patience=self.around.patience,
        )

    def _means(self) -> Means:
        around = self.around
        return Means(
            find=self._find,
            launch=self._launcher(),
            queue=self.queue,
            transcript=self.transcript,
            memory=self.memory,
            usable=around.usable,
            opened=self._on_opened,
            say=self._say,
            patience=around.patience,
            backoff=around.backoff,
        )

    def _launcher(self) -> Launch:
        around = self.around
        return Launcher(
            self.hearing,
            workspace=around.settings.workspace,
            environ=around.environ,
            version=around.version,
            mask=around.mask,
            patience=around.patience,
            auto_approve=around.settings.agent_auto_approve,
            log=around.settings.data / "logs" / "agent.log",
        )

    def _find(self, name: str) -> Provider:
        found = next((provider for provider in self.providers() if provider.name == name), None)
        return found or Provider(name, name, (), "", f"{name} is no longer known")

    def _files(self, prompt: Waiting) -> Sequence[File]:
        return [self.attachments.file(prompt.id, attachment) for attachment in prompt.attachments]

    def _on_queue(self, line: Line) -> None:
        self.memory.keep_queue(line)
        self.transcript.touch()
        self.duty.look()

    def _on_opened(self, talk: Talk) -> str:
        # Some announce their commands a moment before they answer.
        earlier = self.hearing.announced
        self.hearing.tell(replace(talk.announced, commands=earlier.commands, title=earlier.title))
        decides = decider(talk.announced, auto_approve=self.permissions.auto_approve)
        return DECIDES_ITSELF if decides is Decider.AGENT else ""

    def _on_work(self) -> None:
        self.around.journal.note_activity("agent")

    def _warn(self, message: str) -> None:
        self.duty.warn(message)

    def _say(self, message: str, level: Level) -> None:
        self.around.journal.say("agent", message, level=level)


def moment() -> str:
    """Now, RFC 3339."""
    return rfc3339(now())
