"""Finds what a declared ref means in a repository, by asking git and not by its look.

``refs/tags/x`` means that tag and nothing else. A short name is a branch if there is one of that name,
else a tag. What is neither may be a commit, of which git takes the first digits and capitals, too.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from container.git_failures import GitFailure

_HEADS, _TAGS = "refs/heads/", "refs/tags/"
_WHOLE_COMMIT = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
_COMMIT = re.compile(r"[0-9a-fA-F]{4,64}")
"""git takes the first four digits of a commit, or more."""

Ask = Callable[..., Awaitable[bytes]]
"""Runs git with words and returns its output; raises GitFailure."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be checked out: one of these, or none for the default branch.

    ``branch`` is a branch, or a tag that no branch shares its name with: what ``git clone --branch``
    takes. ``full`` is the full name of any other ref. ``commit`` is a commit in lower case, whole or
    its first digits.
    """

    branch: str | None = None
    full: str | None = None
    commit: str | None = None

    @property
    def whole(self) -> bool:
        """Whether ``commit`` has all of its digits."""
        return bool(_WHOLE_COMMIT.fullmatch(self.commit or ""))


async def locate(ask: Ask, url: str, ref: str | None) -> Wanted:
    """What a ref means in the repository at ``url``; raises GitFailure, also where it means nothing."""
    if ref is None or ref == "HEAD":
        return Wanted()
    if _WHOLE_COMMIT.fullmatch(ref) and ref == ref.lower():
        return Wanted(commit=ref)
    if ref.startswith("refs/") and not ref.startswith((_HEADS, _TAGS)):
        return Wanted(full=ref)
    there = await _listed(ask, url, ref)
    if ref.startswith("refs/"):
        if ref not in there:
            raise missing_ref(ref)
        short = ref.removeprefix(_HEADS).removeprefix(_TAGS)
        # "--branch" prefers the branch where a tag has its name.
        return Wanted(full=ref) if _HEADS + short in there and ref.startswith(_TAGS) else Wanted(branch=short)
    if _HEADS + ref in there or _TAGS + ref in there:
        return Wanted(branch=ref)
    if _COMMIT.fullmatch(ref):
        return Wanted(commit=ref.lower())
    if ref.startswith(("heads/", "tags/")):
        return await locate(ask, url, f"refs/{ref}")
    if "/" in ref:
        # Such as pull/7/head: git looks below "refs/", too.
        return Wanted(full=f"refs/{ref}")
    raise missing_ref(ref)


def missing_ref(ref: str) -> GitFailure:
    """That the repository has nothing of that name."""
    short = ref.removeprefix("refs/").removeprefix("remotes/").removeprefix("origin/")
    advice = f"name the branch as the server does: {short}" if "origin/" in ref else "check spec.source.ref"
    kind = "tag" if ref.startswith(_TAGS) else "branch" if ref.startswith(_HEADS) else "branch or tag"
    return GitFailure("RefNotFound", f"the repository has no {kind} {ref}; {advice}")


def missing_commit(commit: str, *, searched: int | None = None) -> GitFailure:
    """That no commit of the repository begins so; ``searched`` is how many of each branch were looked at."""
    within = (
        f" within the newest {searched} of each branch; leave out spec.source.depth, or" if searched else ";"
    )
    message = f"the repository has no branch, tag or commit {commit}{within} check spec.source.ref"
    if not _WHOLE_COMMIT.fullmatch(commit):
        message += f" (a commit has 40 hexadecimal digits, these are its first {len(commit)})"
    return GitFailure("RefNotFound", message)


async def _listed(ask: Ask, url: str, ref: str) -> set[str]:
    """The branches and tags that may be meant by a name."""
    short = ref.removeprefix(_HEADS).removeprefix(_TAGS)
    words = ("ls-remote", "--heads", "--tags", "--", url, _HEADS + short, _TAGS + short)
    lines = (await ask(*words)).decode(errors="replace").splitlines()
    return {name for _, _, name in (line.partition("\t") for line in lines)}
