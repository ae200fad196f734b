"""What the loop remembers of each session between passes; all of it can be lost and found again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from controller.identity import Identity
from controller.observe import Expected, expected_of
from controller.planned import Pace
from crds.base import Key
from crds.session import OperatingMode, Session

_NEVER = float("-inf")


@dataclass(slots=True)
class View:
    """One session, as last declared and as last seen."""

    uid: str
    session_id: str
    target: str = "default"
    organization_id: str | None = None
    """Dokploy's, where its application was made; None while nothing was."""
    template: str | None = None
    running: bool = False
    declared: tuple[object, ...] = ()
    revision: int = 0
    """Of the newest state of the record that was seen: an older one is stale."""
    expected: Expected = field(default_factory=lambda: Expected("", application=False, service=False))
    pace: Pace = Pace.SETTLED
    signature: tuple[object, ...] | None = None
    """What the listing showed at the last pass; None before the first."""
    deployments: dict[str, datetime | None] = field(default_factory=dict)
    """When each of its applications was last deployed, as listed at the last pass."""
    deleting: bool = False
    report_due: float = _NEVER
    """Loop time at which the container's own report is to be read again."""
    audit_due: float | None = None
    """Loop time at which its application is to be read whole again."""


class Views:
    """All sessions that are declared."""

    def __init__(self, *, instance: str) -> None:
        self._instance = instance
        self._views: dict[Key, View] = {}
        self._waiting: dict[Key, None] = {}
        """Asked for at every change of any session, which must not look at all of them."""

    def __iter__(self) -> Iterator[tuple[Key, View]]:
        return iter(list(self._views.items()))

    def __len__(self) -> int:
        return len(self._views)

    def get(self, key: Key) -> View | None:
        """One session's view."""
        return self._views.get(key)

    def is_overtaken(self, session: Session) -> bool:
        """Whether a newer state of this name is known; revisions order those of different uids, too."""
        view = self._views.get(session.key)
        return view is not None and int(session.metadata.resource_version or 0) < view.revision

    def note(self, session: Session) -> bool:
        """Take a session as it is now; says whether more than its status changed."""
        if self.is_overtaken(session):
            return False
        view = self._views.get(session.key)
        if view is None or view.uid != session.metadata.uid:
            identity = Identity.of(session, instance=self._instance)
            view = self._views[session.key] = View(session.metadata.uid, identity.session_id)
            self._waiting.pop(session.key, None)
        meta = session.metadata
        view.revision = int(meta.resource_version or 0)
        view.target = session.target_name
        place = session.status.dokploy.target
        view.organization_id = place.organization_id if place is not None else None
        view.template = session.spec.template
        view.running = session.spec.operating_mode is OperatingMode.RUNNING
        view.deleting = meta.deletion_timestamp is not None
        view.expected = expected_of(session, view.session_id)
        declared = (meta.generation, tuple(sorted(meta.annotations.items())))
        changed = view.declared != declared
        view.declared = declared
        return changed

    def forget(self, key: Key, uid: str) -> None:
        """The record is gone; a new one of the same name stays."""
        view = self._views.get(key)
        if view is not None and view.uid == uid:
            del self._views[key]
            self._waiting.pop(key, None)

    def of_target(self, name: str) -> list[tuple[Key, View]]:
        """The sessions of one target: asked for some times at every tick."""
        return [(key, view) for key, view in self._views.items() if view.target == name]

    def note_waiting(self, key: Key, *, waits: bool) -> None:
        """Say whether a session may go on once another one stops, goes, or gives up its host."""
        if waits and key in self._views:
            self._waiting[key] = None
        else:
            self._waiting.pop(key, None)

    def waiting(self) -> tuple[Key, ...]:
        """The sessions that wait for that, those that wait the longest first."""
        return tuple(self._waiting)

    def of_template(self, template: Key, *, shared: str) -> Iterator[Key]:
        """The sessions that may be made from a template: those of its namespace, or all if it is shared."""
        return (
            key
            for key, view in self
            if view.template == template.name and template.namespace in {key.namespace, shared}
        )

    def of_namespace(self, namespace: str) -> Iterator[Key]:
        """The sessions of one owner."""
        return (key for key, _ in self if key.namespace == namespace)
