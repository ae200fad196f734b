"""Lets somebody into a session: a short-lived token, signed with the session's own key.

The container checks it (``container/entry``). Nothing is stored: the key is made from the store's,
as the controller makes the one that it hands to the container.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from api.deletion import is_being_removed
from api.identity import Identity
from api.journal import Deed, Journal
from api.operations import Operations
from api.ports import Clock, SessionId
from api.problems import Problem, Reason
from container.contract import ENTRY_ALGORITHM, ENTRY_SECONDS, EntryUse, entry_claims, entry_key
from crds.base import Key
from crds.session import OperatingMode, Session
from records.port import Records

_JTI_BYTES = 16


@dataclass(frozen=True, slots=True)
class Pass:
    """A way into a session. ``url`` is its page; the token is to be kept out of logs and arguments."""

    url: str
    token: str = field(repr=False)
    expires_at: datetime


class Entries:
    """Makes passes; raises Problem and RecordsError."""

    def __init__(
        self, records: Records, operations: Operations, journal: Journal, session_id: SessionId, now: Clock
    ) -> None:
        self._records = records
        self._operations = operations
        self._journal = journal
        self._session_id = session_id
        self._now = now

    async def open(self, who: Identity, key: Key, use: EntryUse) -> Pass:
        """A pass into a session; raises Problem Conflict where there is nothing to enter."""
        session = await self._operations.read(who, Session, key)
        url = _url_of(session)
        settings = await self._records.settings()
        session_id = self._session_id(session, instance=settings.instance)
        now = self._now()
        # Loaded with the first way in that is asked for: most calls of an API are others.
        import jwt  # noqa: PLC0415 - slow to load, and wanted at an entry alone

        claims = entry_claims(
            use,
            session_id=session_id,
            owner=session.metadata.namespace,
            now=int(now.timestamp()),
            jti=secrets.token_urlsafe(_JTI_BYTES),
        )
        token = jwt.encode(
            dict(claims), entry_key(settings.digest_key, session_id), algorithm=ENTRY_ALGORITHM
        )
        await self._journal.note(who, Deed.ENTRY_GIVEN, session)
        return Pass(url, token, now + timedelta(seconds=ENTRY_SECONDS[use]))


def _url_of(session: Session) -> str:
    """Where its page is; raises Problem Conflict."""
    if is_being_removed(session):
        detail = (
            f"Session {session.key} is deleted: its container is being removed, and nobody can enter any more"
        )
        raise Problem(Reason.CONFLICT, detail)
    if session.spec.operating_mode is not OperatingMode.RUNNING:
        mode = session.spec.operating_mode.value
        raise Problem(Reason.CONFLICT, f"Session {session.key} is declared {mode}; start it to enter")
    if not session.status.url:
        detail = (
            f"Session {session.key} has no page to enter: its route is not attached yet, or it has none and "
            "needs spec.route.host, or its Target a spec.route.pattern"
        )
        raise Problem(Reason.CONFLICT, detail)
    return session.status.url
