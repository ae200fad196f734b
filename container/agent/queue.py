"""The prompts that wait for the agent, in order. Pure but for its own list."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from container.agent.items import Attachment
from container.refusal import Refusal, Why

MAX_WAITING = 50
MAX_TEXT = 100_000
"""Characters of one prompt."""


class Place(StrEnum):
    """Where a prompt goes."""

    LAST = "last"
    NEXT = "next"
    """Before all others that wait."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A prompt that waits. ``id`` is drawn by us; ``at`` is when it was asked, RFC 3339."""

    id: str
    at: str
    text: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """All prompts that wait, and why none of them is given to the agent; as they are kept."""

    waiting: tuple[Waiting, ...] = ()
    held: str = ""
    """Empty when they are given as soon as the agent is free."""


class PromptQueue:
    """Order is kept; a prompt can be changed for as long as it waits. ``changed`` gets each new state."""

    def __init__(self, changed: Callable[[Line], None]) -> None:
        self._line = Line()
        self._changed = changed
        self._one_at_a_time = asyncio.Lock()
        self._before: Line | None = None
        """While a person's change is being stored: what it is without that change."""

    @property
    def line(self) -> Line:
        """What waits."""
        return self._line

    @property
    def ready(self) -> bool:
        """Whether there is one to be given to the agent."""
        return bool(self._line.waiting) and not self._line.held and self._before is None

    @contextlib.asynccontextmanager
    async def changing(self, stored: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
        """Around a person's change: it is undone where ``stored`` raises, and nothing is given meanwhile.

        So the agent never works on a prompt of which a person was told that it was not accepted.
        """
        async with self._one_at_a_time:
            self._before = self._line
            try:
                yield
                await stored()
            except BaseException:
                self._set(self._before)
                raise
            finally:
                self._before = None

    def restore(self, line: Line) -> None:
        """Take in what an earlier start left, before what was asked since."""
        self._line = replace(line, waiting=(*line.waiting, *self._line.waiting))

    def add(self, prompt: Waiting, place: Place) -> None:
        """Add one, and let the queue go on; raises Refusal."""
        check_text(prompt.text, has_more=bool(prompt.attachments))
        waiting = self._line.waiting
        if len(waiting) >= MAX_WAITING:
            raise Refusal(Why.CONFLICT, "", f"{MAX_WAITING} prompts wait already; withdraw one, or wait")
        self._set(Line((prompt, *waiting) if place is Place.NEXT else (*waiting, prompt)))

    def edit(self, id_: str, text: str) -> Waiting:
        """Change the text of one that waits; raises Refusal."""
        prompt = self._find(id_)
        check_text(text, has_more=bool(prompt.attachments))
        edited = replace(prompt, text=text)
        self._put(tuple(edited if other.id == id_ else other for other in self._line.waiting))
        return edited

    def move(self, id_: str, place: Place) -> None:
        """Put one that waits elsewhere; raises Refusal."""
        prompt = self._find(id_)
        others = tuple(other for other in self._line.waiting if other.id != id_)
        self._put((prompt, *others) if place is Place.NEXT else (*others, prompt))

    def withdraw(self, id_: str) -> Waiting:
        """Take one back; raises Refusal."""
        prompt = self._find(id_)
        self._put(tuple(other for other in self._line.waiting if other.id != id_))
        return prompt

    def take(self) -> Waiting | None:
        """The next one for the agent; it no longer waits."""
        if not self.ready:
            return None
        first, *rest = self._line.waiting
        self._put(tuple(rest))
        return first

    def put_back(self, prompt: Waiting) -> None:
        """One that was taken waits again, before all others."""
        if self._before is not None:
            self._before = Line((prompt, *self._before.waiting), self._before.held)
        self._put((prompt, *self._line.waiting))

    def hold(self, why: str) -> None:
        """Give none until a person says so; nothing where none waits."""
        if self._before is not None and self._before.waiting:
            self._before = replace(self._before, held=why)
        if self._line.waiting:
            self._set(replace(self._line, held=why))

    def release(self) -> None:
        """Go on."""
        self._set(replace(self._line, held=""))

    def _find(self, id_: str) -> Waiting:
        for prompt in self._line.waiting:
            if prompt.id == id_:
                return prompt
        raise Refusal(Why.ABSENT, "id", "no such prompt waits; it may have been given to the agent")

    def _put(self, waiting: tuple[Waiting, ...]) -> None:
        self._set(Line(waiting, self._line.held if waiting else ""))

    def _set(self, line: Line) -> None:
        if line != self._line:
            self._line = line
            self._changed(line)


def check_text(text: str, *, has_more: bool) -> None:
    """Refuse a text that is no prompt."""
    if not text.strip() and not has_more:
        raise Refusal(Why.INVALID, "text", "is empty; write what the agent should do")
    if len(text) > MAX_TEXT:
        raise Refusal(
            Why.TOO_LARGE, "text", f"is longer than {MAX_TEXT} characters; attach it as a file instead"
        )
