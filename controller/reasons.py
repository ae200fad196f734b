"""What a reason means for a session, where more than one condition depends on it."""

from __future__ import annotations

from crds.vocabulary import Reason

ADMISSION = frozenset(
    {
        Reason.SECRET_NOT_FOUND,
        Reason.SECRET_KEY_NOT_FOUND,
        Reason.LOGIN_AMBIGUOUS,
        Reason.TEMPLATE_NOT_FOUND,
        Reason.TARGET_NOT_FOUND,
        Reason.TARGET_CHANGE_REFUSED,
        Reason.TARGET_REPLACED,
        Reason.INVALID_SPEC,
        Reason.QUOTA_EXCEEDED,
        Reason.HOST_TAKEN,
    }
)
"""Reasons for which a session is not admitted: what it refers to or asks for is not to be had."""

WAITS = ADMISSION - {Reason.INVALID_SPEC, Reason.TARGET_CHANGE_REFUSED, Reason.TARGET_REPLACED}
"""Of these, the ones that pass by themselves once something else is there."""

UNPLACED = frozenset({Reason.TARGET_NOT_FOUND, Reason.TARGET_REPLACED})
"""Reasons for which nothing of a session can be seen or done: where it is cannot be reached any more."""

OUT_OF_REACH = UNPLACED | {
    Reason.TARGET_UNREACHABLE,
    Reason.TARGET_UNAUTHORIZED,
    Reason.TARGET_THROTTLED,
    Reason.TARGET_UNSUPPORTED,
}
"""Reasons for which a target cannot be reached, for a while or for good."""

OBSTACLES = OUT_OF_REACH | {Reason.ORPHAN_SERVICE, Reason.WORK_UNSAVED, Reason.WORK_UNKNOWN}
"""What no deletion gets past before a person has acted (law L3): the reason says so, not the message
alone."""

AILMENTS = frozenset(
    {
        Reason.CLONE_FAILED,
        Reason.WORKSPACE_INCOMPLETE,
        Reason.WORKSPACE_DIFFERS,
        Reason.AGENT_FAILED,
        Reason.LOGIN_EXPIRED,
        Reason.LOGIN_REVOKED,
        Reason.LOGIN_INVALID,
    }
)
"""What the container itself tells of, and is bad though the container runs."""
