"""Resolves sessions, and does not do it again while nothing changed that the answer is made from.

Most passes only look whether all is still well, and to merge, encode and digest a configuration
for each would be most of their cost. One answer is kept for each session that is to run: the others
are seldom looked at, and a thousand answers are several megabytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from controller.desired import Desired, resolve
from controller.identity import Identity
from controller.secrets import SecretValues
from crds.base import Key, Resource
from crds.session import Session, SessionTemplate
from crds.target import Target

_Versions = tuple[tuple[str, int | str] | None, ...]


@dataclass(slots=True)
class Resolver:
    """The newest answer for each session, with the versions of the records it was made from."""

    digest_key: bytes = field(repr=False)
    _answers: dict[Key, tuple[_Versions, Desired]] = field(default_factory=dict, repr=False)

    def resolve(
        self,
        session: Session,
        *,
        template: SessionTemplate | None,
        target: Target,
        secrets: SecretValues,
        identity: Identity,
    ) -> Desired:
        """The one configuration; raise Unresolved where a person has to act, which is not kept."""
        versions = (_spec_of(session), _spec_of(template), _spec_of(target), *secrets.versions())
        known = self._answers.get(session.key)
        if known is not None and known[0] == versions:
            return known[1]
        desired = resolve(
            session,
            template=template,
            target=target,
            secrets=secrets,
            identity=identity,
            digest_key=self.digest_key,
        )
        if desired.config.replicas:
            self._answers[session.key] = versions, desired
        else:
            self.forget(session.key)
        return desired

    def forget(self, key: Key) -> None:
        """A session is gone."""
        self._answers.pop(key, None)


def _spec_of(record: Resource | None) -> tuple[str, int] | None:
    """What tells one spec from every other: a record's generation moves with it (records/port.py)."""
    return (record.metadata.uid, record.metadata.generation) if record is not None else None
