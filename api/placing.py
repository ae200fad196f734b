"""Where sessions are, before a write: what would leave one behind is refused here, with the way out.

The controller holds to the same, for records can be written by other ways.
"""

from __future__ import annotations

from api.problems import Problem, Reason
from crds.base import ConditionStatus, Key, Resource
from crds.session import Session
from crds.target import Target
from crds.vocabulary import ConditionType
from crds.vocabulary import Reason as Why
from records.errors import NotFound
from records.paging import pages
from records.port import Records

_SHOWN = 5
"""So many sessions are named."""


def check_place(stored: Resource, wanted: Resource) -> None:
    """Raise Problem Invalid where a session that was made on one target names another."""
    if not isinstance(stored, Session) or not isinstance(wanted, Session) or not stored.is_placed:
        return
    name, place = wanted.spec.target.name, stored.target_name
    if name == place:
        return
    message = (
        f"{stored.key} is on the target {place!r} and cannot be moved to {name!r}: its workspace would stay "
        f"behind; leave it on {place!r}, or push its work, delete it and declare it again"
    )
    raise Problem(Reason.INVALID, f"spec.target.name: {message}", causes=(("spec.target.name", message),))


async def check_unused(records: Records, target: Target) -> None:
    """Raise Problem InUse where sessions are on a target, or name it."""
    name = target.metadata.name
    users: list[str] = []
    async for page in pages(records, Session):
        users += [str(one.key) for one in page.items if name in {one.target_name, one.spec.target.name}]
    if not users:
        return
    more = f" and {len(users) - _SHOWN} more" if len(users) > _SHOWN else ""
    sessions = "1 session" if len(users) == 1 else f"{len(users)} sessions"
    detail = (
        f"the target {name!r} is used by {sessions}: {', '.join(users[:_SHOWN])}{more}; delete them first. "
        "Deleted with force, the target leaves their containers and volumes behind in Dokploy, and they can "
        "only be given up"
    )
    raise Problem(Reason.IN_USE, detail)


async def check_out_of_reach(records: Records, session: Session) -> None:
    """Raise Problem Conflict where the target of a session answers: then it is deleted, and not given up."""
    name = session.target_name
    try:
        target = await records.get(Target, Key("", name))
    except NotFound:
        return
    answers = any(
        one.type == ConditionType.READY and one.status is ConditionStatus.TRUE
        for one in target.status.conditions
    )
    replaced = any(one.reason == Why.TARGET_REPLACED for one in session.status.conditions)
    if answers and not replaced:
        detail = (
            f"the target {name!r} of Session {session.key} answers; delete the session without orphan, and "
            "its application and volumes go with it"
        )
        raise Problem(Reason.CONFLICT, detail)


def left_behind(session: Session) -> str:
    """What stays in Dokploy, for people."""
    return f"left on the target {session.target_name!r}: {session.left_behind}"
