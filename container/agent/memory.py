"""What outlasts the container beside the transcript.

Sessions, the chosen provider, what was seen, and the prompts that wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from container.agent.codec import decode
from container.agent.queue import Line
from container.agent.records import Records


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered.

    ``sessions`` by provider, as the agents call them; ``provider`` was chosen by a person while
    ``declared`` was declared; ``seen`` is the revision up to which a person has looked.
    """

    sessions: Mapping[str, str] = field(default_factory=dict)
    provider: str = ""
    declared: str = ""
    seen: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person has written and not sent."""

    text: str = ""


_KNOWN, _LINE, _DRAFT = "known", "queue", "draft"


class Memory:
    """Small values, kept with the records."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._known = Known()
        self._draft = Draft()

    def restore(self, values: Mapping[str, bytes]) -> Line:
        """Take in what an earlier start left; the prompts that waited."""
        if _KNOWN in values:
            self._known = decode(Known, values[_KNOWN]) or Known()
        if _DRAFT in values:
            self._draft = decode(Draft, values[_DRAFT]) or Draft()
        return (decode(Line, values[_LINE]) if _LINE in values else None) or Line()

    @property
    def draft(self) -> str:
        """What a person has written and not sent."""
        return self._draft.text

    def keep_draft(self, text: str) -> None:
        """It has changed."""
        if text != self.draft:
            self._draft = Draft(text)
            self._records.put(_DRAFT, self._draft)

    @property
    def seen(self) -> int:
        """The revision up to which a person has looked."""
        return self._known.seen

    def see(self, revision: int) -> None:
        """A person has looked."""
        if revision > self.seen:
            self.put_known(replace(self._known, seen=revision))

    def session_of(self, provider: str) -> str | None:
        """The last session with a provider."""
        return self._known.sessions.get(provider)

    def remember(self, provider: str, session: str) -> None:
        """This is the last session with a provider."""
        if self.session_of(provider) != session:
            self.put_known(replace(self._known, sessions={**self._known.sessions, provider: session}))

    def forget(self, provider: str) -> None:
        """There is none any more."""
        others = {name: session for name, session in self._known.sessions.items() if name != provider}
        self.put_known(replace(self._known, sessions=others))

    @property
    def known(self) -> Known:
        """All small values."""
        return self._known

    def choice(self, declared: str) -> str:
        """The provider that a person chose; empty if none, or if another one was declared since."""
        return self._known.provider if self._known.declared == declared else ""

    def choose(self, provider: str, declared: str) -> None:
        """A person has chosen."""
        self.put_known(replace(self._known, provider=provider, declared=declared))

    def keep_queue(self, line: Line) -> None:
        """The prompts that wait have changed."""
        self._records.put(_LINE, line)

    async def settle(self) -> None:
        """Wait until what changed is on the disk; raises NotKept, as :meth:`Records.settle` does."""
        await self._records.settle()

    def put_known(self, known: Known) -> None:
        """Small values have changed."""
        self._known = known
        self._records.put(_KNOWN, known)
