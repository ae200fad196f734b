"""Follows the records: which sessions get a pass because something was declared.

All records are listed once and then watched; every change asks for a pass over what it concerns.
From time to time all are listed again, and what differs from what was heard is treated as if its
news had come: a change whose news was lost costs time and nothing else (law L6).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog

from controller.admission import Admission
from controller.fleet import Fleet
from controller.inputs import SHARED_NAMESPACE
from controller.metrics import Metrics
from controller.queue import Priority, WorkQueue
from controller.resolver import Resolver
from controller.supervision import Backoff
from controller.views import Views
from crds.base import Key, Resource
from crds.secret import Secret
from crds.session import Session, SessionTemplate
from crds.target import Target
from records.errors import Expired, RecordsError
from records.paging import pages
from records.port import Change, Records

_WATCHED: tuple[type[Resource], ...] = (Session, SessionTemplate, Target, Secret)

log = structlog.get_logger(__name__)


class RecordWatch:
    """Keeps the views, the targets and the queue in step with the records."""

    def __init__(
        self,
        records: Records,
        fleet: Fleet,
        *,
        views: Views,
        queue: WorkQueue[Key],
        admission: Admission,
        resolver: Resolver,
        metrics: Metrics,
    ) -> None:
        self._records = records
        self._fleet = fleet
        self._views = views
        self._queue = queue
        self._admission = admission
        self._resolver = resolver
        self._metrics = metrics
        self._position: int | None = None
        """Everything up to this revision was taken; None: all has to be listed."""
        self._known: dict[tuple[str, Key], int] = {}
        """What sessions refer to, by kind, each with its newest revision that was taken."""
        self.loaded = asyncio.Event()
        """Set once all records were listed: before that, a target may only look missing."""

    async def follow(self) -> None:
        """List all records, then take every change of them; goes on where it broke off."""
        backoff = Backoff(last=10.0)
        while True:
            try:
                if self._position is None:
                    self._position = await self._load()
                    self.loaded.set()
                async for change in self._records.watch(_WATCHED, since=self._position):
                    await self._take_or_say(change)
                    # Not before it was taken: what the store failed us at is then sent again.
                    self._position = change.revision
                    backoff.reset()
                log.warning("watch ended, watching again", since=self._position)
            except Expired:
                log.info("watch expired, listing again", since=self._position)
                self._position = None
            except RecordsError as error:
                log.warning("records cannot be followed", error=str(error))
            await asyncio.sleep(backoff.next())

    async def resync(self, period: float) -> None:
        """List all records again every ``period`` seconds."""
        while True:
            await asyncio.sleep(period)
            try:
                await self._load()
            except RecordsError as error:
                log.warning("records not listed again", error=str(error))

    async def _load(self) -> int:
        """List every record; returns the revision from which to watch.

        What sessions refer to comes before them, and targets last: a target's key is then read after
        the Secrets were listed, so that a change of it is either in the listing or sent by the watch.
        """
        since = await self._load_referred(Secret)
        await self._load_referred(SessionTemplate)
        await self._load_sessions()
        await self._load_referred(Target)
        log.info("records loaded", sessions=len(self._views), targets=len(self._fleet.all()))
        return since

    async def _load_sessions(self) -> None:
        """A session gets a pass if it is declared otherwise than it was known to be: all do at first."""
        revision, listed = 0, set[Key]()
        async for page in pages(self._records, Session):
            revision = page.revision
            for session in page.items:
                listed.add(session.key)
                if self._note(session):
                    self._queue.add(session.key)
        for key, view in self._views:
            # One that is newer than the listing was made since, and the watch told of it.
            if key not in listed and view.revision <= revision:
                self.forget(key, view.uid)

    async def _load_referred(self, kind: type[Resource]) -> int:
        """Take what differs from what is known; returns the listing's revision."""
        revision, listed = 0, set[Key]()
        async for page in pages(self._records, kind):
            revision = page.revision
            for resource in page.items:
                listed.add(resource.key)
                await self._take_referred(kind, resource.key, _revision_of(resource), resource)
        for name, key in list(self._known):
            if name == kind.KIND and key not in listed:
                await self._take_referred(kind, key, revision, None)
                self._known.pop((name, key), None)
        return revision

    async def _take_or_say(self, change: Change) -> None:
        """Take a change; a bug in taking one must not keep back all the later ones."""
        try:
            await self._take(change)
        except RecordsError:
            raise
        except Exception:
            # It is not known as taken, so the next listing tries it again.
            log.exception("change not taken", kind=change.resource.KIND, key=str(change.resource.key))
            self._metrics.bugs.inc()

    async def _take(self, change: Change) -> None:
        """A record changed: ask for a pass over all that it concerns."""
        resource, deleted = change.resource, change.type == "DELETED"
        if not isinstance(resource, Session):
            await self._take_referred(
                type(resource), resource.key, change.revision, None if deleted else resource
            )
        elif deleted:
            self.forget(resource.key, resource.metadata.uid)
        elif self._note(resource):
            self._ask([resource.key, *self._views.waiting()])

    async def _take_referred(
        self, kind: type[Resource], key: Key, revision: int, resource: Resource | None
    ) -> None:
        """Something that sessions refer to is as it is, or gone (None), since ``revision``."""
        place = (kind.KIND, key)
        known = self._known.get(place)
        if known is not None and revision <= known:
            return  # heard before, or overtaken by newer news
        # At the first listing everything is new, and every session gets a pass in any case.
        if isinstance(resource, Target) or known is not None or self.loaded.is_set():
            await self._changed(kind, key, resource)
        # A revision stays after a deletion, until the next listing: news from before it may follow.
        self._known[place] = revision

    async def _changed(self, kind: type[Resource], key: Key, resource: Resource | None) -> None:
        if isinstance(resource, Target):
            if await self._fleet.adopt(resource):
                self._ask(one for one, _ in self._views.of_target(key.name))
        elif kind is Target:
            await self._fleet.drop(key.name)
        elif kind is Secret:
            for name in await self._fleet.key_changed(key):
                self._ask(one for one, _ in self._views.of_target(name))
            self._ask(self._views.of_namespace(key.namespace))
        else:
            self._ask(self._views.of_template(key, shared=SHARED_NAMESPACE))

    def _note(self, session: Session) -> bool:
        """Take a session as it is declared now; says whether more than its status changed."""
        if self._views.is_overtaken(session):
            return False
        self._admission.note(session)
        return self._views.note(session)

    def noticed(self, session: Session) -> None:
        """A pass read another record under a known name than the one that the watch told of."""
        if self._note(session):
            self._ask([session.key])

    def forget(self, key: Key, uid: str) -> None:
        """The record of this uid is gone."""
        view = self._views.get(key)
        if view is None or view.uid != uid:
            return
        live = self._fleet.get(view.target)
        if live is not None:
            live.forget(key)
        self._views.forget(key, uid)
        self._admission.forget(key)
        self._resolver.forget(key)
        self._queue.forget(key)
        self._ask(self._views.waiting())

    def _ask(self, keys: Iterable[Key]) -> None:
        """A person did something: their sessions go first, and what failed before is forgiven."""
        for key in keys:
            self._queue.settle(key)
            self._queue.add(key, Priority.PERSON)


def _revision_of(resource: Resource) -> int:
    return int(resource.metadata.resource_version or 0)
