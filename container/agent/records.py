"""Keeps the agent's records on the disk, a moment after they change and off the event loop.

What is to be written waits in memory, each item and value once, so that a slow disk costs no memory;
after a failure it waits for the next attempt.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping

from container.agent.codec import decode, encode
from container.agent.items import Item
from container.agent.store import Batch, Store
from container.journal import Journal

PAUSE = 1.0
"""Seconds between writes: what is lost when the container is killed."""


class NotKept(Exception):
    """What changed is not on the disk; the text says why."""


class Records:
    """The agent's part of the database. Nothing here waits for the disk but :meth:`settle`."""

    def __init__(self, store: Store, journal: Journal, *, pause: float = PAUSE) -> None:
        self._store = store
        self._journal = journal
        self._pause = pause
        self._items: dict[int, Item] = {}
        self._values: dict[str, object] = {}
        self._first = 0
        self._due = asyncio.Event()
        self._urgent = asyncio.Event()
        self._settling: list[asyncio.Future[str]] = []
        self._closed = False
        self._writing: asyncio.Task[None] | None = None

    async def read(self) -> tuple[list[Item], Mapping[str, bytes]]:
        """What an earlier start left: items, and named values as JSON; nothing where it cannot be read."""
        found: list[tuple[list[Item], Mapping[str, bytes]]] = []
        await asyncio.wrap_future(self._journal.write(lambda: found.append(_read(self._store))))
        self._writing = asyncio.get_running_loop().create_task(self._write_on())
        return found[0] if found else ([], {})

    def put_items(self, items: Iterable[Item], *, first: int) -> None:
        """Items have changed; those before ``first`` are forgotten."""
        self._items.update((item.id, item) for item in items)
        self._first = first
        self._due.set()

    def put(self, name: str, value: object) -> None:
        """A named value has changed: a frozen dataclass or a tuple of them."""
        self._values[name] = value
        self._due.set()

    async def settle(self) -> None:
        """Wait until all that has changed is on the disk; raises NotKept after a failed attempt.

        Whoever takes a change back when that is raised does so before it waits for anything: no other
        attempt is made before that, so that what was refused is never on the disk.
        """
        if self._closed:
            raise NotKept("the container is ending")
        if self._writing is None:
            return
        settled: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._settling.append(settled)
        self._due.set()
        self._urgent.set()
        trouble = await settled or self._store.unkept
        if trouble:
            raise NotKept(trouble)

    async def aclose(self) -> None:
        """Write what is left."""
        with contextlib.suppress(NotKept):
            await self.settle()
        self._closed = True
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait([self._writing])
            self._writing = None
        _tell(self._settling, "the container is ending")

    async def _write_on(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            self._urgent.clear()
            settling, self._settling = self._settling, []
            trouble = await self._write()
            _tell(settling, trouble)
            await asyncio.sleep(0)  # those who were told go first: see settle()
            # A stream of words changes an item twenty times a second: once is written.
            try:
                async with asyncio.timeout(self._pause):
                    await self._urgent.wait()
            except TimeoutError:
                continue

    async def _write(self) -> str:
        """Write what has changed; why it could not be done, or nothing."""
        items, values, first = self._items, self._values, self._first
        if not items and not values:
            return ""
        self._items, self._values = {}, {}
        done = await asyncio.wrap_future(
            self._journal.write(lambda: self._store.write(_batch(items, values, first)))
        )
        if not done:
            # What changed meanwhile is newer.
            self._items = {**items, **self._items}
            self._values = {**values, **self._values}
            self._due.set()
        return "" if done else self._journal.trouble or "the records cannot be written"


def _tell(settling: list[asyncio.Future[str]], trouble: str) -> None:
    for settled in settling:
        if not settled.done():
            settled.set_result(trouble)


def _batch(items: dict[int, Item], values: dict[str, object], first: int) -> Batch:
    return Batch(
        {item.id: (item.revision, encode(item)) for item in items.values() if item.id >= first},
        {name: encode(value) for name, value in values.items()},
        first,
    )


def _read(store: Store) -> tuple[list[Item], Mapping[str, bytes]]:
    kept = store.read()
    found = (decode(Item, body) for body in kept.items)
    return [item for item in found if item is not None], kept.values
