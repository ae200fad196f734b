"""Watches every outbound call, and holds it to the laws of safety; the laws are in tests/laws.py."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from functools import cache
from typing import TYPE_CHECKING, Any

from prometheus_client import generate_latest

from controller.identity import Identity
from controller.plan_deletion import FORCE_ANNOTATION
from crds.session import OperatingMode, Session
from crds.target import Target
from crds.vocabulary import ConditionType, Reason
from tests import laws
from tests.controller.world import KEY
from tests.reliability.faults import Call, Fault, Kind, spare_creates

if TYPE_CHECKING:
    from tests.reliability.injector import Injector
    from tests.reliability.world import ReliabilityWorld

STOPS_WITHIN = 14.0
"""Seconds: a slow tick, one that is awaited after a write, the stop of the container, and a fast tick."""
_LISTINGS = 2
_RESOLUTION = 1e-6
_OF_DOKPLOY = frozenset({Kind.LISTING, Kind.READING, Kind.CHANGE})

FOREIGNERS = ("s-1", "s-10", "b0123456-web", "b0123457-fix-login-aaaaaaaaaaaa", "shop.Ünïcode")
"""Names of applications that an outsider makes; some look much like ours."""


_session_id = cache(laws.MARKERS.session_id)
"""Asked of every application at every change."""


class Watch(laws.Keeper):
    """What is remembered between calls, and the laws that are called with it."""

    injector: Injector
    """Whose calls are watched."""

    def __init__(self, of: ReliabilityWorld) -> None:
        super().__init__()
        self._of = of
        self.brought_back: set[str] = set()
        """What an older database has again; it has no container, and the sweep finds it."""
        self._orphaned: set[str] = set()
        """Services that were seen without their application, whoever removed them later."""
        self._foreign: dict[str, Any] = {}
        self._changing: Counter[str] = Counter()
        self._in_flight = 0
        self._owners: dict[int, str] = {}
        """Of the changes under way: what a call removes cannot be asked afterwards."""
        self._changed_at: dict[str, float] = {}
        self._listings: dict[str, float] = {}
        self._listed_since = float("-inf")
        self._names: dict[str, str | None] = {}
        """Of applications by id: those that are gone have no row to ask."""
        self._asked: dict[str, float] = {}
        self._deleted_at: dict[str, float] = {}
        self._given_up: set[str] = set()
        """Sessions by id whose deletion was forced."""
        self._runs_since: dict[str, float] = {}
        self.stops_within: float | None = None
        """Seconds for which a session that is declared Stopped may be seen to run (law S11), or None
        where Dokploy has troubles that the injector knows nothing of."""
        self.rate: float | None = None
        """Calls per second that no second may have more of."""
        self._times: deque[float] = deque()
        self._counted: tuple[list[str], Counter[str]] | None = None

    async def invite_foreigners(self) -> None:
        """Let an outsider have applications beside ours."""
        call = self._of.dokploy.call
        project = await call("project.create", "POST", {"name": "others"}, KEY)
        environment = json.loads(project.body)["environment"]["environmentId"]
        for name in FOREIGNERS:
            plain = "".join(char if char.isascii() else "x" for char in name)
            given = {"name": name, "appName": plain, "environmentId": environment}
            await call("application.create", "POST", given, KEY)
        self._foreign = self._others()

    def _rows(self) -> dict[str, dict[str, Any]]:
        return self._of.dokploy.database.tables["application"]

    def _others(self) -> dict[str, Any]:
        return {
            key: dict(row) for key, row in self._rows().items() if self.session_id(row["appName"]) is None
        }

    def _known(self) -> list[str]:
        """Names of the applications, but for those that came back after they were seen to be gone."""
        names = (row["appName"] for row in self._rows().values())
        return [name for name in names if name not in self.brought_back]

    def session_id(self, app_name: str) -> str | None:
        """The session id in one of our names."""
        return _session_id(app_name)

    def look_again(self) -> None:
        """More foreigners have come."""
        self._foreign = self._others()

    # -- calls ----------------------------------------------------------------------------

    def before(self, call: Call) -> None:
        """A call is about to take effect."""
        if call.kind in _OF_DOKPLOY:
            self._count()
        if call.kind is Kind.LISTING:
            self._listings[call.name] = asyncio.get_running_loop().time()
        if call.kind is not Kind.CHANGE:
            return
        application_id = self._application_id(call)
        owner = self._owners[id(call)] = self._owner(call, application_id)
        if not self._is_overdue(call):
            self._in_flight += 1
            self._changing[owner] += 1
            self.hold(laws.s6, self._changing[owner], self._in_flight, limit=4)
        claims = self._of.records.all_claims
        if call.name == "dockerVolume.removeVolume":
            holders = self._of.dokploy.swarm.holders(call.subject)
            self.hold(laws.s1_volume, call.subject, claims)
            self.hold(laws.s9_order, call.subject, self._known(), holders)
        elif call.name == "application.create":
            if not self._is_overdue(call) and not self._went_meanwhile(owner):
                self.hold(laws.s8, call.subject, self._of.records.all(Session))
        elif application_id is not None:
            if call.name == "application.delete":
                self._look_for_work(owner)
            row = self._rows().get(application_id)
            self.hold(laws.s1, row["appName"] if row else None, claims)

    def after(self, call: Call) -> None:
        """It has taken its effect, whatever its answer becomes."""
        if call.kind is Kind.LISTING:
            if len(self._listings) == _LISTINGS:
                # Both listings are one reading: it is as old as the older of them.
                self._listed_since = min(self._listings.values())
            self._look_for_runaways()
        if call.kind is not Kind.CHANGE:
            return
        owner = self._owners.pop(id(call))
        if not self._is_overdue(call):
            self._in_flight -= 1
            self._changing[owner] -= 1
            self._changed_at[owner] = asyncio.get_running_loop().time()
        self.hold(
            laws.s2,
            self._ours(),
            self._overlaps(),
            spare=spare_creates(self.injector.injected) + self._of.doubled,
        )

    def _went_meanwhile(self, session_id: str) -> bool:
        """Whether a session was deleted while a call for it was on its way."""
        deleted, latency = self._deleted_at.get(session_id), self.injector.latency
        return deleted is not None and 0 < latency >= asyncio.get_running_loop().time() - deleted

    def _count(self) -> None:
        """Law S6 of the rate, where it is low enough to be reached."""
        if self.rate is None:
            return
        now = asyncio.get_running_loop().time()
        self._times.append(now)
        while self._times[0] <= now - 1.0 + _RESOLUTION:
            self._times.popleft()
        self.hold(laws.s6_rate, len(self._times), rate=self.rate)

    def _look_for_runaways(self) -> None:
        """A listing was just made: since when does it show a session to run that is declared Stopped?

        Only while nothing goes wrong: what cannot be called cannot be stopped.
        """
        if self.stops_within is None:
            return
        now = asyncio.get_running_loop().time()
        for session in self._of.records.all(Session):
            name = str(session.status.dokploy.app_name)
            stopped = session.spec.operating_mode is OperatingMode.STOPPED
            if stopped and session.metadata.deletion_timestamp is None and self._of.simulation.running(name):
                since = self._runs_since.setdefault(name, now)
                if not self._has_faults():
                    self.hold(laws.s11, name, now - since, within=self.stops_within)
            else:
                self._runs_since.pop(name, None)

    def _has_faults(self) -> bool:
        faults = any(isinstance(fault, Fault) for _, fault in self.injector.injected)
        return faults or self.injector.suffered > 0

    def _is_overdue(self, call: Call) -> bool:
        """Whether its time-out came before its effect: nobody can know when that comes (S6, S7)."""
        return call.number in self.injector.overdue

    def _ours(self) -> Counter[str]:
        """How many applications each session has; counted again when one came or went."""
        rows = self._rows()
        if self._counted is None or self._counted[0] != [*rows]:
            ids = (self.session_id(row["appName"]) for row in rows.values())
            self._counted = [*rows], Counter(session_id for session_id in ids if session_id is not None)
        return self._counted[1]

    def _overlaps(self) -> list[str]:
        """Containers that met on a volume, but for those of a service without an application: Dokploy
        itself starts it again when an outsider deploys what is being deleted (FACTS 7.2)."""
        violations = self._of.simulation.violations
        if violations:
            self._orphaned |= self._of.dokploy.swarm.services.keys() - {
                row["appName"] for row in self._rows().values()
            }
        excused = tuple(f"{name} " for name in self._orphaned)
        return [one for one in violations if not one.partition(": ")[2].startswith(excused)]

    def announced(self, session: Session) -> None:
        """A pass says what it is about to do: law S7 is about the view that it decided by."""
        owner = Identity.of(session, instance=laws.INSTANCE).session_id
        written = self._changed_at.get(owner, float("-inf"))
        self.hold(laws.s7, written, self._listed_since)

    def asked(self, session_id: str) -> None:
        """The session's own container has read its work for a question."""
        self._asked[session_id] = asyncio.get_running_loop().time()

    def deletion_begins(self, session: Session) -> None:
        """Its owner deletes it."""
        session_id = Identity.of(session, instance=laws.INSTANCE).session_id
        self._deleted_at[session_id] = asyncio.get_running_loop().time()
        if session.metadata.annotations.get(FORCE_ANNOTATION) == "true":
            self._given_up.add(session_id)

    def _look_for_work(self, session_id: str) -> None:
        """The application of a session is about to go: whoever could tell of its work goes with it."""
        since = self._deleted_at.get(session_id)
        if since is None or session_id in self._given_up:
            return
        for session in self._of.records.all(Session):
            if Identity.of(session, instance=laws.INSTANCE).session_id != session_id:
                continue
            name, status = str(session.status.dokploy.app_name), session.status.conditions
            told = any(c.type == ConditionType.WORK_SAVED and c.reason != Reason.NOT_REPORTED for c in status)
            removes = session.spec.template is None and session.spec.storage.on_delete == "Delete"
            if told and removes and self._of.simulation.healthz(name) is not None:
                self.hold(laws.s9a, name, self._asked.get(session_id, float("-inf")), since)

    def ended(self, session: Session) -> None:
        """A record is about to go."""
        self.hold(laws.s8_end, session, self._known())

    def _application_id(self, call: Call) -> str | None:
        """The application that a change is about; None of one that makes it, and of a volume."""
        tables = self._of.dokploy.database.tables
        match call.name:
            case "application.create" | "dockerVolume.removeVolume":
                return None
            case "domain.delete":
                return tables["domain"].get(call.subject, {}).get("applicationId")
            case "mounts.remove":
                return tables["mount"].get(call.subject, {}).get("applicationId")
            case _:
                return call.subject

    def _owner(self, call: Call, application_id: str | None) -> str:
        """The session that a change is about, by its id; by what it names where that is nobody's."""
        if call.name == "application.create":
            name: str | None = f"{call.subject}-aaaaaa"  # Dokploy appends as much
        elif call.name == "dockerVolume.removeVolume":
            return laws.MARKERS.session_id_of_volume(call.subject) or call.subject
        else:
            row = self._rows().get(str(application_id))
            name = self._names[str(application_id)] = row["appName"] if row else self._names.get(call.subject)
        return (self.session_id(name) if name else None) or call.subject

    def farewell(self) -> None:
        """Foreigners are as they were (law S1), no two containers met (S2), no secret was told (S3)."""
        self.hold(laws.s2, Counter(), self._overlaps(), spare=0)
        lost = {
            volume
            for volume in self._of.simulation.lost
            if laws.MARKERS.session_id_of_volume(volume) not in self._given_up
        }
        self.hold(laws.s9_work, lost)
        if self._others() != self._foreign:
            self.broken.append("S1: a foreigner's application was changed")
        told = [event.model_dump_json() for event in self._of.records.all_events]
        told += [row.model_dump_json() for kind in (Session, Target) for row in self._of.records.all(kind)]
        told += self._of.logged
        if not self.injector.injected:
            # Dear, and the same whatever went wrong.
            told += [generate_latest(one.registry).decode() for one in self._of.metrics]
        self.hold(laws.s3, told)
        self.hold(laws.own_words, told)
