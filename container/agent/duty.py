"""Keeps the agent at work: started when it is wanted, given one prompt after the other, started again.

| state | why | next |
|---|---|---|
| NotStarted | nobody has wanted it yet, or another provider was chosen | Starting, when it is wanted |
| Starting | its program starts, and opens the conversation | Ready, Failed, NotInstalled |
| Ready | it takes prompts | Failed, when its program ends |
| Failed | its program ended, or is silent: again after a pause, if there is something to do | Starting |
| Failed | nobody is logged in, or a limit: again when a person asks for something | Starting |
| NotInstalled | there is no such program: again when a person asks for something | Starting |

It is wanted when a prompt waits, or when a person is about to write one: an agent that idles costs a
session a few hundred megabytes, and most are opened to be looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from container.agent.child import surely
from container.agent.failures import AgentFailure, Kind, of_defect
from container.agent.items import Notice, Outcome
from container.agent.memory import Memory
from container.agent.providers import Provider, told
from container.agent.queue import PromptQueue
from container.agent.talk import Launch, Patience, Talk
from container.agent.transcript import Transcript
from container.agent.turns import Turns
from container.contract import AgentState
from container.journal import Level
from container.workspace import Backoff


@dataclass(frozen=True, slots=True)
class Means:
    """What it works with.

    ``find`` looks for a provider by name, anew each time; ``usable`` tells whether the workspace is;
    ``opened`` is called when a conversation is open, and returns what a person should know of it beside
    that it is; ``say`` writes to the log.
    """

    find: Callable[[str], Provider]
    launch: Launch
    queue: PromptQueue
    transcript: Transcript
    memory: Memory
    usable: Callable[[], bool]
    opened: Callable[[Talk], str]
    say: Callable[[str, Level], None]
    patience: Patience = field(default_factory=Patience)
    backoff: Backoff = field(default_factory=Backoff)


class Duty:
    """One agent's life, as a task."""

    def __init__(self, means: Means, turns: Turns) -> None:
        self._means = means
        self._turns = turns
        self._look = asyncio.Event()
        self._nudged = asyncio.Event()
        self._left = asyncio.Event()
        self._warm = False
        self._closing = False
        self._failures = 0
        self._task: asyncio.Task[None] | None = None
        self.provider: Provider | None = None
        self.talk: Talk | None = None
        self.failure: AgentFailure | None = None
        """Why it is at rest, in Failed and NotInstalled."""
        self.state = AgentState.NOT_STARTED
        self.message = "the records of the session are being read"

    def begin(self) -> None:
        """Go on duty."""
        if self._closing:
            return
        if self.provider is None:
            self._enter(AgentState.NOT_STARTED, "no agent is declared; choose one")
        self._task = asyncio.get_running_loop().create_task(self._run())

    def look(self) -> None:
        """Something has changed: the queue, or the workspace."""
        self._look.set()

    def nudge(self) -> None:
        """A person asks for something: what failed is tried again at once."""
        self._nudged.set()
        self._look.set()

    def warm(self) -> None:
        """A person is about to write a prompt: be ready by then."""
        self._warm = True
        self.nudge()

    def serve(self, provider: Provider) -> None:
        """Work with this provider from now on; not to be called during a turn."""
        self.provider = provider
        self._warm, self._failures = False, 0
        self._left.set()
        self._present()
        self.nudge()

    async def aclose(self) -> None:
        """End the turn, the program and the task; the agent is told first."""
        self._closing = True
        await self._turns.aclose()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def warn(self, message: str) -> None:
        """Tell a person of something, here and in the log; not twice in a row."""
        newest = self._means.transcript.newest
        if newest is None or newest.body != Notice(message, "Warning"):
            self._means.transcript.add(Notice(message, "Warning"))
        self._means.say(message, "Warning")

    async def _run(self) -> None:
        while True:
            while not self._wanted():
                self._look.clear()
                await self._look.wait()
            try:
                await self._attend()
            except AgentFailure as failure:
                await self._rest(failure)
            except Exception as error:  # noqa: BLE001 - the session must stay up, and say what happened
                await self._rest(of_defect(error))

    def _wanted(self) -> bool:
        asked = self._warm or self._means.queue.ready
        return asked and self.provider is not None and self._means.usable() and not self._closing

    async def _attend(self) -> None:
        """Start the agent and work with it until it is left."""
        assert self.provider is not None  # noqa: S101 - see _wanted
        provider = self.provider = self._means.find(self.provider.name)
        if provider.missing:
            raise AgentFailure(Kind.NOT_INSTALLED, provider.missing)
        self._left.clear()
        self._enter(AgentState.STARTING, f"{provider.title} is starting")
        talk = await self._launched(provider)
        if talk is None:
            self._present()
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            self._opened(provider, talk)
            await self._work(provider, talk)
        finally:
            self.talk = None
            if loop.time() - began >= self._means.patience.settled:
                self._failures = 0
            await surely(talk.aclose())
        self._present()

    async def _launched(self, provider: Provider) -> Talk | None:
        """A conversation; None where another provider was chosen meanwhile."""
        loop = asyncio.get_running_loop()
        session = self._means.memory.session_of(provider.name)
        launching = loop.create_task(_awaited(self._means.launch, provider, session))
        left = loop.create_task(self._left.wait())
        try:
            await asyncio.wait({launching, left}, return_when=asyncio.FIRST_COMPLETED)
            if not launching.done() or (left.done() and launching.exception() is not None):
                return None
            return launching.result()
        finally:
            launching.cancel()
            left.cancel()
            await asyncio.wait({launching, left})

    def _opened(self, provider: Provider, talk: Talk) -> None:
        if self._means.memory.session_of(provider.name) is not None and not talk.remembers:
            self.warn(f"{provider.title} does not remember what was said before; it begins anew")
            self._means.memory.forget(provider.name)
        self.talk = talk
        self._warm = True  # it is here: if it ends now, it comes back
        remark = self._means.opened(talk)
        ready = f"{talk.name or provider.title} is ready"
        self._enter(AgentState.READY, f"{ready}; {remark}" if remark else ready)
        self._means.say(self.message, "Normal")

    async def _work(self, provider: Provider, talk: Talk) -> None:
        """Give it prompts until it is left, or is stuck; raises AgentFailure when it ends."""
        loop = asyncio.get_running_loop()
        ended = loop.create_task(talk.ended())
        try:
            while not self._left.is_set():
                if ended.done():
                    raise ended.result()
                prompt = None if self._closing else self._means.queue.take()
                if prompt is None:
                    self._look.clear()
                    look = loop.create_task(self._look.wait())
                    await asyncio.wait({look, ended}, return_when=asyncio.FIRST_COMPLETED)
                    look.cancel()
                    continue
                # Not before: an agent does not keep a session in which nothing was said.
                self._means.memory.remember(provider.name, talk.session)
                ending = await self._turns.take(talk, prompt)
                if ending.failure is not None:
                    raise ending.failure
                if ending.stuck:
                    return
                if ending.outcome is Outcome.COMPLETED:
                    self._failures = 0
        finally:
            ended.cancel()

    async def _rest(self, failure: AgentFailure) -> None:
        """Tell of a failure, and wait until it is worth another attempt."""
        comes_back, self._warm = self._warm and self.state is AgentState.READY, False
        self._nudged.clear()
        self._failures += 1
        message = told(self.provider, failure)
        state = AgentState.NOT_INSTALLED if failure.kind is Kind.NOT_INSTALLED else AgentState.FAILED
        self.warn(message)
        if failure.kind is not Kind.ENDED:
            self._enter(state, message, failure)
            await self._nudged.wait()
            return
        self._warm = comes_back
        pause = self._means.backoff.after(self._failures)
        again = f"in {pause:.0f} seconds" if comes_back or self._means.queue.ready else "with the next prompt"
        self._enter(state, f"{message}; it is started again {again}", failure)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._nudged.wait()

    def _present(self) -> None:
        """Tell how the provider stands while nothing runs."""
        provider = self.provider
        assert provider is not None  # noqa: S101 - it was chosen
        if provider.missing:
            missing = AgentFailure(Kind.NOT_INSTALLED, provider.missing)
            self._enter(AgentState.NOT_INSTALLED, provider.missing, missing)
        else:
            self._enter(AgentState.NOT_STARTED, f"{provider.title} starts with the first prompt")

    def _enter(self, state: AgentState, message: str, failure: AgentFailure | None = None) -> None:
        self.state, self.message, self.failure = state, message, failure
        self._means.transcript.touch()


async def _awaited(launch: Launch, provider: Provider, session: str | None) -> Talk:
    return await launch(provider, session)
