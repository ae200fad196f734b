"""Says who asked for what, as Events that a record's owner can read."""

from __future__ import annotations

import uuid
from enum import StrEnum

import structlog

from api.identity import Identity
from api.ports import Clock
from crds.base import ObjectMeta, Resource
from crds.event import Event, ObjectReference
from records.errors import RecordsError
from records.port import Records

COMPONENT = "berth-api"

log = structlog.get_logger(__name__)


class Deed(StrEnum):
    """What a person asks for, with the words for it."""

    DECLARED = "Declared"
    CHANGED = "Changed"
    STOP_REQUESTED = "StopRequested"
    START_REQUESTED = "StartRequested"
    RESTART_REQUESTED = "RestartRequested"
    DELETE_REQUESTED = "DeleteRequested"
    UNDELETED = "Undeleted"
    SWEEP_REQUESTED = "SweepRequested"
    ABSENCE_ACCEPTED = "AbsenceAccepted"
    ENTRY_GIVEN = "EntryGiven"

    @property
    def words(self) -> str:
        """The words of its event, before the name of who did it."""
        return _WORDS[self]


_WORDS = {
    Deed.DECLARED: "Declared by",
    Deed.CHANGED: "Changed by",
    Deed.STOP_REQUESTED: "Stop requested by",
    Deed.START_REQUESTED: "Start requested by",
    Deed.RESTART_REQUESTED: "Restart requested by",
    Deed.DELETE_REQUESTED: "Deletion requested by",
    Deed.UNDELETED: "Deletion undone by",
    Deed.SWEEP_REQUESTED: "Sweep requested by",
    Deed.ENTRY_GIVEN: "A way in was given to",
    Deed.ABSENCE_ACCEPTED: "What is missing was confirmed to be gone by",
}


class Journal:
    """Writes events; losing one is logged and fails no request."""

    def __init__(self, records: Records, now: Clock) -> None:
        self._records = records
        self._now = now

    async def note(self, who: Identity, deed: Deed, about: Resource) -> None:
        """Note that somebody asked for something."""
        now, meta = self._now(), about.metadata
        # As in Kubernetes, what happens to a record without a namespace is told in this one.
        place = meta.namespace or "default"
        log.info("asked for", deed=deed.value, kind=about.KIND, name=str(about.key), by=who.name)
        event = Event(
            metadata=ObjectMeta(name=f"{meta.name}.{uuid.uuid4().hex[:16]}", namespace=place),
            involved_object=ObjectReference(
                kind=about.KIND, namespace=meta.namespace, name=meta.name, uid=meta.uid
            ),
            reason=deed.value,
            message=f"{deed.words} {who.name}",
            reporting_component=COMPONENT,
            first_timestamp=now,
            last_timestamp=now,
        )
        try:
            await self._records.record_event(event)
        except RecordsError as error:
            log.warning("event lost", about=str(about.key), reason=deed.value, error=type(error).__name__)
