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


_KNOWN, _LINE = "known", "queue"


class Memory:
    """Small values, kept with the records."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._known = Known()

    def restore(self, values: Mapping[str, bytes]) -> Line:
        """Take in what an earlier start left; the prompts that waited."""
        if _KNOWN in values:
            self._known = decode(Known, values[_KNOWN]) or Known()
        return (decode(Line, values[_LINE]) if _LINE in values else None) or Line()

    @property
    def seen(self) -> int:
        """The revision up to which a person has looked."""
        return self._known.seen

    def see(self, revision: int) -> None:
        """A person has looked."""
        if revision > self.seen:
            self._put(replace(self._known, seen=revision))

    def session_of(self, provider: str) -> str | None:
        """The last session with a provider."""
        return self._known.sessions.get(provider)

    def remember(self, provider: str, session: str) -> None:
        """This is the last session with a provider."""
        if self.session_of(provider) != session:
            self._put(replace(self._known, sessions={**self._known.sessions, provider: session}))

    def forget(self, provider: str) -> None:
        """There is none any more."""
        others = {name: session for name, session in self._known.sessions.items() if name != provider}
        self._put(replace(self._known, sessions=others))

    def choice(self, declared: str) -> str:
        """The provider that a person chose; empty if none, or if another one was declared since."""
        return self._known.provider if self._known.declared == declared else ""

    def choose(self, provider: str, declared: str) -> None:
        """A person has chosen."""
        self._put(replace(self._known, provider=provider, declared=declared))

    def keep_queue(self, line: Line) -> None:
        """The prompts that wait have changed."""
        self._records.put(_LINE, line)

    async def settle(self) -> None:
        """Wait until what changed is on the disk, or cannot be brought there."""
        await self._records.settle()

    def _put(self, known: Known) -> None:
        self._known = known
        self._records.put(_KNOWN, known)
