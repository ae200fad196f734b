"""Whether there is room for a session: limits of its target, and hosts that are taken.

What is counted is what is declared: sessions that shall run, the oldest first, so that the answer
for one session does not depend on the order in which sessions are looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from controller.errors import Unresolved
from crds.base import Key
from crds.session import OperatingMode, Session
from crds.target import Target
from crds.vocabulary import Reason

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Place:
    created: datetime
    uid: str
    target: str
    running: bool
    host: str | None = None


class Admission:
    """The declared sessions of all targets, as far as room and hosts go."""

    def __init__(self) -> None:
        self._places: dict[Key, _Place] = {}
        self._hosts: dict[str, set[Key]] = {}
        """Who has a host: asked at every pass, which must not look at every other session."""

    def note(self, session: Session) -> None:
        """Take a session as it is declared now."""
        old = self._places.get(session.key)
        same = old is not None and old.uid == session.metadata.uid
        place = self._places[session.key] = _Place(
            created=session.metadata.creation_timestamp or _NEVER,
            uid=session.metadata.uid,
            target=session.target_name,
            running=session.spec.operating_mode is OperatingMode.RUNNING
            and session.metadata.deletion_timestamp is None,
        )
        self._give(session.key, place, old.host if old is not None and same else host_of(session))
        if old is not None and old.host != place.host:
            self._free(session.key, old.host)

    def forget(self, key: Key) -> None:
        """A session is gone."""
        place = self._places.pop(key, None)
        if place is not None:
            self._free(key, place.host)

    def check(self, session: Session, target: Target) -> None:
        """Raise Unresolved if the session is past a limit of its target."""
        limits = target.spec.limits
        if session.spec.operating_mode is not OperatingMode.RUNNING or session.status.dokploy.task:
            return  # what runs already is not pushed out by a limit that was lowered
        for limit, whose, owned in (
            (limits.sessions, "", False),
            (limits.sessions_per_owner, " per owner", True),
        ):
            if limit is not None and self._older(session, owned_only=owned) >= limit:
                raise Unresolved(
                    Reason.QUOTA_EXCEEDED,
                    f"the target {target.metadata.name!r} takes {limit} running sessions{whose}; stop one, "
                    "and this one goes on by itself",
                )

    def claim_host(self, session: Session, host: str | None) -> None:
        """Take a host for a session; raise Unresolved if another session has it."""
        if host is not None and self._hosts.get(host, set()) - {session.key}:
            raise Unresolved(
                Reason.HOST_TAKEN,
                f"spec.route.host: {host} belongs to another session; name a different host",
            )
        mine = self._places.get(session.key)
        if mine is not None and mine.host != host:
            self._free(session.key, mine.host)
            self._give(session.key, mine, host)

    def _give(self, key: Key, place: _Place, host: str | None) -> None:
        place.host = host
        if host is not None:
            self._hosts.setdefault(host, set()).add(key)

    def _free(self, key: Key, host: str | None) -> None:
        if host is None:
            return
        owners = self._hosts.get(host, set())
        owners.discard(key)
        if not owners:
            self._hosts.pop(host, None)

    def _older(self, session: Session, *, owned_only: bool) -> int:
        mine = (session.metadata.creation_timestamp or _NEVER, session.metadata.uid)
        return sum(
            1
            for key, place in self._places.items()
            if place.running
            and place.target == session.target_name
            and (place.created, place.uid) < mine
            and (not owned_only or key.namespace == session.metadata.namespace)
        )


def host_of(session: Session) -> str | None:
    """The host that a session has had attached."""
    route = session.status.dokploy.route
    return route.split("://", 1)[1].rsplit(":", 1)[0] if route else None
