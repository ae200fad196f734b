"""Permission requests: asked by the agent, answered by a person, or by auto-approve."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from container.agent.items import Body, Decision, Option, Permission
from container.agent.transcript import Transcript
from container.refusal import Refusal, Why

MAX_PENDING = 16
"""More at the same time are answered as cancelled."""
_ALLOWS = ("allow_once", "allow_always")
"""By preference: auto-approve allows no more than what is asked."""


@dataclass(frozen=True, slots=True)
class _Pending:
    item: int
    options: tuple[Option, ...]
    answer: asyncio.Future[str | None]


class Permissions:
    """Those that wait, each beside its item of the transcript."""

    def __init__(self, transcript: Transcript, *, auto_approve: bool) -> None:
        self._transcript = transcript
        self._pending: dict[str, _Pending] = {}
        self._answering: set[str] = set()
        self.auto_approve = auto_approve

    @property
    def pending(self) -> tuple[str, ...]:
        """The requests that wait for a person, the oldest first."""
        return tuple(self._pending)

    async def ask(self, call: str, title: str, options: Sequence[Option]) -> str | None:
        """The id of the option that was chosen; None where the request came to nothing."""
        asked = Permission(secrets.token_hex(8), call, title, tuple(options))
        allowed = self._allowed(asked.options)
        if allowed is not None:
            self._transcript.add(
                replace(asked, decision=Decision.ANSWERED, chosen=allowed.id, by="auto-approve")
            )
            return allowed.id
        if not options or len(self._pending) >= MAX_PENDING:
            self._transcript.add(replace(asked, decision=Decision.CANCELLED))
            return None
        item = self._transcript.add(asked)
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._pending[asked.request] = _Pending(item.id, asked.options, answer)
        try:
            return await answer
        finally:
            # Also where the agent ended meanwhile: then this is cancelled.
            self._settle(asked.request, None)

    async def answer(self, request: str, option: str, stored: Callable[[], Awaitable[None]]) -> None:
        """A person's choice; the agent hears of it once ``stored`` returns. Raises Refusal."""
        pending = self._pending.get(request)
        if pending is None or request in self._answering:
            raise _lapsed()
        if option not in {known.id for known in pending.options}:
            known = ", ".join(known.id for known in pending.options)
            raise Refusal(Why.INVALID, "option", f"must be one of: {known}")
        self._answering.add(request)
        self._decide(pending, Decision.ANSWERED, option)
        try:
            await stored()
        except BaseException:
            if request in self._pending:
                self._decide(pending, Decision.PENDING, "")
            raise
        finally:
            self._answering.discard(request)
        if request not in self._pending:  # its turn ended meanwhile
            raise _lapsed()
        self._settle(request, option)

    def cancel_all(self) -> None:
        """Let all of them come to nothing."""
        for request in tuple(self._pending):
            self._settle(request, None)

    def _allowed(self, options: tuple[Option, ...]) -> Option | None:
        if not self.auto_approve:
            return None
        allows = [option for option in options if option.kind in _ALLOWS]
        return min(allows, key=lambda option: _ALLOWS.index(option.kind), default=None)

    def _settle(self, request: str, option: str | None) -> None:
        pending = self._pending.pop(request, None)
        if pending is None:
            return
        if option is None:
            self._decide(pending, Decision.CANCELLED, "")
        else:
            self._decide(pending, Decision.ANSWERED, option)
        if not pending.answer.done():
            pending.answer.set_result(option)

    def _decide(self, pending: _Pending, decision: Decision, chosen: str) -> None:
        def decided(body: Body) -> Body:
            if not isinstance(body, Permission):
                return body
            return replace(body, decision=decision, chosen=chosen, by="person" if chosen else "")

        self._transcript.change(pending.item, decided)


def _lapsed() -> Refusal:
    return Refusal(Why.ABSENT, "request", "no such request waits; it was answered or has lapsed")
