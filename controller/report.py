"""What a container says of itself, as conditions. Pure.

A container's text is shown to its owner as it is; it never holds a secret by the contract of
``/healthz`` (:mod:`container.contract`).
"""

from __future__ import annotations

from dataclasses import dataclass

from container.contract import GIT_PASSWORD, GIT_USERNAME, NOT_AS_DECLARED, HealthReport, NoticeSource
from controller.unsaved import counted, is_unsaved
from crds.base import ConditionStatus
from crds.vocabulary import ConditionType, Reason

_WITHOUT_A_PART = frozenset({"SubmodulesMissing", "LargeFilesMissing"})
_CREDENTIALS = frozenset({GIT_USERNAME, GIT_PASSWORD})
_TRUE, _FALSE, _UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN


@dataclass(frozen=True, slots=True)
class Verdict:
    """One condition's value."""

    status: ConditionStatus
    reason: Reason
    message: str = ""


def reported(report: HealthReport) -> dict[ConditionType, Verdict]:
    """The conditions that only the container can tell."""
    return {
        ConditionType.WORKSPACE_READY: _workspace(report),
        ConditionType.AGENT_READY: _agent(report),
        ConditionType.AUTH_READY: _auth(report),
        ConditionType.WORK_SAVED: _work(report),
    }


def noticed(report: HealthReport) -> Verdict | None:
    """What the container says is wrong beside what has a condition of its own; None for nothing."""
    told = _notices(report)
    return Verdict(_TRUE, Reason.CONTAINER_NOTICE, "; ".join(told)) if told else None


def _notices(report: HealthReport, sources: frozenset[str] | None = None) -> list[str]:
    """Its notices, of these sources or of all; that of the workspace is in WorkspaceReady."""
    return [
        f"{notice['source']}: {notice['message']}"
        for notice in report.get("notices", ())
        if notice["source"] != NoticeSource.WORKSPACE and (sources is None or notice["source"] in sources)
    ]


def _workspace(report: HealthReport) -> Verdict:
    workspace = report["workspace"]
    match workspace["state"]:
        case "Ready" | "Empty":
            return Verdict(_TRUE, _of_usable(workspace["reason"]), workspace["message"])
        case "Preparing":
            return Verdict(_FALSE, Reason.WORKSPACE_PREPARING, workspace["message"])
        case _:
            # A login that was thrown away is why the server asks for one.
            told = (f"{workspace['reason']}: {workspace['message']}", *_notices(report, _CREDENTIALS))
            return Verdict(_FALSE, Reason.CLONE_FAILED, "; ".join(told))


def _of_usable(reason: str) -> Reason:
    if reason not in NOT_AS_DECLARED:
        return Reason.WORKSPACE_READY
    return Reason.WORKSPACE_INCOMPLETE if reason in _WITHOUT_A_PART else Reason.WORKSPACE_DIFFERS


def _agent(report: HealthReport) -> Verdict:
    agent = report["agent"]
    match agent["state"]:
        case "Ready":
            return Verdict(_TRUE, Reason.AGENT_READY, agent["message"])
        case "Starting":
            return Verdict(_FALSE, Reason.AGENT_STARTING, agent["message"])
        case "NotInstalled":
            return Verdict(_FALSE, Reason.AGENT_NOT_INSTALLED, agent["message"])
        case "Failed":
            return Verdict(_FALSE, Reason.AGENT_FAILED, agent["message"])
        case _:
            return Verdict(_UNKNOWN, Reason.NOT_REPORTED, agent["message"])


_LOGIN_REASONS = {
    "Invalid": Reason.LOGIN_INVALID,
    "Revoked": Reason.LOGIN_REVOKED,
    "Expired": Reason.LOGIN_EXPIRED,
}


def _auth(report: HealthReport) -> Verdict:
    for state, reason in _LOGIN_REASONS.items():
        bad = [login for login in report["auth"] if login["state"] == state]
        if bad:
            return Verdict(
                _FALSE, reason, "; ".join(f"{login['provider']}: {login['message']}" for login in bad)
            )
    logins = [login["provider"] for login in report["auth"] if login["state"] == "LoggedIn"]
    if not logins:
        return Verdict(_FALSE, Reason.NO_LOGIN, "No provider's login was given")
    notes = [f"{login['provider']}: {login['note']}" for login in report["auth"] if login.get("note")]
    return Verdict(_TRUE, Reason.LOGGED_IN, "; ".join((", ".join(logins), *notes)))


def _work(report: HealthReport) -> Verdict:
    work = report["work"]
    match work["state"]:
        case "Clean":
            return Verdict(_TRUE, Reason.SAVED, "All work is pushed")
        case "Unsaved":
            return Verdict(_FALSE, Reason.UNSAVED, counted(work))
        case "NoRemote" if is_unsaved(work):
            return Verdict(_FALSE, Reason.NO_REMOTE, f"{counted(work)}, and no remote to push to")
        case "NoRemote":
            return Verdict(_UNKNOWN, Reason.NO_REMOTE, "The workspace has no remote to push to")
        case _:
            return Verdict(_UNKNOWN, Reason.WORK_UNKNOWN, "git gives no answer in its workspace")
