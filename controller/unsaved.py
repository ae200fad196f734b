"""Whether a deletion would lose work that is saved nowhere else. Pure.

======================================  =========================================================
what is known                           whether the deletion goes on without ``--force``
======================================  =========================================================
the volumes stay (Retain)               yes: nothing is lost
read for this very question             if it is saved, or there is none
asked, and no fresh reading given       no: WorkUnknown, or WorkUnsaved if that was known last
stopped, or its application is gone     by the last reading: a stop takes one first
no container ever told of any work      yes, unless one runs, or could have run without a route
======================================  =========================================================

A reading is fresh if its answer repeats the question that was drawn for it: neither a cache nor a
clock has a part in that. Older images know of no question, and give no fresh reading.
"""

from __future__ import annotations

from dataclasses import dataclass

from container.contract import WorkReport
from controller.actions import Apply
from controller.desired import Desired
from controller.errors import Failure, Next
from controller.observed import Observed, Reading, Silence
from controller.planned import Plan, needing
from crds.base import Condition, ConditionStatus
from crds.session import OperatingMode, Session
from crds.vocabulary import ConditionType, Reason

_SILENT = {
    Silence.NO_ANSWER: "its container does not answer",
    Silence.NOT_OURS: "its route leads to something other than its container",
    Silence.ANOTHER: "its route leads to the container of another session",
    Silence.NAMELESS: "its container runs without the environment that Berth gave it",
    Silence.OLD_IMAGE: "the image of its container is too old to be asked",
    Silence.TOO_LATE: "its container could not read the workspace in time",
}


@dataclass(frozen=True, slots=True)
class Loss:
    """What a deletion would lose, or might."""

    reason: Reason
    """WorkUnsaved, or WorkUnknown."""
    what: str
    """The work, or why nothing is known of it, in words that go after a colon."""

    def holds_up(self, session: Session) -> Failure:
        """Why a deletion that was accepted waits, and what a person can do."""
        name = session.metadata.name
        keep = f"keep the session with berth undelete session {name}"
        give_up = "give the work up with berth delete --force"
        if self.reason is Reason.WORK_UNKNOWN:
            message = f"Whether its work is saved is not known: {self.what}. Wait, {keep}, or {give_up}"
        else:
            runs = session.spec.operating_mode is OperatingMode.RUNNING
            how = f"Commit and push it, {keep}" if runs else f"{keep.capitalize()}, start it and push"
            message = f"Its work is saved nowhere else: {self.what}. {how}, or {give_up}"
        return Failure(Next.WAIT, self.reason, message)


WITHOUT_ROUTE = Loss(Reason.WORK_UNKNOWN, "it has no route by which its container could be asked")


def before_a_stop(planned: Plan, want: Desired | Failure, observed: Observed) -> Plan:
    """The plan, or the question that comes before it: a container that has ended tells nothing more."""
    if planned.known.route is None or observed.work is not None or not stops(planned, want, observed):
        return planned
    return needing(planned.known, "Its container must say whether its work is saved", Reading.WORK)


def stops(planned: Plan, want: Desired | Failure, observed: Observed) -> bool:
    """Whether the plan ends a container that runs, or that Swarm means to run."""
    if not planned.actions or not isinstance(planned.actions[-1], Apply):
        return False
    if isinstance(want, Desired) and want.config.replicas:
        return False
    service = observed.service
    return service is not None and bool(service.wanted or service.running)


def by_answer(session: Session, answer: WorkReport | Silence) -> Loss | None:
    """What would be lost by the answer to a question that was just asked; None for nothing."""
    if isinstance(answer, Silence):
        known = by_last_reading(session)
        if known is not None and known.reason is Reason.WORK_UNSAVED:
            return known
        return Loss(Reason.WORK_UNKNOWN, _SILENT[answer])
    if answer["state"] not in {"Clean", "NoRemote", "Unsaved"}:
        return Loss(Reason.WORK_UNKNOWN, "git gives no answer in its workspace")
    if answer["state"] == "Unsaved" or is_unsaved(answer):
        return Loss(Reason.WORK_UNSAVED, counted(answer))
    return None


def by_last_reading(session: Session) -> Loss | None:
    """What would be lost by what was read last; None for nothing, and where nothing ever was."""
    saved = _work_saved(session)
    if saved is None or saved.status is ConditionStatus.TRUE:
        return None
    if saved.status is ConditionStatus.FALSE:
        return Loss(Reason.WORK_UNSAVED, saved.message)
    if saved.reason in {Reason.NOT_REPORTED, Reason.NO_REMOTE}:
        return None
    return Loss(Reason.WORK_UNKNOWN, saved.message or "its container could not be asked")


def was_reported(session: Session) -> bool:
    """Whether a container of the session ever told of its work."""
    saved = _work_saved(session)
    return saved is not None and saved.reason != Reason.NOT_REPORTED


def is_unsaved(work: WorkReport) -> bool:
    """Whether anything is counted that is saved nowhere else, with or without a remote."""
    return work["state"] in {"NoRemote", "Unsaved"} and bool(work["uncommitted"] or work["unpushed"])


def counted(work: WorkReport) -> str:
    """What of the work is saved nowhere else, in words."""
    files, commits = work["uncommitted"], work["unpushed"]
    return f"{_number(files, 'file')} uncommitted, {_number(commits, 'commit')} unpushed"


def _number(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _work_saved(session: Session) -> Condition | None:
    conditions = session.status.conditions
    return next((c for c in conditions if c.type == ConditionType.WORK_SAVED), None)
