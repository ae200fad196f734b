"""Changes as they happen, as server-sent events.

A client that starts with nothing is first told what is there, then every change; one that names a
revision is told every change after it. A change that moves a record into or out of the selector is
told as ADDED or DELETED. A slow client holds its own watch back, not anyone's memory: between the
records and each client stands a short queue, and whoever falls too far behind is told Expired.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal

import structlog

from api.problems import problem_of
from api.render import document_of
from api.selectors import matches
from crds.base import Key, Resource
from crds.event import Event
from crds.target import Target
from records.errors import RecordsError
from records.paging import pages
from records.port import Change, Records, Selector

_QUEUE = 64
"""Changes read ahead for one client."""

log = structlog.get_logger(__name__)

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


@dataclass(frozen=True, slots=True)
class Watch:
    """What a client wants to be told of. ``since`` None: also what is there at first."""

    kinds: tuple[type[Resource], ...]
    namespace: str | None
    selector: Selector
    since: int | None
    bookmark_seconds: float


@dataclass(frozen=True, slots=True)
class Frame:
    """One server-sent event. ``revision`` None: a place from which no watch can be taken up."""

    event: str
    data: dict[str, object]
    revision: int | None = None


class _End:
    """The server is going away."""


Item = Change | RecordsError | _End


class Watcher:
    """One client's watch."""

    def __init__(self, records: Records, watch: Watch, closing: asyncio.Event, path: str) -> None:
        self._records = records
        self._watch = watch
        self._closing = closing
        self._path = path
        self._in_view = InView(watch.namespace, watch.selector, complete=watch.since is None)
        self._listed: dict[str, int] = {}

    async def frames(self) -> AsyncGenerator[Frame]:
        """All frames, until the server goes away or the watch has expired."""
        try:
            since = self._watch.since
            if since is None:
                found = await self._list()
                since = min(self._listed.values())
                for resource in found:
                    revision = int(resource.metadata.resource_version)
                    # An id is a place to go on from; beyond the oldest listing there is none.
                    yield _frame("ADDED", resource, revision if revision <= since else None)
                yield _bookmark(since)
            async with contextlib.aclosing(self._follow(since)) as following:
                async for frame in following:
                    yield frame
        except RecordsError as error:
            yield Frame("ERROR", problem_of(error).document(self._path))

    async def _list(self) -> Sequence[Resource]:
        """What is there and in view, the longest unchanged first."""
        found: list[Resource] = []
        for kind in self._watch.kinds:
            part, revision = await (self._list_events() if kind is Event else self._list_kind(kind))
            found += part
            self._listed[kind.KIND] = revision
        for resource in found:
            self._in_view.note(resource)
        return sorted(found, key=lambda resource: int(resource.metadata.resource_version))

    async def _list_kind(self, kind: type[Resource]) -> tuple[list[Resource], int]:
        """All pages of a kind's records; they show one revision."""
        found: list[Resource] = []
        revision = 0
        watch = self._watch
        async for page in pages(self._records, kind, namespace=watch.namespace, selector=watch.selector):
            found += page.items
            revision = page.revision
        return found, revision

    async def _list_events(self) -> tuple[list[Resource], int]:
        """The newest events, up to a revision that is read before them; later ones are followed."""
        revision = (await self._records.list(Target, limit=1)).revision
        events = await self._records.list_events(namespace=self._watch.namespace)
        return [
            event
            for event in events
            if int(event.metadata.resource_version) <= revision
            and matches(self._watch.selector, event.metadata.labels)
        ], revision

    async def _follow(self, since: int) -> AsyncGenerator[Frame]:
        queue: asyncio.Queue[Item] = asyncio.Queue(_QUEUE)
        changes = self._records.watch(self._watch.kinds, since=since)
        tasks = [
            asyncio.create_task(_pump(changes, queue)),
            asyncio.create_task(_announce_end(self._closing, queue)),
        ]
        time = asyncio.get_running_loop().time
        due = time() + self._watch.bookmark_seconds
        try:
            while True:
                item = await _next(queue, until=due)
                if time() >= due:
                    yield _bookmark(since)
                    due = time() + self._watch.bookmark_seconds
                if item is None:
                    continue
                if isinstance(item, _End):
                    return
                if isinstance(item, RecordsError):
                    raise item
                since = item.revision
                frame = self._told(item)
                if frame is not None:
                    yield frame
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _told(self, change: Change) -> Frame | None:
        """The frame of a change; None where it is out of view, or was told at first."""
        if change.revision <= self._listed.get(change.resource.KIND, 0):
            return None
        event = self._in_view.transition(change)
        if event is None:
            return None
        return _frame(event, change.resource, change.revision)


class InView:
    """Which records a client has been told of; pure."""

    def __init__(self, namespace: str | None, selector: Selector, *, complete: bool) -> None:
        self._namespace = namespace
        self._selector = selector
        self._complete = complete
        self._known: dict[tuple[str, Key], bool] = {}

    def note(self, resource: Resource) -> None:
        """The client is being told of this record."""
        if self._selector.requirements:
            self._known[resource.KIND, resource.key] = True

    def transition(self, change: Change) -> ChangeType | None:
        """What a change is to this client; None where it concerns nothing it sees.

        Of a client that named a revision it is not known what it holds: one change out of the
        selector is told as DELETED, which is no news to a client that never had the record.
        """
        resource = change.resource
        if self._namespace is not None and resource.metadata.namespace != self._namespace:
            return None
        if not self._selector.requirements:
            return change.type
        place = resource.KIND, resource.key
        before = self._known.get(place, None if not self._complete else False)
        inside = matches(self._selector, resource.metadata.labels)
        if change.type == "DELETED":
            self._known.pop(place, None)
            return "DELETED" if before or (before is None and inside) else None
        self._known[place] = inside
        if inside:
            return change.type if before is None else "MODIFIED" if before else "ADDED"
        return None if before is False or (before is None and change.type == "ADDED") else "DELETED"


async def _pump(changes: AsyncIterator[Change], queue: asyncio.Queue[Item]) -> None:
    try:
        async for change in changes:
            await queue.put(change)
        await queue.put(_End())
    except RecordsError as error:
        await queue.put(error)
    except Exception as error:  # noqa: BLE001 - the client must hear of it, whatever it is
        log.error("watch broke", error=type(error).__name__)  # noqa: TRY400 - its words may be foreign
        await queue.put(RecordsError("the watch broke"))
    finally:
        close = getattr(changes, "aclose", None)
        if close is not None:
            await close()


async def _next(queue: asyncio.Queue[Item], *, until: float) -> Item | None:
    try:
        async with asyncio.timeout_at(until):
            return await queue.get()
    except TimeoutError:
        return None


async def _announce_end(closing: asyncio.Event, queue: asyncio.Queue[Item]) -> None:
    await closing.wait()
    await queue.put(_End())


def _frame(event: ChangeType, resource: Resource, revision: int | None) -> Frame:
    return Frame(event, {"object": document_of(resource)}, revision)


def _bookmark(revision: int) -> Frame:
    return Frame("BOOKMARK", {"resourceVersion": str(revision)}, revision)
