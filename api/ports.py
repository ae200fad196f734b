"""What the API is given from outside, so that it knows neither controller nor client.

The composition root passes them to :func:`api.app.create_app`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from pydantic import SecretStr

from crds.base import Resource
from crds.session import Session
from crds.target import Target
from crds.target_status import FoundItem
from dokploy.port import Dokploy
from records.port import Records

Clock = Callable[[], datetime]
"""Gives the time, with its zone."""


class Explanation(Protocol):
    """What the controller would do for a session, and why."""

    @property
    def why(self) -> str:
        """The reason, for people."""
        ...

    @property
    def actions(self) -> tuple[str, ...]:
        """The steps in order, for people; secrets appear as digests."""
        ...

    @property
    def wait_seconds(self) -> float | None:
        """Seconds until the controller looks again by itself."""
        ...


class Explain(Protocol):
    """Plans for a session as it is given, without doing any of it."""

    async def __call__(self, records: Records, session: Session) -> Explanation:
        """Explain; raises RecordsError or DokployError."""
        ...


class Loss(Protocol):
    """What a deletion would lose, or might."""

    @property
    def reason(self) -> str:
        """``WorkUnsaved``, or ``WorkUnknown`` where nobody can tell."""
        ...

    @property
    def what(self) -> str:
        """The work, or why nothing is known of it, in words that go after a colon."""
        ...


class AskWork(Protocol):
    """Asks a session's container whether a deletion without force would lose work."""

    async def __call__(self, records: Records, session: Session) -> Loss | None:
        """Ask, and wait for a fresh answer; None where nothing is lost. Raises RecordsError."""
        ...


class Affects(Protocol):
    """Says which sessions a Secret, template or Target concerns that have not taken it up."""

    async def __call__(self, records: Records, changed: Resource, *, gone: bool = False) -> str:
        """A sentence for whoever made the change, empty where nobody is concerned; raises RecordsError."""
        ...


class Connect(Protocol):
    """Makes a client of a target."""

    def __call__(self, target: Target, key: SecretStr) -> Dokploy:
        """A client; no call is made yet."""
        ...


class SessionId(Protocol):
    """Gives a session's id, by which its container knows itself."""

    def __call__(self, session: Session, *, instance: str) -> str:
        """The id under this store's instance."""
        ...


class Findings(Protocol):
    """What a sweep of a target would find, or why it could tell nothing."""

    @property
    def items(self) -> tuple[FoundItem, ...]:
        """The findings, those that weigh most first."""
        ...

    @property
    def unfinished(self) -> str | None:
        """Why nothing can be concluded; None where the findings are all there are."""
        ...


class Preview(Protocol):
    """Looks at a target as a sweep would, and changes nothing."""

    async def __call__(self, records: Records, dokploy: Dokploy, target: Target) -> Findings:
        """Look once; raises RecordsError or DokployError."""
        ...
