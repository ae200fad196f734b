"""The facade: everything that a page or a route does with the agent."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Sequence

from container.agent.attachments import File, Given
from container.agent.choosing import choose_mode, choose_option, choose_provider
from container.agent.export import to_markdown
from container.agent.items import Item, Prompt
from container.agent.parts import Parts, Surroundings, moment
from container.agent.queue import MAX_TEXT, Place, Waiting
from container.agent.transcript import Page
from container.agent.view import AgentView, attention_of, refused_login_of, view_of
from container.contract import AgentReport, Attention
from container.refusal import Refusal, Why
from container.subscribers import Subscribers


class Agent:
    """The session's agent. Methods are called in the event loop.

    Those of a person raise Refusal, and count as a person's activity, but for :meth:`warm` and
    :meth:`see`. They wait until :meth:`begin` has taken in what an earlier start left, and return once
    what they changed is on the disk; where it cannot be brought there, nothing was changed.
    """

    def __init__(self, around: Surroundings) -> None:
        self._parts = Parts(around)
        self._ending: asyncio.Task[None] | None = None
        self._drafts: Subscribers[[]] = Subscribers()
        self.leaving = asyncio.Event()
        """Set when the container ends: whoever streams changes stops then."""

    async def begin(self) -> None:
        """Take in what an earlier start left, and go on duty. Once, before anything else."""
        await self._parts.begin()

    def look(self) -> None:
        """The workspace has changed its state."""
        self._parts.duty.look()

    def leave(self) -> None:
        """The container ends: tell the agent at once, before anything else is closed."""
        self.leaving.set()
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._parts.duty.aclose())

    async def aclose(self) -> None:
        """End the agent and write down what is left; within some six seconds."""
        self.leave()
        assert self._ending is not None  # noqa: S101 - leave() made it
        await self._ending
        await self._parts.aclose()

    # What it tells: from memory alone.

    def report(self) -> AgentReport:
        """Its state, for ``/healthz``."""
        return {"state": self._parts.duty.state.value, "message": self._parts.duty.message}

    @property
    def attention(self) -> Attention:
        """What it wants of its owner."""
        return attention_of(self._parts)

    @property
    def refused_login(self) -> str:
        """The provider that does not take the login that is here; empty for none."""
        return refused_login_of(self._parts)

    @property
    def revision(self) -> int:
        """That of the newest change."""
        return self._parts.transcript.revision

    def view(self) -> AgentView:
        """How it stands."""
        return view_of(self._parts)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back after each revision, at most twenty times a second; returns what ends it."""
        return self._parts.transcript.subscribe(callback)

    def since(self, after: int, *, limit: int = 500) -> Page:
        """Items that changed after a revision; one that was never told gets all.

        About ``limit`` of them: those of one revision are never parted.
        """
        return self._parts.transcript.since(after, limit=limit)

    def before(self, item: int | None = None, *, limit: int = 200) -> Page:
        """The items before one; without one, the newest."""
        return self._parts.transcript.before(item, limit=limit)

    @property
    def draft(self) -> str:
        """What a person has written and not sent. It is told nowhere but to those who may write."""
        return self._parts.memory.draft

    def subscribe_draft(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back when the draft has changed; returns what ends it."""
        return self._drafts.add(callback)

    @property
    def newest_prompt(self) -> str:
        """The text of the prompt that was accepted last; empty for none."""
        waiting = self._parts.queue.line.waiting
        last = self._parts.last_prompt()
        newest = max(waiting, key=lambda prompt: prompt.at, default=None)
        return newest.text if newest else last[0].text if last else ""

    async def items(self) -> tuple[Item, ...]:
        """The whole transcript."""
        await self._parts.begun.wait()
        return self._parts.transcript.items

    async def markdown(self) -> str:
        """The whole transcript, to be read by people."""
        return await asyncio.to_thread(to_markdown, self._parts.around.settings.title, await self.items())

    def attached(self, prompt: str, name: str) -> File:
        """An upload of a prompt that waits or was given; raises Refusal."""
        given = [(waiting.id, waiting.attachments) for waiting in self._parts.queue.line.waiting]
        bodies = (item.body for item in self._parts.transcript.items)
        given += [(body.prompt, body.attachments) for body in bodies if isinstance(body, Prompt)]
        for attachment in (file for id_, files in given if id_ == prompt for file in files):
            if attachment.name == name and not attachment.path:
                return self._parts.attachments.file(prompt, attachment)
        raise Refusal(Why.ABSENT, "name", "there is no such attachment")

    # What a person does.

    async def prompt(
        self,
        text: str,
        attachments: Sequence[Given] = (),
        *,
        place: Place = Place.LAST,
        draft: str | None = None,
    ) -> Waiting:
        """Ask for something. It is given as soon as the agent is free; a queue that was held goes on.

        ``draft`` is what is left of the draft once this is accepted; None where it was none.
        """
        await self._person()
        if self._parts.duty.provider is None:
            raise Refusal(Why.CONFLICT, "provider", "no agent is chosen; choose one first")
        id_ = secrets.token_hex(8)
        waiting = Waiting(id_, moment(), text, await self._parts.attachments.keep(id_, attachments))
        before = self.draft
        try:
            async with self._changing_queue():
                self._parts.queue.add(waiting, place)
                if draft is not None:
                    self._parts.memory.keep_draft(draft)
        except BaseException:
            if self.draft == draft:  # and not what was written meanwhile
                self._parts.memory.keep_draft(before)
            await self._parts.attachments.forget(id_)
            raise
        if draft is not None:
            self._drafts.tell()
        self._go_on()
        return waiting

    async def keep_draft(self, text: str) -> None:
        """Keep what a person has written and not sent, for every window and over restarts."""
        await self._person()
        if len(text) > MAX_TEXT:
            raise Refusal(Why.TOO_LARGE, "draft", f"is longer than {MAX_TEXT} characters, and not kept")
        self._parts.memory.keep_draft(text)
        await self._parts.stored()
        self._drafts.tell()

    async def edit(self, prompt: str, text: str) -> Waiting:
        """Change the text of a prompt that waits."""
        await self._person()
        async with self._changing_queue():
            return self._parts.queue.edit(prompt, text)

    async def move(self, prompt: str, place: Place) -> None:
        """Put a prompt that waits elsewhere."""
        await self._person()
        async with self._changing_queue():
            self._parts.queue.move(prompt, place)

    async def withdraw(self, prompt: str) -> None:
        """Take a prompt back that waits."""
        await self._person()
        async with self._changing_queue():
            self._parts.queue.withdraw(prompt)
        await self._parts.attachments.forget(prompt)

    async def proceed(self) -> None:
        """Let a queue that is held go on."""
        await self._person()
        async with self._changing_queue():
            self._parts.queue.release()
        self._go_on()

    async def cancel(self) -> None:
        """End the turn that is under way; the prompts that wait are held."""
        await self._person()
        if self._parts.turns.current is None:
            raise Refusal(Why.CONFLICT, "", "nothing is under way")
        self._parts.turns.cancel()
        self._parts.transcript.touch()

    async def answer(self, request: str, option: str) -> None:
        """Answer a permission request, by the id of one of its options."""
        await self._person()
        await self._parts.permissions.answer(request, option, self._parts.stored)

    async def choose_provider(self, name: str) -> None:
        """Work with another agent from now on; not during a turn."""
        await self._person()
        await choose_provider(self._parts, name)

    async def choose_mode(self, mode: str) -> None:
        """Change the mode of the agent."""
        await self._person()
        await choose_mode(self._parts, mode)

    async def choose_option(self, option: str, value: str | bool) -> None:  # noqa: FBT001 - as ACP has it
        """Set an option of the agent, such as its model."""
        await self._person()
        await choose_option(self._parts, option, value)

    async def warm(self) -> None:
        """A person is about to write a prompt: start the agent, or try again what failed."""
        await self._parts.begun.wait()
        if self._parts.duty.talk is None:
            self._parts.duty.warm()

    async def see(self, revision: int) -> None:
        """A person has looked at everything up to a revision."""
        await self._parts.begun.wait()
        before = self.attention
        self._parts.memory.see(min(revision, self.revision))
        if self.attention is not before:
            self._parts.transcript.touch()

    @contextlib.asynccontextmanager
    async def _changing_queue(self) -> AsyncIterator[None]:
        """Around a change that a person is told of: done and on the disk, or undone. Raises Refusal."""
        try:
            async with self._parts.queue.changing(self._parts.stored):
                yield
        finally:
            self._parts.duty.look()  # nothing was given to the agent meanwhile

    def _go_on(self) -> None:
        self._parts.memory.see(self.revision)  # whoever goes on has looked
        self._parts.duty.nudge()

    async def _person(self) -> None:
        await self._parts.begun.wait()
        self._parts.around.journal.note_activity("person")
