"""The transcript in memory: items in order, a revision for each change, and word to who listens.

Bounds: :data:`MAX_ITEMS` items and :data:`MAX_WEIGHT` characters, the oldest are forgotten first. Of
one turn at most :data:`MAX_PER_TURN` are kept, and what it says beyond. Changes are told together, at
most twenty times a second and at most about a megabyte of them a second, however fast the agent talks.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from container.agent.fold import Draft, fold, fold_tool
from container.agent.items import Body, Item, Notice, Tool
from container.agent.records import Records
from container.agent.weight import weight

if TYPE_CHECKING:
    from container.agent.fold import ToolUpdate, Update

MAX_ITEMS = 5000
MAX_WEIGHT = 24_000_000
MAX_PER_TURN = 2000
_COUNTED = frozenset({"tool", "thought", "plan"})
"""What counts towards it: never the answer at its end, nor what a person does."""
_PAUSE = 0.05
"""Seconds for which changes are gathered."""
_RATE = 1_000_000
"""Characters of changed items that are told in a second."""


@dataclass(frozen=True, slots=True)
class Page:
    """Items by id. Ask for what is after ``revision`` next; items before ``first`` are gone.

    ``more`` tells that there are others on the side that was asked for.
    """

    revision: int
    first: int
    items: tuple[Item, ...]
    more: bool = False


class Transcript:
    """All items. Methods are called in the event loop; ``begin`` is the first revision."""

    def __init__(self, records: Records, *, begin: int, at: Callable[[], str]) -> None:
        self._records = records
        self._at = at
        self._draft = Draft()
        self._items: OrderedDict[int, Item] = OrderedDict()
        self._weights: dict[int, int] = {}
        self._weight = 0
        self._told: OrderedDict[int, None] = OrderedDict()
        """Ids, that of the newest revision last."""
        self._changed: dict[int, None] = {}
        self._turn_began = 1
        self._listeners: list[Callable[[], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._touched = False
        self.revision = begin

    def restore(self, items: Iterable[Item]) -> None:
        """Take in what an earlier start left, by id; before anything else is added."""
        for item in items:
            self._keep(item)
        for item in sorted(self._items.values(), key=lambda item: (item.revision, item.id)):
            self._told[item.id] = None
            self.revision = max(self.revision, item.revision + 1)
        if self._items:
            self._draft = Draft(next_id=next(reversed(self._items)) + 1)
        self._trim()

    @property
    def newest(self) -> Item | None:
        """The last item."""
        return self._items[next(reversed(self._items))] if self._items else None

    @property
    def items(self) -> tuple[Item, ...]:
        """All of them."""
        return tuple(self._items.values())

    def get(self, id_: int) -> Item | None:
        """One item."""
        return self._items.get(id_)

    def begin_turn(self) -> None:
        """What comes now belongs to another turn."""
        self._draft = self._draft.begin_turn()
        self._turn_began = self._draft.next_id

    def take(self, update: Update) -> None:
        """Take in what the agent says."""
        self._put(*fold(self._draft, update, self._at()))

    def take_tool(self, update: ToolUpdate) -> Item:
        """Take in what a permission request tells of a tool call."""
        draft, item = fold_tool(self._draft, update, self._at())
        self._put(draft, item)
        return item

    def add(self, body: Body) -> Item:
        """Add an item."""
        draft, item = self._draft.add(body, self._at())
        self._put(draft, item)
        return item

    def change(self, id_: int, change: Callable[[Body], Body]) -> None:
        """Change an item, where it is still there and not the same."""
        before = self._items.get(id_)
        if before is not None and (body := change(before.body)) != before.body:
            item = before.with_body(body)
            self._put(self._draft.change(item), item)

    def change_tools(self, change: Callable[[Tool], Tool]) -> None:
        """Change tool calls that may still change."""
        for item in tuple(self._draft.calls.values()):
            self.change(item.id, lambda body: change(body) if isinstance(body, Tool) else body)

    def touch(self) -> None:
        """Something beside the items has changed: tell it as a change of its own."""
        self._touched = True
        self._tell_in(_PAUSE)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back, in the event loop, after each revision. Returns what ends it."""
        # Wrapped, so that one callback may subscribe twice.
        listener = lambda: callback()  # noqa: E731, PLW0108
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def since(self, after: int, *, limit: int) -> Page:
        """Items changed after a revision, the earliest change first; of one revision all.

        A position that was never told gets everything; ``limit`` is 1 or more.
        """
        if after > self.revision:
            after = 0
        changed: list[Item] = []
        for id_ in reversed(self._told):
            if (item := self._items[id_]).revision <= after:
                break
            changed.append(item)
        changed.reverse()
        cut = changed[limit - 1].revision if len(changed) > limit else self.revision
        shown = tuple(sorted((item for item in changed if item.revision <= cut), key=lambda item: item.id))
        return Page(cut, self._first, shown, more=len(shown) < len(changed))

    def before(self, id_: int | None, *, limit: int) -> Page:
        """The items before one, or the newest of all."""
        ids = reversed(self._items)
        earlier = (key for key in ids if id_ is None or key < id_)
        shown = [self._items[key] for key in islice(earlier, limit)]
        return Page(self.revision, self._first, tuple(reversed(shown)), more=next(earlier, None) is not None)

    def flush(self) -> None:
        """Tell what waits to be told."""
        if self._timer is not None:
            self._timer.cancel()
            self._tell()

    def _tell_in(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._tell)

    @property
    def _first(self) -> int:
        return next(iter(self._items), self._draft.next_id)

    def _put(self, draft: Draft, item: Item | None) -> None:
        if item is None:
            return
        before = self._items.get(item.id)
        if before is not None:
            # The draft knows nothing of revisions.
            item = replace(item, revision=before.revision)
        elif item.body.kind in _COUNTED and (over := item.id - self._turn_began - MAX_PER_TURN) >= 0:
            # The draft is not taken over, so that the next one meets the same end.
            if over == 0:
                self.add(Notice(f"more than {MAX_PER_TURN} entries in one turn: not all are kept", "Warning"))
            return
        self._draft = draft
        self._keep(item)
        self._changed[item.id] = None
        self.touch()

    def _keep(self, item: Item) -> None:
        self._items[item.id] = item
        self._weight += (now := weight(item.body)) - self._weights.get(item.id, 0)
        self._weights[item.id] = now

    def _tell(self) -> None:
        self._timer = None
        if not self._touched:
            return
        self._touched = False
        self.revision += 1
        changed = [replace(self._items[id_], revision=self.revision) for id_ in self._changed]
        self._changed.clear()
        for item in changed:
            self._items[item.id] = item
            self._told[item.id] = None
            self._told.move_to_end(item.id)
        self._trim()
        if changed:
            self._records.put_items(changed, first=self._first)
        told = sum(self._weights.get(item.id, 0) for item in changed)
        if told > _PAUSE * _RATE:
            # Whoever listens gets whole items: a long one is told less often.
            self._tell_in(told / _RATE)
        for listener in tuple(self._listeners):
            listener()

    def _trim(self) -> None:
        while len(self._items) > 1 and (len(self._items) > MAX_ITEMS or self._weight > MAX_WEIGHT):
            id_, _ = self._items.popitem(last=False)
            self._weight -= self._weights.pop(id_)
            self._told.pop(id_, None)
            self._changed.pop(id_, None)
