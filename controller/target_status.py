"""Says how a target stands: reached or not, frozen or not, and what to mend."""

from __future__ import annotations

from datetime import datetime

from controller.events import EventWriter
from controller.observe import Missing
from controller.observed import Unknown
from controller.report import Verdict
from controller.status import stamped
from controller.targets import LiveTarget
from crds.base import Condition, ConditionStatus
from crds.meanings import MEANINGS
from crds.target import Target
from crds.target_status import Absence, Freeze, TargetStatus
from crds.vocabulary import ConditionType, Reason
from records.errors import NotFound
from records.port import Records

FROZEN = "TargetFrozen"
RELEASED = "TargetReleased"


async def report(
    records: Records, events: EventWriter, target: Target, live: LiveTarget | None, *, now: datetime
) -> Target:
    """Write the target's status if it differs, and say when a freeze begins or ends.

    Returns the newest record. What was written last is where a freeze began, so a restart of the
    controller does not tell of it again.
    """
    status = _status(target, live, now)
    if status == target.status:
        return target
    try:
        written = await records.update_status(Target, target.key, uid=target.metadata.uid, status=status)
    except NotFound:
        return target
    await _tell(events, written, before=target.status.freeze, after=status.freeze)
    return written


async def _tell(events: EventWriter, target: Target, *, before: Freeze | None, after: Freeze | None) -> None:
    if after is not None and (before is None or before.reason is not after.reason):
        message = f"{after.reason}: {after.message}. {after.release}"
        await events.write(target, "Warning", FROZEN, message)
    if after is None and before is not None:
        await events.write(target, "Normal", RELEASED, f"{before.reason} is over; work goes on")


def _status(target: Target, live: LiveTarget | None, now: datetime) -> TargetStatus:
    before, installation = target.status, live.installation if live else None
    freeze = live.freeze if live else _no_key(target)
    return before.model_copy(
        update={
            "version": installation.version if installation else before.version,
            "project_id": live.place.project_id or None if live else before.project_id,
            "environment_id": live.place.environment_id or None if live else before.environment_id,
            "conditions": (_ready(target, live, now),),
            "freeze": _freeze(before.freeze, freeze, target.metadata.name, now),
            "absence": _absence(target, live, now),
            "sweep": (live.swept if live else None) or before.sweep,
            "observed_generation": target.metadata.generation,
        }
    )


def _freeze(before: Freeze | None, why: Unknown | None, name: str, now: datetime) -> Freeze | None:
    if why is None:
        return None
    since = before.since if before is not None and before.reason is why.reason else now
    release = _release(why.reason, name)
    return Freeze(reason=why.reason, message=why.message, since=since, release=release)


def _release(reason: Reason, name: str) -> str:
    """What ends a freeze."""
    match reason:
        case Reason.MASS_ABSENCE:
            return f"It ends when they show again; if all is truly gone: berth accept-absence {name}"
        case Reason.NOT_OBSERVED:
            return (
                "It ends when Docker answers Dokploy again; if the services are truly gone: "
                f"berth accept-absence {name}"
            )
        case _:
            return MEANINGS[reason].remedy


def _absence(target: Target, live: LiveTarget | None, now: datetime) -> Absence | None:
    """What the newest listing lacks; of an old listing nothing is said anew."""
    if live is None or live.snapshot is None:
        return None
    missing: Missing = live.snapshot.missing
    if not missing.applications and not missing.services:
        return None
    return Absence(
        applications=missing.applications,
        applications_expected=missing.applications_expected,
        services=missing.services,
        services_expected=missing.services_expected,
        accepted_until=target.absence_accepted_until(now),
    )


def _ready(target: Target, live: LiveTarget | None, now: datetime) -> Condition:
    before = next((c for c in target.status.conditions if c.type == ConditionType.READY), None)
    return stamped(
        ConditionType.READY, _verdict(target, live), before, generation=target.metadata.generation, now=now
    )


def _no_key(target: Target) -> Unknown:
    reference = target.spec.api_key
    message = f"spec.apiKey: there is no secret berth-system/{reference.name} with a key {reference.key!r}"
    return Unknown(Reason.SECRET_NOT_FOUND, message)


def _verdict(target: Target, live: LiveTarget | None) -> Verdict:
    if live is None:
        missing = _no_key(target)
        return Verdict(ConditionStatus.FALSE, missing.reason, missing.message)
    if live.failure is not None:
        return Verdict(ConditionStatus.FALSE, live.failure.reason, live.failure.message)
    doubt = live.freeze
    if doubt is not None:
        return Verdict(ConditionStatus.UNKNOWN, doubt.reason, doubt.message)
    message = "Listed"
    if live.installation is not None and live.installation.image_cleanup:
        message = (
            "Listed; Dokploy's nightly clean-up is on and removes the images of stopped sessions: "
            "built ones are then built again"
        )
    return Verdict(ConditionStatus.TRUE, Reason.RUNNING, message)
