"""When a change that nobody asked of a session is taken up: never while its agent works. Pure.

What its own spec declares is applied at once. A login, a secret, a template, the target's defaults
or Berth itself may change for many sessions at once, and each takes it up when the container says
that its agent is at rest and nothing was done in it for a while, or at its next restart, whoever
asks for that. A container that cannot be asked, for want of a route, waits for a restart; one that
does not run has nothing to interrupt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from container.contract import Attention, HealthReport
from controller.desired import OWN, Desired
from controller.observed import Observed, Reading
from controller.standing import is_up
from crds.session import AppliedFrom, DokployStatus, Session

QUIET = 120.0
"""Seconds without activity of agent, person or terminal after which a change is taken up by itself."""

_AT_REST = frozenset({Attention.IDLE, Attention.NEEDS_INPUT, Attention.LIMIT_REACHED})
"""No turn is under way and none waits to begin; one that asks for leave is in the middle of a turn."""

_BERTH = "what Berth gives every container"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for an idle moment: names of what changed, and whether somebody asked for a restart."""

    changed: tuple[str, ...]
    asked: bool
    can_be_asked: bool
    """Whether the container has a route, through which it can tell that its agent is at rest."""

    @property
    def why(self) -> str:
        """Why it is applied once the moment has come."""
        return self._what

    @property
    def message(self) -> str:
        """What waits for what, for people."""
        if not self.can_be_asked:
            then = "whether its agent works is not known without a route, so it waits for berth restart"
        elif self.asked:
            then = "it is restarted once its agent is at rest, or at once by berth restart"
        else:
            minutes = f"{QUIET / 60:g} minutes"
            then = f"taken up once its agent is at rest, and all is quiet for {minutes}, or by berth restart"
        return f"{self._what[:1].upper()}{self._what[1:]}; {then}"

    @property
    def _what(self) -> str:
        if not self.changed:
            return "a restart was asked for"
        verb = "changed" if len(self.changed) == 1 else "have changed"
        return f"{', '.join(self.changed)} {verb} since it started"


@dataclass(frozen=True, slots=True)
class Hold:
    """Whether a session is left as it runs: what waits, or what must be read to tell."""

    known: DokployStatus
    waiting: Waiting | None = None
    readings: tuple[Reading, ...] = ()


def hold(session: Session, want: Desired, known: DokployStatus, observed: Observed, now: datetime) -> Hold:
    """Say whether what waits goes on to wait; nothing waits where there is nothing to interrupt."""
    waiting = waiting_for(session, want, known)
    if waiting is None or any(mount.volume not in known.storage for mount in want.volumes):
        return Hold(known)
    if observed.service is None and observed.tasks is None:
        return Hold(known, waiting, (Reading.TASKS,))
    if not is_up(observed):
        return Hold(known)
    if observed.echo is None and observed.due and waiting.can_be_asked:
        return Hold(known, waiting, (Reading.ECHO,))
    report = observed.echo if isinstance(observed.echo, dict) else None
    runs = report["revision"] if report is not None else observed.runs
    if waiting.changed and runs == want.revision:
        # Somebody restarted it in Dokploy, which holds the new configuration: it is taken up.
        return Hold(known.model_copy(update={"applied": want.digest, "applied_from": want.origin}))
    if report is not None and _is_moment(waiting, report, now):
        return Hold(known)
    # From here on it is on record, also where an earlier version of Berth did not keep it.
    return Hold(known.model_copy(update={"applied_from": applied_from(session, want, known)}), waiting)


def waiting_for(session: Session, want: Desired, known: DokployStatus) -> Waiting | None:
    """What a session that runs has not taken up and nobody asked to take up at once."""
    spec = session.spec
    if want.config.replicas == 0 or known.applied is None:
        return None
    if spec.restarted_at is not None and known.restarted != spec.restarted_at:
        return None
    asked = spec.restart_when_idle_at is not None and known.restarted_when_idle != spec.restart_when_idle_at
    if known.applied == want.digest:
        return Waiting((), asked, want.domain is not None) if asked else None
    origin = applied_from(session, want, known)
    if origin is None or origin.inputs.get(OWN) != want.inputs.get(OWN):
        return None
    return Waiting(changed(origin.inputs, want.inputs), asked, want.domain is not None)


def applied_from(session: Session, want: Desired, known: DokployStatus) -> AppliedFrom | None:
    """What was last applied; for a status of an earlier version, which did not keep it, as far as it tells.

    A session that was Ready with its generation observed ran what was desired then.
    """
    if known.applied_from is not None:
        return known.applied_from
    status = session.status
    observed = status.observed_generation == session.metadata.generation
    if known.applied is None or not observed or not status.is_ready or status.revision.desired is None:
        return None
    return AppliedFrom(revision=status.revision.desired, inputs={OWN: want.inputs.get(OWN, "")})


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """The names of what differs, for people; the session's own spec is not among them."""
    known = before if len(before) > 1 else {}
    differing = {name for name in {*known, *after} if known.get(name) != after.get(name)} - {OWN}
    return tuple(sorted(differing)) if known and differing else (_BERTH,)


def _is_moment(waiting: Waiting, report: HealthReport, now: datetime) -> bool:
    if report["attention"] not in _AT_REST:
        return False
    activity = report["activity"]
    if waiting.asked or activity is None:
        return True
    try:
        return (now - datetime.fromisoformat(activity["at"])).total_seconds() >= QUIET
    except (ValueError, TypeError):
        return False
