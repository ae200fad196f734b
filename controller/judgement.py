"""What of ours a target holds that no record accounts for. Pure.

=============================================  ====================================================
what bears our marker                          what it is
=============================================  ====================================================
anything, its session neither known nor        LookAlike: another's, or from before a backup that
claimed                                        was restored (S1)
an application, its session gone               OrphanApplication
an application beside the one on record        Twin
a service without an application               OrphanService
a volume, its session gone, and retained       RetainedVolume
a volume, its session gone                     OrphanVolume
=============================================  ====================================================

What does not bear our marker is nobody's business here. A judgement is of one moment: the listings
behind it are read one after the other, so that a thing which is being made or deleted may show in
one and not yet, or no longer, in the next. What is to be acted on is therefore judged twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from controller.identity import Markers
from crds.base import Key
from crds.vocabulary import Finding
from dokploy.port import ApplicationRow, ServiceRow


@dataclass(frozen=True, slots=True)
class Known:
    """A session id that was ever claimed or is declared."""

    key: Key
    declared: bool
    """Whether its record is there, be it one that is being deleted."""
    application_id: str | None = None
    """The application on record."""
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Holdings:
    """What bears our marker on a target, by session id; a volume by its name."""

    applications: Mapping[str, tuple[ApplicationRow, ...]]
    services: Mapping[str, tuple[ServiceRow, ...]]
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """One finding; equal while it is the same thing, whatever is newly known of it."""

    finding: Finding
    name: str
    application_id: str | None = None
    session: Key | None = field(default=None, compare=False)
    created_at: datetime | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.finding}: {self.name}"

    @property
    def outcome(self) -> str:
        """What Berth does about it."""
        return _OUTCOMES[self.finding]

    @property
    def command(self) -> str | None:
        """What to run on the Dokploy host, where no call of Dokploy's would do."""
        match self.finding:
            case Finding.ORPHAN_SERVICE:
                return f"docker service rm {self.name}"
            case Finding.ORPHAN_VOLUME:
                return f"docker volume rm {self.name}"
            case _:
                return None


_OUTCOMES: Mapping[Finding, str] = {
    Finding.ORPHAN_APPLICATION: "deleted, once a second look still sees it and no build of it is under way",
    Finding.ORPHAN_SERVICE: "left; no call of Dokploy's removes it",
    Finding.ORPHAN_VOLUME: "left; a sweep never removes work",
    Finding.RETAINED_VOLUME: "kept, as its session declared",
    Finding.TWIN: "deleted by the next pass over its session",
    Finding.LOOK_ALIKE: "left; this Berth never claimed it",
}

NEEDS_A_PERSON = frozenset({Finding.ORPHAN_SERVICE, Finding.ORPHAN_VOLUME, Finding.LOOK_ALIKE})
"""What stays until somebody does something about it."""

_ORDER = (
    Finding.ORPHAN_SERVICE,
    Finding.ORPHAN_VOLUME,
    Finding.ORPHAN_APPLICATION,
    Finding.TWIN,
    Finding.LOOK_ALIKE,
    Finding.RETAINED_VOLUME,
)


def judge(holdings: Holdings, known: Mapping[str, Known], markers: Markers) -> tuple[Found, ...]:
    """All findings, those that weigh most first."""
    found = [
        *_applications(holdings, known),
        *_services(holdings, known),
        *_volumes(holdings.volumes, known, markers),
    ]
    return tuple(sorted(found, key=lambda item: (_ORDER.index(item.finding), item.name)))


def counts_of(found: Iterable[Found]) -> dict[str, int]:
    """How many there are of each finding, zeros left out."""
    counts: dict[str, int] = {}
    for item in found:
        counts[item.finding.value] = counts.get(item.finding.value, 0) + 1
    return counts


def _applications(holdings: Holdings, known: Mapping[str, Known]) -> Iterator[Found]:
    for session_id, rows in holdings.applications.items():
        session = known.get(session_id)
        for row in rows:
            finding = _of_application(row, rows, session)
            if finding is not None:
                key = session.key if session else None
                yield Found(finding, row.ref.app_name, row.ref.application_id, key, row.created_at)


def _of_application(
    row: ApplicationRow, rows: tuple[ApplicationRow, ...], session: Known | None
) -> Finding | None:
    if session is None:
        return Finding.LOOK_ALIKE
    if not session.declared:
        return Finding.ORPHAN_APPLICATION
    surplus = len(rows) > 1 and row.ref.application_id != session.application_id
    return Finding.TWIN if surplus else None


def _services(holdings: Holdings, known: Mapping[str, Known]) -> Iterator[Found]:
    names = {row.ref.app_name for rows in holdings.applications.values() for row in rows}
    for session_id, services in holdings.services.items():
        session = known.get(session_id)
        finding = Finding.ORPHAN_SERVICE if session else Finding.LOOK_ALIKE
        for service in services:
            if service.app_name not in names:
                yield Found(finding, service.app_name, session=session.key if session else None)


def _volumes(volumes: Iterable[str], known: Mapping[str, Known], markers: Markers) -> Iterator[Found]:
    for volume in volumes:
        session_id = markers.session_id_of_volume(volume)
        if session_id is None:
            continue
        session = known.get(session_id)
        if session is None:
            yield Found(Finding.LOOK_ALIKE, volume)
        elif not session.declared:
            finding = Finding.RETAINED_VOLUME if session.retained else Finding.ORPHAN_VOLUME
            yield Found(finding, volume, session=session.key)
