"""The gate of one session: who is let in, by what, and what they are given."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from container.contract import ENTRY_SECONDS, SESSION_ID, TOKEN_KEY, EntryUse
from container.database import Database
from container.entry.cookie import cookie_names, set_cookie
from container.entry.head import Head
from container.entry.refusal import Refused, Why
from container.entry.tokens import LEEWAY, SHORTEST_KEY, Token, Tokens
from container.entry.used import Used
from container.environment import Settings
from container.given import Problem
from container.journal import Journal


def _seconds() -> int:
    return int(time.time())


@dataclass(frozen=True, slots=True)
class Admission:
    """Somebody is let in; ``cookie`` is a ``Set-Cookie`` header that the answer must carry, or None."""

    owner: str
    cookie: str | None = None


class Entry:
    """Who may enter. Raises Refused where somebody may not."""

    def __init__(
        self,
        settings: Settings,
        key: str | None,
        journal: Journal,
        database: Database,
        *,
        now: Callable[[], int] = _seconds,
    ) -> None:
        self.console_origin = settings.console_origin
        self._session_id = settings.session
        self._journal = journal
        self._now = now
        self._used = Used(journal, database)
        self.problems = _problems(settings.session, key)
        """Why nobody can enter at all; empty where the key serves."""
        secret = (key or "").encode("utf-8", "surrogateescape")
        self._tokens = None if self.problems else Tokens(secret, settings.session)

    async def exchange(self, text: str, head: Head) -> Admission:
        """A cookie for a one-time token."""
        token = self._opened.read(text, uses={EntryUse.ENTER}, now=self._now())
        await self._use(token)
        self._journal.say("entry", f"entered for {token.owner or 'nobody in particular'}")
        return Admission(token.owner, self._cookie(token.owner, head))

    async def admit(self, head: Head) -> Admission:
        """Whoever asks for anything else: by a token in the head, or by the cookie."""
        if head.bearer is not None:
            return await self._by_bearer(head.bearer, head)
        return self._by_cookie(head)

    async def _by_bearer(self, text: str, head: Head) -> Admission:
        origin = head.headers.get("origin")
        if origin is not None and not head.is_own(origin):
            raise _foreign()
        token = self._opened.read(text, uses={EntryUse.ENTER, EntryUse.TOOL}, now=self._now())
        if token.use is EntryUse.ENTER:
            await self._use(token)
        return Admission(token.owner)

    def _by_cookie(self, head: Head) -> Admission:
        token = self._cookie_of(head)
        if not head.is_of_own_page():
            raise _foreign()
        worn = self._now() - token.issued > ENTRY_SECONDS[EntryUse.COOKIE] // 2
        return Admission(token.owner, self._cookie(token.owner, head) if worn else None)

    def _cookie_of(self, head: Head) -> Token:
        tokens, expired = self._opened, False
        for name in cookie_names(self._session_id, https=head.is_https):
            for text in head.cookies(name):
                try:
                    return tokens.read(text, uses={EntryUse.COOKIE}, now=self._now())
                except Refused as refused:
                    expired |= refused.why is Why.EXPIRED
        if expired:
            raise Refused(Why.EXPIRED, "the entry has expired; open the session from Berth again")
        raise Refused(Why.NOT_ENTERED, "this session opens only for whoever comes from Berth; open it there")

    async def _use(self, token: Token) -> None:
        if not await self._used.use(token.id, until=token.expires + LEEWAY, now=self._now()):
            self._journal.say("entry", f"a token for {token.owner} was used again: refused", level="Warning")
            raise Refused(Why.USED, "the token was used already; open the session from Berth again")

    def _cookie(self, owner: str, head: Head) -> str:
        value = self._opened.make(EntryUse.COOKIE, owner=owner, now=self._now())
        return set_cookie(self._session_id, value, trustworthy=head.is_trustworthy)

    @property
    def _opened(self) -> Tokens:
        if self._tokens is None:
            said = "; ".join(f"{problem.variable} {problem.message}" for problem in self.problems)
            raise Refused(Why.NO_KEY, f"nobody can enter this container: {said}")
        return self._tokens


def _problems(session_id: str, key: str | None) -> tuple[Problem, ...]:
    if not key:
        remedy = "is not set, so nobody can enter; Berth sets it, a container by hand needs one of its own"
        return (Problem(TOKEN_KEY, remedy),)
    if len(key.encode("utf-8", "surrogateescape")) < SHORTEST_KEY:
        return (Problem(TOKEN_KEY, f"must have at least {SHORTEST_KEY} characters, so nobody can enter"),)
    if not session_id:
        return (Problem(SESSION_ID, "is not set, so nobody can enter: a token names the session it is for"),)
    return ()


def _foreign() -> Refused:
    return Refused(Why.FOREIGN, "this was asked from a page of another origin; only the session's own may")
