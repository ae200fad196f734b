"""Names what went wrong when a person asked git for something. Pure."""

from __future__ import annotations

import re

from container.git_failures import GitFailure
from container.log import one_line

_MAX_SAID = 4000
_REASONS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "Rejected",
        (r"\[rejected\]", "non-fast-forward", "fetch first"),
        "the remote has commits that are not here; pull first",
    ),
    (
        "RemoteRefused",
        (r"\[remote rejected\]", "hook declined", "protected branch"),
        "the remote does not take it",
    ),
    (
        "NotFastForward",
        ("not possible to fast-forward", "diverg"),
        "both sides have commits that the other has not; merge or rebase in a terminal",
    ),
    (
        "Unmerged",
        (
            "unmerged",
            "needs merge",
            "not concluded your merge",
            "fix conflicts",
            "resolve your current index",
            "you are in the middle of",
            "cannot switch branch while",
        ),
        "a merge, rebase or the like is under way; bring it to its end first",
    ),
    (
        "LocalChanges",
        ("would be overwritten by", "would be lost by", "please commit your changes or stash"),
        "changes of yours would be overwritten; commit or discard them first",
    ),
    (
        "Busy",
        (r"\.lock'", "another git process", "cannot lock ref"),
        "another git is at work in the repository; wait for it, or remove its lock if there is none",
    ),
    ("BranchExists", ("already exists",), "there is a branch of that name"),
    (
        "NoIdentity",
        ("tell me who you are", "empty ident", "unable to auto-detect"),
        "git does not know who commits; set user.name and user.email",
    ),
    ("SigningFailed", ("failed to sign", "gpg failed"), "the commit could not be signed"),
)
"""Reason, what git says then (any of these), and what a person can do; the first match counts."""


def named(failure: GitFailure, otherwise: str, words: str) -> GitFailure:
    """The failure by its reason here; ``otherwise`` and ``words`` where git says nothing that is known."""
    said = failure.said[-_MAX_SAID:]
    for reason, patterns, message in _REASONS:
        if any(re.search(pattern, failure.said, re.IGNORECASE) for pattern in patterns):
            return GitFailure(reason, message, said)
    if failure.reason == "CloneFailed":
        last = one_line(failure.said.strip().rpartition("\n")[2])
        return GitFailure(otherwise, f"{words}: {last}" if last else words, said)
    return GitFailure(failure.reason, failure.message, said)
