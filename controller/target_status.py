"""Says how a target stands: reached or not, with which version, and what to mend."""

from __future__ import annotations

from datetime import datetime

from controller.targets import LiveTarget
from crds.base import Condition, ConditionStatus
from crds.target import Target, TargetStatus
from crds.vocabulary import ConditionType, Reason
from records.errors import NotFound
from records.port import Records


async def report(records: Records, target: Target, live: LiveTarget | None, *, now: datetime) -> Target:
    """Write the target's status if it differs; returns the newest record."""
    status = _status(target, live, now)
    if status == target.status:
        return target
    try:
        return await records.update_status(Target, target.key, uid=target.metadata.uid, status=status)
    except NotFound:
        return target


def _status(target: Target, live: LiveTarget | None, now: datetime) -> TargetStatus:
    installation = live.installation if live else None
    return TargetStatus(
        version=installation.version if installation else target.status.version,
        project_id=live.place.project_id or None if live else target.status.project_id,
        environment_id=live.place.environment_id or None if live else target.status.environment_id,
        conditions=(_ready(target, live, now),),
        observed_generation=target.metadata.generation,
    )


def _ready(target: Target, live: LiveTarget | None, now: datetime) -> Condition:
    status, reason, message = _verdict(target, live)
    before = next((c for c in target.status.conditions if c.type == ConditionType.READY), None)
    same = before is not None and before.status is status
    return Condition(
        type=ConditionType.READY,
        status=status,
        reason=reason,
        message=message,
        observed_generation=target.metadata.generation,
        last_transition_time=before.last_transition_time if before is not None and same else now,
    )


def _verdict(target: Target, live: LiveTarget | None) -> tuple[ConditionStatus, Reason, str]:
    if live is None:
        reference = target.spec.api_key
        return (
            ConditionStatus.FALSE,
            Reason.SECRET_NOT_FOUND,
            f"spec.apiKey: there is no secret berth-system/{reference.name} with a key {reference.key!r}",
        )
    if live.failure is not None:
        return ConditionStatus.FALSE, live.failure.reason, live.failure.message
    doubt = live.snapshot.doubt if live.snapshot else None
    if doubt is not None:
        return ConditionStatus.UNKNOWN, doubt.reason, doubt.message
    message = "Listed"
    if live.installation is not None and live.installation.image_cleanup:
        message = (
            "Listed; Dokploy's nightly clean-up is on and removes the images of stopped sessions: "
            "built ones are then built again"
        )
    return ConditionStatus.TRUE, Reason.RUNNING, message
