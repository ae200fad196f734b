"""The Event: who did what to a record, and why."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from crds.base import Model, Resource


class ObjectReference(Model):
    """The record an event is about."""

    kind: str
    """Its kind."""
    namespace: str = ""
    """Its namespace; empty for cluster-scoped kinds."""
    name: str
    """Its name."""
    uid: str = ""
    """Its uid: a record declared again has other events."""


class Event(Resource):
    """One thing that happened; equal ones are counted, not repeated."""

    KIND: ClassVar[str] = "Event"
    PLURAL: ClassVar[str] = "events"
    SHORT_NAMES: ClassVar[tuple[str, ...]] = ("ev",)

    api_version: str = "v1"
    """Always v1, as in a cluster."""
    kind: Literal["Event"] = "Event"
    """Always Event."""
    involved_object: ObjectReference
    """What it is about."""
    type: Literal["Normal", "Warning"] = "Normal"
    """Warning where a person may have to act."""
    reason: str
    """Why, in one CamelCase word."""
    message: str
    """What happened, for people; never a secret."""
    reporting_component: str = "berth-controller"
    """Who says so: berth-controller, or berth-api for what people did."""
    count: int = 1
    """How often it happened between the two times."""
    first_timestamp: datetime
    """When first."""
    last_timestamp: datetime
    """When last."""

    @classmethod
    def check_name(cls, name: str) -> None:
        """The store names events: after what they are about, with a dot and a number."""
