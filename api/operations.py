"""What can be done with records, by somebody. Knows nothing of HTTP.

Every operation takes the :class:`~api.identity.Identity` of whoever asks, so that what a role may
do is decided here and nowhere else.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, Literal, TypeVar

from api.apply import (
    Mode,
    Result,
    as_new,
    as_replacement,
    check_absent,
    check_expected,
    check_not_deleting,
    would_change,
)
from api.deletion import (
    FOR_THIS_DELETION,
    annotated,
    check_nothing_removed,
    force_delete,
    not_forced,
    refused,
)
from api.identity import Identity
from api.journal import Deed, Journal
from api.placing import check_out_of_reach, check_place, check_unused
from api.ports import AskWork, Clock
from api.problems import Problem, Reason
from crds.base import Key, Resource
from crds.session import ORPHAN_ANNOTATION, OperatingMode, Session
from crds.target import ACCEPT_ABSENCE_ANNOTATION, SWEEP_ANNOTATION, Target
from records.errors import AlreadyExists, Conflict, NotFound
from records.paging import pages
from records.port import Page, Records, Selector

R = TypeVar("R", bound=Resource)

_ATTEMPTS = 10
"""Times that a write is made again after somebody else's came first."""


class Verb(StrEnum):
    """What can be asked of a session in one word."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Manner:
    """How a session is restarted."""

    when: Literal["now", "idle"] = "now"
    """``idle``: at the next moment at which its agent is at rest."""
    logins: Literal["keep", "take"] = "keep"
    """``take``: newer login files in place of those that were refreshed in the container."""


PLAINLY = Manner()

_DEEDS = {
    Verb.START: Deed.START_REQUESTED,
    Verb.STOP: Deed.STOP_REQUESTED,
    Verb.RESTART: Deed.RESTART_REQUESTED,
}


@dataclass(frozen=True, slots=True)
class Applied(Generic[R]):
    """A record after an apply; ``before`` is how it was stored, None where it was not."""

    resource: R
    result: Result
    before: R | None


@dataclass(frozen=True, slots=True)
class Expected:
    """The record that a request supposes; empty: whichever there is."""

    version: str = ""
    uid: str = ""


ANY = Expected()


class Operations:
    """Reads and writes records for somebody; raises Problem and RecordsError."""

    def __init__(self, records: Records, journal: Journal, now: Clock, ask_work: AskWork) -> None:
        self._records = records
        self._journal = journal
        self._now = now
        self._ask_work = ask_work

    async def read(self, who: Identity, kind: type[R], key: Key) -> R:  # noqa: ARG002 - see the module
        """One record."""
        return await self._records.get(kind, key)

    def pages(
        self,
        who: Identity,  # noqa: ARG002 - see the module
        kind: type[R],
        *,
        namespace: str | None,
        selector: Selector,
        limit: int | None,
        after: str | None,
    ) -> AsyncIterator[Page[R]]:
        """A kind's records, up to ``limit`` of them, a page at a time."""
        return pages(self._records, kind, namespace=namespace, selector=selector, limit=limit, after=after)

    async def create(self, who: Identity, given: R) -> R:
        """A new record; raises AlreadyExists."""
        stored = await self._records.create(as_new(given))
        await self._journal.note(who, Deed.DECLARED, stored)
        return stored

    async def apply(self, who: Identity, given: R, *, mode: Mode, expected: Expected = ANY) -> Applied[R]:
        """Create what is absent; replace what is declared of what is there."""
        meta = given.metadata
        expected = Expected(expected.version or meta.resource_version, expected.uid or meta.uid)
        for _ in range(_ATTEMPTS):
            try:
                return await self._try_apply(who, given, mode, expected)
            except (AlreadyExists, Conflict, NotFound):
                # Somebody else wrote between our reading and our writing: look again. A version
                # that the request supposes was compared by us, and is again.
                continue
        raise Problem(Reason.CONFLICT, f"{given.KIND} {given.key} keeps changing; try again in a moment")

    async def _try_apply(self, who: Identity, given: R, mode: Mode, expected: Expected) -> Applied[R]:
        kind = type(given)
        try:
            stored = await self._records.get(kind, given.key)
        except NotFound:
            check_absent(kind, given.key, version=expected.version)
            if mode is Mode.DRY_RUN:
                return Applied(as_new(given, uid=str(uuid.uuid4()), now=self._now()), Result.CREATED, None)
            return Applied(await self.create(who, given), Result.CREATED, None)
        check_expected(stored, version=expected.version, uid=expected.uid)
        check_not_deleting(stored)
        wanted = as_replacement(stored, given)
        check_place(stored, wanted)
        if mode is Mode.DRY_RUN:
            result = Result.CONFIGURED if would_change(stored, wanted) else Result.UNCHANGED
            return Applied(wanted, result, stored)
        written = await self._records.update(wanted)
        if written.metadata.resource_version == stored.metadata.resource_version:
            return Applied(written, Result.UNCHANGED, stored)
        await self._journal.note(who, Deed.CHANGED, written)
        return Applied(written, Result.CONFIGURED, stored)

    async def delete(self, who: Identity, kind: type[R], key: Key, *, expected: Expected = ANY) -> R:
        """Delete, or mark for deletion.

        A session whose work would be lost, or might, is refused, and a target that sessions use.
        """
        stored = await self._records.get(kind, key)
        check_expected(stored, version=expected.version, uid=expected.uid)
        if isinstance(stored, Session):
            loss = await self._ask_work(self._records, stored)
            if loss is not None:
                raise refused(stored, loss)
        if isinstance(stored, Target):
            await check_unused(self._records, stored)
        return await self._delete(who, stored)

    async def delete_forced(self, who: Identity, kind: type[R], key: Key, *, expected: Expected = ANY) -> R:
        """Delete, whatever becomes of unsaved work, or of a target's sessions."""
        stored = await self._records.get(kind, key)
        check_expected(stored, version=expected.version, uid=expected.uid)
        if isinstance(stored, Session):
            # Before the deletion: a controller that sees one without the other keeps the volume.
            await self._rewrite(Session, key, force_delete)
        return await self._delete(who, stored)

    async def give_up(self, who: Identity, key: Key, *, expected: Expected = ANY) -> Session:
        """Delete a session whose target cannot be reached, and leave there what it has."""
        stored = await self._records.get(Session, key)
        check_expected(stored, version=expected.version, uid=expected.uid)
        await check_out_of_reach(self._records, stored)
        await self._rewrite(Session, key, lambda one: annotated(one, ORPHAN_ANNOTATION, "true"))
        return await self._delete(who, stored)

    async def _delete(self, who: Identity, stored: R) -> R:
        gone = await self._records.delete(type(stored), stored.key, uid=stored.metadata.uid)
        if stored.metadata.deletion_timestamp is None:
            await self._journal.note(who, Deed.DELETE_REQUESTED, stored)
        return gone

    async def undelete(self, who: Identity, kind: type[R], key: Key, *, expected: Expected = ANY) -> R:
        """Take back a deletion of which no step was taken; a record that nobody deletes: no change."""
        for _ in range(_ATTEMPTS):
            stored = await self._records.get(kind, key)
            check_expected(stored, version=expected.version, uid=expected.uid)
            if stored.metadata.deletion_timestamp is None:
                return stored
            check_nothing_removed(stored)
            try:
                # Leave to lose work goes first: it was for this deletion, and not for the next.
                if isinstance(stored, Session) and FOR_THIS_DELETION & stored.metadata.annotations.keys():
                    await self._records.update(not_forced(stored))
                    continue
                before = getattr(stored, "status", None)
                back = await self._records.undelete(kind, key, uid=stored.metadata.uid, before=before)
            except Conflict:
                continue
            await self._journal.note(who, Deed.UNDELETED, back)
            return back
        raise Problem(Reason.CONFLICT, f"{kind.KIND} {key} keeps changing; try again in a moment")

    async def ask(self, who: Identity, key: Key, verb: Verb, manner: Manner = PLAINLY) -> Session:
        """Start, stop or restart a session, by what its spec declares."""
        if verb is not Verb.RESTART and manner != PLAINLY:
            raise Problem(Reason.INVALID, f"when and logins are of a restart; leave them out of a {verb}")

        def asked(stored: Session) -> Session:
            check_not_deleting(stored)
            stop = verb is Verb.STOP
            update: dict[str, object] = {
                "operating_mode": OperatingMode.STOPPED if stop else OperatingMode.RUNNING
            }
            if verb is Verb.RESTART:
                update |= _restart(stored, manner, self._now())
            return stored.model_copy(update={"spec": stored.spec.model_copy(update=update)})

        stored, written = await self._rewrite(Session, key, asked)
        if written.metadata.resource_version != stored.metadata.resource_version:
            await self._journal.note(who, _DEEDS[verb], written)
        return written

    async def ask_sweep(self, who: Identity, name: str) -> Target:
        """Ask the controller to sweep a target now."""
        stamp = self._now().isoformat()
        _, written = await self._rewrite(
            Target, Key("", name), lambda stored: annotated(stored, SWEEP_ANNOTATION, stamp)
        )
        await self._journal.note(who, Deed.SWEEP_REQUESTED, written)
        return written

    async def accept_absence(self, who: Identity, name: str, *, missing: int) -> Target:
        """Say that what a target lacks is gone; ``missing`` is how much whoever asks has seen to be.

        Raises Problem Conflict where another number is missing by now: nobody has looked at that.
        """
        stamp = self._now().isoformat()

        def accepted(stored: Target) -> Target:
            _check_missing(stored, missing)
            return annotated(stored, ACCEPT_ABSENCE_ANNOTATION, stamp)

        _, written = await self._rewrite(Target, Key("", name), accepted)
        await self._journal.note(who, Deed.ABSENCE_ACCEPTED, written)
        return written

    async def _rewrite(self, kind: type[R], key: Key, change: Callable[[R], R]) -> tuple[R, R]:
        """Read, change, write; again where somebody else's write came first."""
        for _ in range(_ATTEMPTS):
            stored = await self._records.get(kind, key)
            try:
                return stored, await self._records.update(change(stored))
            except Conflict:
                continue
        raise Problem(Reason.CONFLICT, f"{kind.KIND} {key} keeps changing; try again in a moment")


def _restart(stored: Session, manner: Manner, now: datetime) -> dict[str, object]:
    """The fields of the spec by which a restart is asked for."""
    update: dict[str, object] = {"restarted_at" if manner.when == "now" else "restart_when_idle_at": now}
    if manner.logins == "take":
        update["auth_files"] = stored.spec.auth_files.model_copy(update={"take_given_at": now})
    return update


def _check_missing(target: Target, missing: int) -> None:
    """Refuse a word on what nobody has seen."""
    name, absence = target.metadata.name, target.status.absence
    if absence is None or target.status.freeze is None:
        raise Problem(
            Reason.CONFLICT, f"target {name!r} is not frozen for what is missing; nothing to accept"
        )
    if absence.missing != missing:
        detail = f"target {name!r} lacks {absence.missing} by now, and not {missing}; look again"
        raise Problem(Reason.CONFLICT, detail)
