"""Whom a changed Secret, template or Target concerns: the sessions that have not taken it up yet.

For the answer to whoever changed it, and with the change only supposed: for a dry run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from controller.errors import Unresolved
from controller.identity import Identity
from controller.inputs import SHARED_NAMESPACE, read_secrets, read_template
from controller.resolver import Resolver
from controller.secrets import SecretValues
from controller.takeup import waiting_for
from crds.base import ConditionStatus, Key, Resource
from crds.secret import Secret
from crds.session import OperatingMode, Session, SessionTemplate
from crds.target import Target
from crds.vocabulary import ConditionType
from records.errors import NotFound
from records.paging import pages
from records.port import Records

_MOST = 500
"""Sessions that are looked at: each costs about a millisecond, and the answer waits for it."""
_NAMED = 10
"""Sessions that are named."""


@dataclass(slots=True)
class Affected:
    """Names of sessions, by what becomes of them."""

    idle: list[str] = field(default_factory=list)
    """They take the change up once their agent is at rest."""
    restart: list[str] = field(default_factory=list)
    """They have no route, and take it up at a restart."""
    blocked: list[str] = field(default_factory=list)
    """They cannot be resolved with it: their container is left as it is."""
    more: bool = False
    """Whether there are sessions that were not looked at."""

    def sentence(self) -> str:
        """For whoever made the change; empty where nobody is concerned."""
        parts = [
            _told(self.idle, "takes it up at its next idle moment", "take it up at their next idle moment"),
            _told(self.restart, "takes it up at its next restart", "take it up at their next restart"),
            _told(self.blocked, "cannot run with it (berth why)", "cannot run with it (berth why)"),
            f"only {_MOST} sessions were looked at" if self.more else "",
        ]
        return "; ".join(filter(None, parts))


async def affected(records: Records, changed: Resource, *, gone: bool = False) -> str:
    """Say whom a record concerns as it is given, stored or not; with ``gone``, that it is not there.

    Raises RecordsError.
    """
    found = Affected()
    if not isinstance(changed, Secret | SessionTemplate | Target):
        return ""
    settings = await records.settings()
    around = _Around(records, changed, gone=gone)
    looked_at = 0
    async for session in _concerned(records, changed):
        if looked_at == _MOST:
            found.more = True
            break
        looked_at += 1
        identity = Identity.of(session, instance=settings.instance)
        await _look(session, identity, around, Resolver(settings.digest_key), found)
    return found.sentence()


async def _concerned(records: Records, changed: Secret | SessionTemplate | Target) -> AsyncIterator[Session]:
    """The running sessions that may use it."""
    shared = isinstance(changed, Target) or changed.metadata.namespace == SHARED_NAMESPACE
    async for page in pages(records, Session, namespace=None if shared else changed.metadata.namespace):
        for session in page.items:
            spec = session.spec
            runs = spec.operating_mode is OperatingMode.RUNNING and session.status.dokploy.applied is not None
            if not runs or session.metadata.deletion_timestamp is not None:
                continue
            if isinstance(changed, SessionTemplate) and spec.template != changed.metadata.name:
                continue
            if not isinstance(changed, Target) or spec.target.name == changed.metadata.name:
                yield session


async def _look(
    session: Session, identity: Identity, around: _Around, resolver: Resolver, found: Affected
) -> None:
    name = str(session.key)
    try:
        target = await around.target(session.spec.target.name)
        if target is None:
            return
        want = resolver.resolve(
            session,
            template=await around.template(session),
            target=target,
            secrets=await around.secrets(session.metadata.namespace),
            identity=identity,
        )
    except Unresolved:
        if _was_admitted(session):
            found.blocked.append(name)
        return
    waiting = waiting_for(session, want, session.status.dokploy)
    if waiting is not None and waiting.changed:
        (found.idle if waiting.can_be_asked else found.restart).append(name)


class _Around:
    """What sessions refer to, read once, with the changed record in its place."""

    def __init__(self, records: Records, changed: Resource, *, gone: bool) -> None:
        self._records = records
        self._changed = changed
        self._gone = gone
        self._secrets: dict[str, SecretValues] = {}
        self._targets: dict[str, Target | None] = {}

    async def secrets(self, namespace: str) -> SecretValues:
        """Those of a namespace."""
        if namespace not in self._secrets:
            values = dict((await read_secrets(self._records, namespace)).secrets)
            if isinstance(self._changed, Secret) and self._changed.metadata.namespace == namespace:
                values.pop(self._changed.metadata.name, None)
                if not self._gone:
                    values[self._changed.metadata.name] = self._changed
            self._secrets[namespace] = SecretValues(values)
        return self._secrets[namespace]

    async def target(self, name: str) -> Target | None:
        """The target of that name."""
        if isinstance(self._changed, Target) and self._changed.metadata.name == name:
            return None if self._gone else self._changed
        if name not in self._targets:
            try:
                self._targets[name] = await self._records.get(Target, Key("", name))
            except NotFound:
                self._targets[name] = None
        return self._targets[name]

    async def template(self, session: Session) -> SessionTemplate | None:
        """The session's template; raises Unresolved."""
        changed = self._changed
        if isinstance(changed, SessionTemplate) and not self._gone:
            return changed
        return await read_template(self._records, session)


def _was_admitted(session: Session) -> bool:
    return any(
        c.type == ConditionType.ADMITTED and c.status is ConditionStatus.TRUE
        for c in session.status.conditions
    )


def _told(names: list[str], one: str, several: str) -> str:
    if not names:
        return ""
    shown = ", ".join(names[:_NAMED]) + (", and more" if len(names) > _NAMED else "")
    return f"1 session {one}: {shown}" if len(names) == 1 else f"{len(names)} sessions {several}: {shown}"
