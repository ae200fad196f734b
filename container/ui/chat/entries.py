"""The part of the transcript that a page shows: the newest entries, and earlier ones when asked for.

A page holds at most :data:`MAX_SHOWN` of them, so that one left open for a day is as light as a new one.
"""

from __future__ import annotations

import asyncio

from nicegui import ui

from container.agent.agent import Agent
from container.agent.items import Item, Message, Notice, Permission, Plan, Prompt, Thought, Tool
from container.agent.transcript import Page
from container.ui.chat import bodies
from container.ui.chat.markdown import to_html

FIRST = 60
"""Entries of a page that was just opened, and how many more come at a time."""
MAX_SHOWN = 600
_LONG = 10_000
"""Characters of Markdown that are worth a thread: others are served meanwhile."""


class Entry:
    """One entry on the page."""

    def __init__(self, item: Item, answer: bodies.Answer) -> None:
        self.item = item
        self._answer = answer
        self._open = False
        self._markdown: ui.html | None = None
        self.element = ui.element("article").classes(f"entry {item.body.kind}")
        with self.element:
            self._draw()

    async def update(self, item: Item) -> None:
        """Show it as it is by now."""
        before, self.item = self.item.body, item
        body = item.body
        if isinstance(body, Message) and isinstance(before, Message) and self._markdown and not body.pieces:
            # It grows word by word: its place stays, and only what is in it changes.
            html = await _rendered(body.text)
            self._markdown.set_content(html)
            return
        self.element.clear()
        with self.element:
            self._draw()

    def _draw(self) -> None:
        body = self.item.body
        match body:
            case Message() if not body.pieces and not body.omitted:
                self._markdown = bodies.draw_markdown(body.text)
            case Message():
                self._markdown = None
                bodies.draw_message(body)
            case Prompt():
                bodies.draw_prompt(body)
            case Thought():
                self._fold(lambda: ui.label("Thought"), lambda: bodies.draw_thought(body))
            case Tool():
                self._fold(lambda: bodies.draw_tool_head(body), lambda: bodies.draw_tool(body))
            case Plan():
                bodies.draw_plan(body)
            case Permission():
                bodies.draw_permission(body, self._answer)
            case Notice():
                bodies.draw_notice(body)

    def _fold(self, head: bodies.Draw, inside: bodies.Draw) -> None:
        """What is inside is drawn when somebody opens it: most is never looked at."""
        with ui.expansion(value=self._open).props("dense") as fold:
            with fold.add_slot("header"), ui.element("div").classes("fold-head"):
                head()
            place = ui.element("div").classes("inside")

        def draw_inside() -> None:
            self._open = bool(fold.value)
            place.clear()
            if self._open:
                with place:
                    inside()

        draw_inside()
        fold.on_value_change(draw_inside)


class Entries:
    """The entries on a page, in order."""

    def __init__(self, agent: Agent, answer: bodies.Answer) -> None:
        self._agent = agent
        self._answer = answer
        self._entries: dict[int, Entry] = {}
        self._revision = -1
        self._earlier = ui.button("Earlier", on_click=self._show_earlier).props(
            "flat dense no-caps icon=expand_less"
        )
        self._place = ui.element("div").classes("entries").props('role="log" aria-live="polite"')
        self._empty = ui.label("Ask the agent for something: what it does appears here.").classes(
            "quiet empty"
        )
        self._take_newest()

    async def refresh(self) -> None:
        """Show what changed since the last time."""
        page = self._agent.since(self._revision, limit=FIRST)
        if page.more or page.revision < self._revision or not self._joins(page):
            # Much happened, or the records began anew: what is newest is what somebody wants to see.
            self._take_newest()
            return
        self._revision = page.revision
        for item in page.items:
            await self._take(item)
        self._forget(page.first)

    def _joins(self, page: Page) -> bool:
        """Whether what changed leaves no gap after what is shown."""
        newest = next(reversed(self._entries), None)
        return newest is None or newest >= page.first - 1

    async def _take(self, item: Item) -> None:
        entry = self._entries.get(item.id)
        if entry is not None:
            await entry.update(item)
        elif item.id > next(reversed(self._entries), 0):
            self._append(item)

    def _append(self, item: Item) -> None:
        with self._place:
            self._entries[item.id] = Entry(item, self._answer)
        self._empty.set_visibility(False)
        if len(self._entries) > MAX_SHOWN:
            self._drop(next(iter(self._entries)))
            self._earlier.set_visibility(True)

    def _take_newest(self) -> None:
        page = self._agent.before(limit=FIRST)
        self._revision = page.revision
        self._entries.clear()
        self._place.clear()
        for item in page.items:
            self._append(item)
        self._earlier.set_visibility(page.more)
        self._empty.set_visibility(not page.items)

    def _show_earlier(self) -> None:
        page = self._agent.before(next(iter(self._entries), None), limit=FIRST)
        later = self._entries
        self._entries = {}
        for item in page.items:
            self._append(item)
            self._entries[item.id].element.move(self._place, len(self._entries) - 1)
        self._entries |= later
        self._earlier.set_visibility(page.more and len(self._entries) < MAX_SHOWN)

    def _forget(self, first: int) -> None:
        """The transcript is bounded, too: what it let go is shown no longer."""
        for id_ in [id_ for id_ in self._entries if id_ < first]:
            self._drop(id_)

    def _drop(self, id_: int) -> None:
        self._entries.pop(id_).element.delete()


async def _rendered(text: str) -> str:
    return to_html(text) if len(text) < _LONG else await asyncio.to_thread(to_html, text)
