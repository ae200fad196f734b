"""The parts of the agent without a disk and without a program, for tests in virtual time."""

from __future__ import annotations

import asyncio

from container.agent.announced import Announced
from container.agent.duty import Duty, Means
from container.agent.failures import AgentFailure, Kind
from container.agent.items import Prompt
from container.agent.memory import Memory
from container.agent.permissions import Permissions
from container.agent.providers import Provider
from container.agent.queue import Place, PromptQueue, Waiting
from container.agent.records import Records
from container.agent.store import Store
from container.agent.talk import Patience
from container.agent.transcript import Transcript
from container.agent.turns import Table, Turns
from container.database import in_memory
from container.journal import Journal
from container.workspace import Backoff

AT = "2026-11-23T12:00:00Z"


class FakeTalk:
    """A conversation that does what a test tells it."""

    def __init__(self, remembers=False):
        self.session, self.name, self.announced = "s-1", "Fake 1.0", Announced()
        self.remembers = remembers
        self.busy = False
        self.heard = asyncio.get_running_loop().time()
        self.prompts: list[str] = []
        self.answer: asyncio.Future[str] | None = None
        self.cancels = 0
        self.obeys = True
        self.end: asyncio.Future[AgentFailure] = asyncio.get_running_loop().create_future()
        self.closed = False

    async def prompt(self, text, files):
        self.prompts.append(text)
        self.answer = asyncio.get_running_loop().create_future()
        return await self.answer

    async def cancel(self):
        self.cancels += 1
        if self.obeys:
            self.answer.set_result("cancelled")

    async def ended(self):
        return await asyncio.shield(self.end)

    async def aclose(self):
        self.closed = True

    def hear(self):
        self.heard = asyncio.get_running_loop().time()

    def finish(self, reason="end_turn"):
        self.answer.set_result(reason)

    def fail(self, kind, message="because"):
        self.answer.set_exception(AgentFailure(kind, message))

    def crash(self, message="it ended with exit code 1"):
        failure = AgentFailure(Kind.ENDED, message)
        self.end.set_result(failure)
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(failure)


class Post:
    """An agent on duty. ``launches`` is what each start gives: a talk, or a failure; then talks."""

    def __init__(self, *launches, missing="", patience=None, usable=True):
        self.journal = Journal(in_memory())
        records = Records(Store(in_memory()), self.journal)
        self.transcript = Transcript(records, begin=100, at=lambda: AT)
        self.memory = Memory(records)
        self.permissions = Permissions(self.transcript, auto_approve=False)
        self.queue = PromptQueue(lambda _: self.duty.look())
        self.usable = usable
        self.missing = missing
        self.coming = list(launches)
        self.started: list[tuple[float, str | None]] = []
        self.talk: FakeTalk | None = None
        self.said: list[str] = []
        patience = patience or Patience()
        self.turns = Turns(
            Table(
                self.queue,
                self.transcript,
                self.permissions,
                self.memory,
                files=lambda _: (),
                warn=self.warn,
                worked=lambda: None,
                at=lambda: AT,
                patience=patience,
            )
        )
        self.duty = Duty(
            Means(
                find=self.find,
                launch=self.launch,
                queue=self.queue,
                transcript=self.transcript,
                memory=self.memory,
                usable=lambda: self.usable,
                opened=lambda _: "",
                say=lambda message, _: self.said.append(message),
                patience=patience,
                backoff=Backoff(),
            ),
            self.turns,
        )
        self.duty.serve(self.find("fake"))
        self.duty.begin()

    def warn(self, message):
        self.duty.warn(message)

    def find(self, name):
        return Provider(name, name.title(), ("fake",), "run `fake login`", self.missing)

    async def launch(self, provider, session):
        self.started.append((asyncio.get_running_loop().time(), session))
        coming = self.coming.pop(0) if self.coming else None
        if isinstance(coming, Exception):
            raise coming
        if isinstance(coming, asyncio.Event):
            await coming.wait()
            coming = None
        self.talk = coming or FakeTalk(remembers=session is not None)
        return self.talk

    def ask(self, *texts):
        for text in texts:
            self.queue.add(Waiting(text, AT, text), Place.LAST)
        self.duty.nudge()

    @property
    def outcomes(self):
        bodies = [item.body for item in self.transcript.items]
        return [(body.text, body.outcome.value) for body in bodies if isinstance(body, Prompt)]

    @property
    def notices(self):
        return [item.body.message for item in self.transcript.items if item.body.kind == "notice"]

    async def until(self, true, seconds=3600.0):
        """Virtual time: an hour costs nothing."""
        step = 0.01
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(step)
                step = min(step * 1.05, 0.5)

    async def working(self, count=1):
        await self.until(lambda: self.talk is not None and len(self.talk.prompts) >= count)
        await asyncio.sleep(0)

    async def aclose(self):
        await self.duty.aclose()
        self.transcript.flush()
        self.journal.close()
