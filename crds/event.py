"""The Event: who did what to a record, and why."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from crds.base import Model, Resource


class ObjectReference(Model):
    """The record an event is about."""

    kind: str
    namespace: str = ""
    name: str
    uid: str = ""


class Event(Resource):
    """One thing that happened; equal ones are counted, not repeated."""

    KIND: ClassVar[str] = "Event"
    PLURAL: ClassVar[str] = "events"
    SHORT_NAMES: ClassVar[tuple[str, ...]] = ("ev",)

    api_version: str = "v1"
    kind: Literal["Event"] = "Event"
    involved_object: ObjectReference
    type: Literal["Normal", "Warning"] = "Normal"
    reason: str
    message: str
    reporting_component: str = "berth-controller"
    count: int = 1
    first_timestamp: datetime
    last_timestamp: datetime
