"""What a plan is: the next steps and why, or what has to be read before there is telling. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from controller.actions import Action
from controller.errors import Failure, Next
from controller.observed import Observed, Reading
from controller.standing import Standing
from controller.takeup import Waiting
from crds.session import DokployStatus, Intent
from crds.vocabulary import Reason

CREATE_SETTLES = 10.0
"""Seconds in which a call that got no answer may still take effect."""


class Pace(Enum):
    """When the session is worth another look, if nothing else happens."""

    SETTLED = auto()
    """Not before something changes."""
    MOTION = auto()
    """At every fast tick."""
    BACKOFF = auto()
    """After a growing delay."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The next steps, or the readings without which there is no telling."""

    why: str
    known: DokployStatus
    """What we hold Dokploy to have, corrected by what was read."""
    actions: tuple[Action, ...] = ()
    readings: frozenset[Reading] = frozenset()
    pace: Pace = Pace.SETTLED
    blocked: Failure | None = None
    """Why the desired state cannot be reached now."""
    stands: Standing | None = None
    """How the container stands, where nothing is left to do."""
    after: str = ""
    """What is so once the actions were accepted, in words for the session's owner."""
    waiting: Waiting | None = None
    """What is not taken up before the agent is at rest."""
    finished: bool = False
    """The deletion is done once the actions are: the record may go."""

    @property
    def outcome(self) -> str:
        """What is so after the plan was carried out: ``why`` speaks of the moment before."""
        return self.after if self.actions and self.after else self.why


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds after which a step is reported as failing."""

    start: float = 300.0
    build: float = 1800.0


def may_take_effect(intent: Intent | None, actions: frozenset[str], now: datetime) -> bool:
    """Whether a pass that was cut off was about to do one of these so lately that it may yet happen."""
    if intent is None or actions.isdisjoint(intent.actions):
        return False
    # An intent from the future is one from before the clock was set back: it is not waited for.
    return 0 <= (now - intent.at).total_seconds() < CREATE_SETTLES


def unanswered(known: DokployStatus, what: str) -> Plan:
    """Wait for an earlier call that got no answer: asked for again now, it might take effect twice."""
    message = f"An earlier {what} got no answer; it may still take effect"
    return Plan(
        message, known, pace=Pace.MOTION, blocked=Failure(Next.WAIT, Reason.AMBIGUOUS_CREATE, message)
    )


def unconfirmed(known: DokployStatus, observed: Observed) -> Plan | None:
    """What to do before an application that a listing lacks is taken for gone; None where it is.

    A listing may lack what is there: it is out of date, or cut short. Dokploy is asked by the id.
    """
    if known.application_id is None or observed.gone:
        return None
    if observed.gone is None:
        return needing(known, "A listing alone does not show that it is gone", Reading.GONE)
    message = "The listing lacks an application that Dokploy still knows; a better one is awaited"
    return Plan(message, known, pace=Pace.MOTION, blocked=Failure(Next.WAIT, Reason.NOT_OBSERVED, message))


def unknown(known: DokployStatus, observed: Observed) -> Plan:
    """Nothing is done on an unknown view (law S7)."""
    cause = observed.unknown
    reason = cause.reason if cause else Reason.NOT_OBSERVED
    message = cause.message if cause else "The target has not been listed yet"
    return Plan(message, known, blocked=Failure(Next.WAIT, reason, message))


def needing(known: DokployStatus, why: str, *readings: Reading) -> Plan:
    """A plan that cannot be made before something is read."""
    return Plan(why, known, readings=frozenset(readings))


def replace_known(known: DokployStatus, **changes: object) -> DokployStatus:
    """A copy with changes, or the same where they change nothing, as they mostly do."""
    if all(getattr(known, name) == value for name, value in changes.items()):
        return known
    return known.model_copy(update=changes)
