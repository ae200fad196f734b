"""Says what was done to a session and why, as Events that its owner can read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import structlog

from controller.actions import Action
from controller.errors import Failure
from controller.reasons import ADMISSION, AILMENTS
from crds.base import Condition, ObjectMeta, Resource
from crds.event import Event, ObjectReference
from crds.meanings import FAILURES
from crds.session import Session, SessionStatus
from crds.vocabulary import ConditionType, Reason
from records.errors import RecordsError
from records.port import Records

log = structlog.get_logger(__name__)

COMPONENT = "berth-controller"


_ORDINARY = frozenset(
    {
        Reason.APPLYING,
        Reason.BUILDING,
        Reason.CREATING,
        Reason.DELETING,
        Reason.LEGACY,
        Reason.PENDING,
        Reason.REVISION_PENDING,
        Reason.STARTING,
        Reason.STOPPED,
        Reason.STOPPING,
        Reason.WORKSPACE_PREPARING,
    }
)

_FAILURES = FAILURES | ADMISSION | AILMENTS | {Reason.ROUTE_FAILING, Reason.CONTAINER_NOTICE}
"""Those of which each new one is told, also while Ready stays False."""


class EventWriter:
    """Writes events; losing one is logged and never stops a pass."""

    def __init__(self, records: Records, now: Callable[[], datetime]) -> None:
        self._records = records
        self._now = now

    async def done(self, session: Session, action: Action) -> None:
        """An action was accepted."""
        await self.write(session, "Normal", type(action).__name__, str(action))

    async def failed(self, session: Session, action: Action, failure: Failure) -> None:
        """An action failed."""
        await self.write(session, "Warning", f"{type(action).__name__}Failed", failure.message)

    async def replaced(self, session: Session, count: int, why: str) -> None:
        """Swarm replaced its container without being asked to, so often since the pass before."""
        times = "" if count == 1 else f" {count} times"
        await self.write(session, "Warning", "ContainerReplaced", f"Its container was replaced{times}: {why}")

    async def transitions(self, session: Session, status: SessionStatus) -> None:
        """Ready changed, a failure appeared while it stayed, or a change waits for an idle moment."""
        waits = _waiting(status)
        if waits is not None and _waiting(session.status) is None:
            await self.write(session, "Normal", waits.reason, waits.message)
        told = await self._ready_changed(session, status)
        for kind in (ConditionType.READY, ConditionType.DEGRADED):
            failure = _failure(_condition(status, kind))
            if failure is None or failure.reason == told:
                continue
            before = _failure(_condition(session.status, kind))
            if before is None or before.reason != failure.reason:
                await self.write(session, "Warning", failure.reason, failure.message or failure.reason)
                told = failure.reason

    async def _ready_changed(self, session: Session, status: SessionStatus) -> str | None:
        """Tell that Ready changed; the reason that was told, None where it did not."""
        before, after = (
            _condition(session.status, ConditionType.READY),
            _condition(status, ConditionType.READY),
        )
        if after is None or (before is not None and before.status is after.status):
            return None
        # What was asked for is no warning, though the session is not ready meanwhile.
        wrong = after.status != "True" and after.reason not in _ORDINARY
        kind: Literal["Normal", "Warning"] = "Warning" if wrong else "Normal"
        reason = "Ready" if after.status == "True" else after.reason
        await self.write(session, kind, reason, after.message or after.reason)
        return reason

    async def write(
        self, about: Resource, kind: Literal["Normal", "Warning"], reason: str, message: str
    ) -> None:
        """Write one event about a record."""
        now, meta = self._now(), about.metadata
        # Events have a namespace even where what they are about has none, as in Kubernetes.
        event = Event(
            metadata=ObjectMeta(
                name=f"{meta.name}.{int(now.timestamp() * 1_000_000):x}",
                namespace=meta.namespace or "default",
            ),
            involved_object=ObjectReference(
                kind=about.kind, namespace=meta.namespace, name=meta.name, uid=meta.uid
            ),
            type=kind,
            reason=reason,
            message=message,
            reporting_component=COMPONENT,
            first_timestamp=now,
            last_timestamp=now,
        )
        try:
            await self._records.record_event(event)
        except RecordsError as error:
            log.warning("event lost", about=str(about.key), reason=reason, error=str(error))


def _condition(status: SessionStatus, kind: ConditionType) -> Condition | None:
    return next((condition for condition in status.conditions if condition.type == kind), None)


def _failure(condition: Condition | None) -> Condition | None:
    """The condition, if it tells a failure: Ready is False, or Degraded True, for a reason of one."""
    if condition is None or condition.reason not in _FAILURES:
        return None
    fails = "True" if condition.type == ConditionType.DEGRADED else "False"
    return condition if condition.status == fails else None


def _waiting(status: SessionStatus) -> Condition | None:
    return next((c for c in status.conditions if c.reason == Reason.RESTART_NEEDED), None)
